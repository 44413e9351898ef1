//! A painted picture.

use thiserror::Error;

/// A picture could not be painted as pixels.
#[derive(Debug, Error)]
#[error("the chart could not be painted: {0}")]
pub struct Unpaintable(pub(super) String);

/// Three bytes for each pixel, row by row: red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Their colours.
    pub rgb: Vec<u8>,
}

impl Pixels {
    /// As PNG.
    pub fn png(&self) -> Result<Vec<u8>, Unpaintable> {
        self.encoded().map_err(|error| Unpaintable(error.to_string()))
    }

    fn encoded(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// With a fourth byte for each pixel, which says that nothing shines through.
    pub fn rgba(&self) -> Vec<u8> {
        self.rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], u8::MAX]).collect()
    }
}
