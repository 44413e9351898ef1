//! A file that goes along with a prompt: a picture or a text, told by what is in it and not by its name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbay_core::chat::{Image, Part};
use patchbay_core::code::Code;
use serde::Serialize;

use crate::error::Error;

/// The largest picture, in bytes: what providers take at most.
const LARGEST_PICTURE: usize = 8 * 1024 * 1024;
/// The longest text, in bytes: about a quarter of a million tokens.
const LONGEST_TEXT: usize = 1024 * 1024;

/// A file that goes along, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Attachment {
    /// Where it lies.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub kind: AttachmentKind,
    /// How large it is.
    pub bytes: u32,
    /// How many lines a text has; 0 for a picture.
    pub lines: u32,
}

/// What is in a file that goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A text.
    Text,
    /// A picture.
    Picture,
}

/// Looks at a file before it goes along.
pub fn look(path: &str) -> Result<Attachment, Error> {
    let (bytes, content) = read(path)?;
    let (kind, lines) = match content {
        Content::Text(text) => (AttachmentKind::Text, short(text.lines().count())),
        Content::Picture(_) => (AttachmentKind::Picture, 0),
    };
    Ok(Attachment { path: path.to_owned(), name: name_of(path), kind, bytes: short(bytes.len()), lines })
}

/// A file as a part of the caller's message.
pub(super) fn part(path: &str) -> Result<Part, Error> {
    let (bytes, content) = read(path)?;
    Ok(match content {
        Content::Text(text) => Part::Text(format!("File {}:\n\n{text}", name_of(path))),
        Content::Picture(media_type) => {
            Part::Image(Image::Inline { media_type: media_type.to_owned(), data: STANDARD.encode(bytes) })
        }
    })
}

#[derive(Debug)]
enum Content {
    Text(String),
    /// By its media type.
    Picture(&'static str),
}

fn read(path: &str) -> Result<(Vec<u8>, Content), Error> {
    let name = name_of(path);
    let unread = |error: std::io::Error| {
        Error::new(Code::NotFound, format!("{name} cannot be read: {error}."), "Choose another file.")
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(LARGEST_PICTURE).unwrap_or(u64::MAX) + 1;
    File::open(path).map_err(unread)?.take(most).read_to_end(&mut bytes).map_err(unread)?;
    let too_long = |what: &str, mib: usize| {
        Err(Error::invalid(
            format!("{name} is too large: a {what} may have {mib} MiB."),
            "Attach a part of it.",
        ))
    };
    if let Some(media_type) = picture(&bytes) {
        if bytes.len() > LARGEST_PICTURE {
            return too_long("picture", LARGEST_PICTURE >> 20);
        }
        return Ok((bytes, Content::Picture(media_type)));
    }
    if bytes.len() > LONGEST_TEXT {
        return too_long("text", LONGEST_TEXT >> 20);
    }
    let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.contains('\0')).map(str::to_owned);
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(Error::invalid(format!("{name} is empty."), "Choose another file."))
        }
        Some(text) => Ok((bytes, Content::Text(text))),
        None => Err(Error::invalid(
            format!("{name} is neither a picture nor a text."),
            "Attach a PNG, JPEG, GIF or WebP picture, or a text in UTF-8.",
        )),
    }
}

fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn name_of(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        (folder, path.display().to_string())
    }

    #[test]
    fn what_a_file_is_is_told_by_what_is_in_it() {
        let csv = b"time,close\n09:45,6851.25\n";
        for (name, content, kind, lines) in [
            ("bars.csv", &csv[..], AttachmentKind::Text, 2),
            ("bars.txt", b"\x89PNG\r\n\x1a\n....", AttachmentKind::Picture, 0),
            ("chart.png", b"RIFF\x10\0\0\0WEBPVP8 ", AttachmentKind::Picture, 0),
        ] {
            let (_folder, path) = file(name, content);
            let found = look(&path).unwrap();
            assert_eq!((found.name.as_str(), found.kind, found.lines), (name, kind, lines));
            assert_eq!(found.bytes as usize, content.len());
        }
        let (_folder, path) = file("bars.csv", csv);
        let Part::Text(text) = part(&path).unwrap() else { panic!("a text") };
        assert_eq!(text, "File bars.csv:\n\ntime,close\n09:45,6851.25\n");
    }

    #[test]
    fn what_cannot_go_along_is_refused_with_what_to_do() {
        let long = vec![b'a'; LONGEST_TEXT + 1];
        let mut large = vec![0; LARGEST_PICTURE + 1];
        large[..3].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
        for (content, part) in [
            (&b"MZ\x90\0\x03"[..], "neither a picture nor a text"),
            (b" \n", "is empty"),
            (&long, "1 MiB"),
            (&large, "8 MiB"),
        ] {
            let (_folder, path) = file("it", content);
            let refused = look(&path).expect_err("it cannot go along");
            assert!(refused.message.contains(part) && !refused.hint.is_empty(), "{refused}");
        }
        assert_eq!(look("/nowhere/at/all").expect_err("no file").code, Code::NotFound);
    }
}
