//! The part of medplib.h that the examples need, and owners that free what they hold.
//! What each function does and when it fails stands there.

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};

/// What went wrong: a sentence of the library.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

// Handles are opaque, and so are options that stay NULL, which stands for the defaults.
#[link(name = "medplib")]
extern "C" {
    fn medplib_last_error() -> *const c_char;
    fn medplib_embedded_model(buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32;
    fn medplib_model_load(
        folder: *const c_char,
        options: *const c_void,
        model: *mut *mut c_void,
    ) -> i32;
    fn medplib_model_free(model: *mut c_void);
    fn medplib_image_read(
        path: *const c_char,
        options: *const c_void,
        image: *mut *mut c_void,
    ) -> i32;
    fn medplib_image_free(image: *mut c_void);
    fn medplib_session_create(
        model: *const c_void,
        options: *const c_void,
        session: *mut *mut c_void,
    ) -> i32;
    fn medplib_session_set_image(session: *mut c_void, image: *const c_void) -> i32;
    fn medplib_session_free(session: *mut c_void);
    fn medplib_ask(
        session: *mut c_void,
        question: *const c_char,
        options: *const c_void,
        answer: *mut *mut c_void,
    ) -> i32;
    fn medplib_segment(
        session: *mut c_void,
        phrase: *const c_char,
        options: *const c_void,
        answer: *mut *mut c_void,
    ) -> i32;
    fn medplib_answer_text(answer: *const c_void) -> *const c_char;
    fn medplib_answer_mask_count(answer: *const c_void) -> i32;
    fn medplib_answer_mask(answer: *const c_void, index: i32, mask: *mut *const c_void) -> i32;
    fn medplib_answer_free(answer: *mut c_void);
    fn medplib_mask_label(mask: *const c_void) -> *const c_char;
    fn medplib_mask_area(mask: *const c_void, area: *mut i64) -> i32;
    fn medplib_mask_png(mask: *const c_void, png: *mut *mut c_void) -> i32;
    fn medplib_bytes_data(bytes: *const c_void) -> *const c_char;
    fn medplib_bytes_size(bytes: *const c_void) -> usize;
    fn medplib_bytes_free(bytes: *mut c_void);
}

/// A pointer of the library, and the function that gives it back.
struct Handle {
    pointer: *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
}

impl Handle {
    /// What `make` writes to the pointer that it is given.
    fn new(
        free: unsafe extern "C" fn(*mut c_void),
        make: impl FnOnce(*mut *mut c_void) -> i32,
    ) -> Result<Handle> {
        let mut pointer = null_mut();
        check(make(&mut pointer))?;
        Ok(Handle { pointer, free })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { (self.free)(self.pointer) }
    }
}

fn check(status: i32) -> Result<()> {
    match status {
        0 => Ok(()),
        _ => Err(Error(unsafe { text(medplib_last_error()) })),
    }
}

unsafe fn text(borrowed: *const c_char) -> String {
    CStr::from_ptr(borrowed).to_string_lossy().into_owned()
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error(format!("{text:?} has a 0 byte inside.")))
}

/// Weights and configuration.
pub struct Model(Handle);

impl Model {
    /// The model that comes with medplib.
    pub fn embedded() -> Result<Model> {
        let mut needed = 0;
        check(unsafe { medplib_embedded_model(null_mut(), 0, &mut needed) })?;
        let mut folder: Vec<c_char> = vec![0; needed];
        check(unsafe { medplib_embedded_model(folder.as_mut_ptr(), folder.len(), null_mut()) })?;
        Handle::new(medplib_model_free, |model| unsafe {
            medplib_model_load(folder.as_ptr(), null(), model)
        })
        .map(Model)
    }
}

pub struct Image(Handle);

impl Image {
    pub fn read(path: &str) -> Result<Image> {
        let path = c_string(path)?;
        Handle::new(medplib_image_free, |image| unsafe {
            medplib_image_read(path.as_ptr(), null(), image)
        })
        .map(Image)
    }
}

/// Questions about an image. It belongs to one thread, which its pointer sees to.
pub struct Session(Handle);

impl Session {
    pub fn new(model: &Model) -> Result<Session> {
        Handle::new(medplib_session_free, |session| unsafe {
            medplib_session_create(model.0.pointer, null(), session)
        })
        .map(Session)
    }

    pub fn set_image(&mut self, image: &Image) -> Result<()> {
        check(unsafe { medplib_session_set_image(self.0.pointer, image.0.pointer) })
    }

    pub fn ask(&mut self, question: &str) -> Result<Answer> {
        let question = c_string(question)?;
        Handle::new(medplib_answer_free, |answer| unsafe {
            medplib_ask(self.0.pointer, question.as_ptr(), null(), answer)
        })
        .map(Answer)
    }

    pub fn segment(&mut self, phrase: &str) -> Result<Answer> {
        let phrase = c_string(phrase)?;
        Handle::new(medplib_answer_free, |answer| unsafe {
            medplib_segment(self.0.pointer, phrase.as_ptr(), null(), answer)
        })
        .map(Answer)
    }
}

pub struct Answer(Handle);

impl Answer {
    pub fn text(&self) -> String {
        unsafe { text(medplib_answer_text(self.0.pointer)) }
    }

    pub fn masks(&self) -> Result<Vec<Mask<'_>>> {
        (0..unsafe { medplib_answer_mask_count(self.0.pointer) })
            .map(|index| {
                let mut pointer = null();
                check(unsafe { medplib_answer_mask(self.0.pointer, index, &mut pointer) })?;
                Ok(Mask {
                    pointer,
                    _answer: self,
                })
            })
            .collect()
    }
}

/// A structure drawn at the image's size; the answer lends it.
pub struct Mask<'a> {
    pointer: *const c_void,
    _answer: &'a Answer,
}

impl Mask<'_> {
    pub fn label(&self) -> String {
        unsafe { text(medplib_mask_label(self.pointer)) }
    }

    /// Pixels inside.
    pub fn area(&self) -> Result<i64> {
        let mut area = 0;
        check(unsafe { medplib_mask_area(self.pointer, &mut area) })?;
        Ok(area)
    }

    /// A PNG file of 0 and 255.
    pub fn png(&self) -> Result<Vec<u8>> {
        let bytes = Handle::new(medplib_bytes_free, |png| unsafe {
            medplib_mask_png(self.pointer, png)
        })?;
        let (data, size) = unsafe {
            (
                medplib_bytes_data(bytes.pointer),
                medplib_bytes_size(bytes.pointer),
            )
        };
        Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) }.to_vec())
    }
}
