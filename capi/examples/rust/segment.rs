//! Draws what a phrase names and writes its mask as a PNG file: segment IMAGE PHRASE MASK.png

#[allow(dead_code)] // each example uses a part of it
mod medplib;

use medplib::{Image, Model, Session};
use std::error::Error;
use std::process::ExitCode;

fn segment(image: &str, phrase: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let mut session = Session::new(&Model::embedded()?)?;
    session.set_image(&Image::read(image)?)?;
    let answer = session.segment(phrase)?;
    let masks = answer.masks()?;
    let mask = masks.first().ok_or(format!("the model sees no {phrase}"))?;
    std::fs::write(file, mask.png()?)
        .map_err(|error| format!("{file} cannot be written: {error}"))?;
    println!("{}: {} pixels", mask.label(), mask.area()?);
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [image, phrase, file] => match segment(image, phrase, file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("segment: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: segment IMAGE PHRASE MASK.png");
            ExitCode::from(2)
        }
    }
}
