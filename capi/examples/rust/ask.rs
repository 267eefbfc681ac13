//! Asks about an image: ask IMAGE QUESTION

#[allow(dead_code)] // each example uses a part of it
mod medplib;

use medplib::{Image, Model, Result, Session};
use std::process::ExitCode;

fn ask(image: &str, question: &str) -> Result<String> {
    let mut session = Session::new(&Model::embedded()?)?;
    session.set_image(&Image::read(image)?)?;
    Ok(session.ask(question)?.text())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [image, question] => match ask(image, question) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("ask: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: ask IMAGE QUESTION");
            ExitCode::from(2)
        }
    }
}
