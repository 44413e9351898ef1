//! Pictures on the system's clipboard. Text goes there from the page.

use std::sync::{Mutex, PoisonError};

use arboard::ImageData;
use patchbay_core::chart::Pixels;
use patchbay_core::code::Code;
use patchbay_engine::error::Error;

/// The clipboard, once it was needed. It stays open: where there is no clipboard manager, whoever pastes gets the picture from us.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Puts a picture there in place of what was.
    pub(crate) fn put(&self, picture: &Pixels) -> Result<(), Error> {
        self.try_put(picture).map_err(|error| {
            Error::new(
                Code::Internal,
                format!("The clipboard did not take the picture: {error}."),
                "Save it as PNG instead.",
            )
        })
    }

    fn try_put(&self, picture: &Pixels) -> Result<(), arboard::Error> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clipboard = match held.take() {
            Some(clipboard) => clipboard,
            None => arboard::Clipboard::new()?,
        };
        let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
        let (width, height) = (side(picture.width), side(picture.height));
        clipboard.set_image(ImageData { width, height, bytes: picture.rgba().into() })?;
        *held = Some(clipboard);
        Ok(())
    }

    /// Hands what is there to the system's clipboard manager, if it has one.
    pub(crate) fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
