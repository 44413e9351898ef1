//! Ids of tool calls that a conversation brings along from another provider, in the form that this one takes.

use std::borrow::Cow;

use crate::catalog::CallIds;

const LENGTH: usize = 9;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Maps ids. The same id comes out the same in every request, so that a provider's prompt cache still fits.
pub(super) struct CallIdMap {
    wanted: CallIds,
    changed: usize,
}

impl CallIdMap {
    pub(super) fn new(wanted: CallIds) -> Self {
        Self { wanted, changed: 0 }
    }

    pub(super) fn wire<'a>(&mut self, id: &'a str) -> Cow<'a, str> {
        let fits = id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.wanted == CallIds::AsGiven || fits {
            return Cow::Borrowed(id);
        }
        self.changed += 1;
        Cow::Owned(nine_alphanumerics(id))
    }

    pub(super) fn notice(&self) -> Option<String> {
        (self.changed > 0)
            .then(|| "ids of tool calls: rewritten to the form that the provider takes".to_owned())
    }
}

/// FNV-1a in base 62: 2⁵³ values, and no secret depends on them.
fn nine_alphanumerics(id: &str) -> String {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let digits = std::iter::successors(Some(hash), |rest| Some(rest / 62)).take(LENGTH);
    digits.map(|rest| char::from(DIGITS[usize::try_from(rest % 62).unwrap_or(0)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_get_the_form_that_is_wanted_and_stay_apart() {
        let mut given = CallIdMap::new(CallIds::AsGiven);
        assert_eq!((given.wire("call_1").as_ref(), given.notice()), ("call_1", None));
        let mut nine = CallIdMap::new(CallIds::NineAlphanumerics);
        assert_eq!((nine.wire("aX2gaLIyo").as_ref(), nine.notice()), ("aX2gaLIyo", None));
        let ids: Vec<String> =
            ["call_1", "call_2", "call_1", ""].iter().map(|id| nine.wire(id).into_owned()).collect();
        assert!(
            ids.iter().all(|id| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric())),
            "{ids:?}"
        );
        assert!(ids[0] == ids[2] && ids[0] != ids[1] && ids[1] != ids[3]);
        assert!(nine.notice().is_some());
    }
}
