//! Numbers one after another, seven bits a byte: nearly all of them are small.

/// Appends one.
pub(super) fn put(mut number: u64, bytes: &mut Vec<u8>) {
    while let Some(more) = u8::try_from(number & 0x7f).ok().filter(|_| number > 0x7f) {
        bytes.push(more | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

/// Reads them again. It ends where the bytes do, or where these are no number.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl<'a> Numbers<'a> {
    /// The bytes that a number tells the length of.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.next()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

impl Iterator for Numbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        let mut number = 0;
        for (at, byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back() {
        let all = [0, 1, 127, 128, 300, 1 << 35, u64::MAX];
        let mut bytes = Vec::new();
        for number in all {
            put(number, &mut bytes);
        }
        assert_eq!(Numbers(&bytes).collect::<Vec<_>>(), all);
        assert_eq!(Numbers(&[0x80]).next(), None);
        assert_eq!((Numbers(&[2, 7, 9, 1]).bytes(), Numbers(&[2, 7]).bytes()), (Some(&[7, 9][..]), None));
    }
}
