//! What apps send and get, where somebody turned that on for an app: sealed by a key that lies in the vault, never in the
//! database, and erased when its time has come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use patchbay_core::id::{AppId, CallId, ConnectionId};
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, named_params};
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::vault::VaultError;

/// Where the key lies in the vault: beside the keys of connections, of which none has this number.
pub const KEY_PLACE: (ConnectionId, u32) = (ConnectionId(0), 1);
/// The setting that says that a key lies there.
pub const KEY_MADE: &str = "body_key";

const NONCE: usize = 24;

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the app sent.
    Request,
    /// What it got.
    Answer,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }

    fn parse(name: &str) -> Self {
        if name == "request" { Self::Request } else { Self::Answer }
    }
}

/// What bodies are sealed by. It is wiped when dropped.
#[derive(Clone)]
pub struct BodyKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for BodyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyKey(…)")
    }
}

impl BodyKey {
    /// A random one.
    pub fn fresh() -> Result<Self, VaultError> {
        Ok(Self(Zeroizing::new(random()?)))
    }

    /// As the vault keeps it.
    pub fn to_secret(&self) -> Secret {
        Secret::new(STANDARD.encode(*self.0))
    }

    /// What the vault kept; `None` where it is no such key.
    pub fn of_secret(secret: &Secret) -> Option<Self> {
        let bytes: [u8; 32] = STANDARD.decode(secret.expose()).ok()?.try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    /// Seals a side of a call. Moved to another call or side, it does not open.
    pub fn seal(&self, call: CallId, part: Part, text: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE] = random()?;
        let sealed = self
            .cipher()
            .encrypt(&nonce.into(), Payload { msg: text, aad: &bound(call, part) })
            .map_err(|_| VaultError::Failed("a text could not be sealed".to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for this side of this call.
    pub fn open(&self, call: CallId, part: Part, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let payload = Payload { msg: text, aad: &bound(call, part) };
        self.cipher().decrypt(&nonce.into(), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

fn bound(call: CallId, part: Part) -> Vec<u8> {
    format!("patchbay body 1\n{call}\n{}", part.as_str()).into_bytes()
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Failed(error.to_string()))?;
    Ok(bytes)
}

/// A sealed side of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBody {
    /// The call.
    pub call: CallId,
    /// Which side.
    pub part: Part,
    /// Whose it is.
    pub app: AppId,
    /// As [`BodyKey::seal`] made it.
    pub sealed: Vec<u8>,
    /// Only its beginning is kept.
    pub is_cut: bool,
    /// When it is erased.
    pub erase_at: Timestamp,
}

/// Keeps one, and erases those whose time has come.
pub fn keep(db: &Db, body: &KeptBody, now: Timestamp) -> Result<(), StoreError> {
    erase_due(db, now)?;
    let mut statement = db.prepare_cached(
        "INSERT OR REPLACE INTO kept_body (call, part, app_id, sealed, is_cut, erase_at)
         VALUES (:call, :part, :app, :sealed, :is_cut, :erase_at)",
    )?;
    statement.execute(named_params! {
        ":call": body.call.as_bytes(), ":part": body.part.as_str(), ":app": body.app.0, ":sealed": body.sealed,
        ":is_cut": body.is_cut, ":erase_at": body.erase_at.0,
    })?;
    Ok(())
}

/// What is kept of a call, and not due to be erased.
pub fn of_call(db: &Db, call: CallId, now: Timestamp) -> Result<Vec<KeptBody>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT * FROM kept_body WHERE call = ?1 AND erase_at > ?2 ORDER BY part DESC")?;
    let rows = statement.query_map((call.as_bytes(), now.0), |row| {
        Ok(KeptBody {
            call,
            part: Part::parse(&row.get::<_, String>("part")?),
            app: AppId(row.get("app_id")?),
            sealed: row.get("sealed")?,
            is_cut: row.get("is_cut")?,
            erase_at: Timestamp(row.get("erase_at")?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Erases those whose time has come, and answers how many sides that were.
pub fn erase_due(db: &Db, now: Timestamp) -> Result<usize, StoreError> {
    Ok(db.prepare_cached("DELETE FROM kept_body WHERE erase_at <= ?1")?.execute([now.0])?)
}

/// Erases everything of an app.
pub fn erase_of(db: &Db, app: AppId) -> Result<usize, StoreError> {
    Ok(db.execute("DELETE FROM kept_body WHERE app_id = ?1", [app.0])?)
}

/// Lets what is kept of an app end no later than `end`.
pub fn shorten(db: &Db, app: AppId, end: Timestamp) -> Result<(), StoreError> {
    db.execute("UPDATE kept_body SET erase_at = min(erase_at, ?2) WHERE app_id = ?1", (app.0, end.0))?;
    Ok(())
}

/// Takes all of them out of a copy of the database: they are in no backup.
pub(crate) fn leave_out(copy: &Db) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'kept_body') AS there";
    if copy.query_row(sql, [], |row| row.get("there"))? {
        copy.pragma_update(None, "secure_delete", true)?;
        copy.execute("DELETE FROM kept_body", [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: CallId = CallId(uuid::Uuid::from_u128(7));

    #[test]
    fn k1_a_body_opens_by_its_own_key_at_its_own_place_only() {
        let key = BodyKey::fresh().expect("random");
        let sealed = key.seal(CALL, Part::Request, b"Is EURUSD a buy?").expect("sealed");
        assert!(!sealed.windows(6).any(|part| part == b"EURUSD"));
        let again = BodyKey::of_secret(&key.to_secret()).expect("the same key");
        let opened = again.open(CALL, Part::Request, &sealed).expect("opens");
        assert_eq!(&*opened, b"Is EURUSD a buy?");
        let other = CallId(uuid::Uuid::from_u128(8));
        let stranger = BodyKey::fresh().expect("random");
        assert!(key.open(CALL, Part::Answer, &sealed).is_none());
        assert!(key.open(other, Part::Request, &sealed).is_none());
        assert!(stranger.open(CALL, Part::Request, &sealed).is_none());
        assert!(key.open(CALL, Part::Request, &sealed[..20]).is_none());
        assert!(BodyKey::of_secret(&Secret::new("short".to_owned())).is_none());
    }
}
