//! Writing a connection's fields together with its secret settings. Like a key, their values lie in the vault before anything
//! names them, and what they replace is erased after nothing does.

use std::sync::Arc;

use patchbay_core::audit::{Actor, Change};
use patchbay_core::code::Code;
use patchbay_core::connection as rules;
use patchbay_core::private::{Private, PrivateValues};
use patchbay_core::secret::Secret;
use patchbay_store::connection::Editable;
use patchbay_store::{Recorded, connection, credential};

use super::edit::updated;
use crate::custody::Holds;
use crate::error::Error;
use crate::{Engine, clock};

/// What an edit does to the secret settings.
#[derive(Clone, Debug)]
pub(super) enum PrivateEdit {
    None,
    /// Sets or takes away one header.
    Header(String, Option<Secret>),
    /// Sets or takes away the login of the proxy.
    ProxyLogin(Option<Secret>),
    /// The base URL leads to another server: what was given for one is not sent to another (K5).
    Moved,
}

/// An edit that is ready to be written.
pub(super) struct Rewrite {
    settings: rules::Connection,
    fields: Editable,
    names: Private,
    /// `None` where they stay as they are.
    values: Option<PrivateValues>,
    /// Whether the keys are asked for again.
    forget_keys: bool,
}

impl Rewrite {
    pub(super) async fn plan(
        engine: &Engine,
        settings: rules::Connection,
        fields: Editable,
        edit: PrivateEdit,
    ) -> Result<Self, Error> {
        let names = settings.private.clone();
        let forget_keys = matches!(edit, PrivateEdit::Moved);
        let mut rewrite = Self { settings, fields, names, values: None, forget_keys };
        if rewrite.concerns(&edit) {
            let mut values = rewrite.known(engine).await?;
            rewrite.change(&mut values, edit);
            rewrite.values = Some(values);
        }
        Ok(rewrite)
    }

    /// Whether anything secret changes: the vault is not opened for less.
    fn concerns(&self, edit: &PrivateEdit) -> bool {
        match edit {
            PrivateEdit::None => false,
            PrivateEdit::Header(name, value) => value.is_some() || self.names.headers.contains(name),
            PrivateEdit::ProxyLogin(login) => login.is_some() || self.names.proxy_login,
            PrivateEdit::Moved => !self.names.headers.is_empty(),
        }
    }

    /// Values that got lost are entered again one by one.
    async fn known(&self, engine: &Engine) -> Result<PrivateValues, Error> {
        match engine.keys.private(&self.settings).await {
            Err(error) if error.code == Code::CredentialMissing => Ok(PrivateValues::default()),
            known => known,
        }
    }

    fn change(&mut self, values: &mut PrivateValues, edit: PrivateEdit) {
        match edit {
            PrivateEdit::None => {}
            PrivateEdit::Header(name, Some(value)) => {
                self.names.headers.insert(name.clone());
                values.headers.insert(name, value);
            }
            PrivateEdit::Header(name, None) => {
                self.names.headers.remove(&name);
                values.headers.remove(&name);
            }
            PrivateEdit::ProxyLogin(login) => {
                self.names.proxy_login = login.is_some();
                values.proxy_login = login;
            }
            PrivateEdit::Moved => values.headers.clear(),
        }
    }

    pub(super) async fn run(self, engine: &Arc<Engine>) -> Result<(), Error> {
        engine.blocking(move |engine| self.write(engine)).await
    }

    fn write(self, engine: &Engine) -> Result<(), Error> {
        let (id, now) = (self.settings.id, clock::now());
        let kept = self.values.as_ref().filter(|values| **values != PrivateValues::default());
        let sealed: Vec<_> = kept.map(|values| (Holds::Settings, values.seal())).into_iter().collect();
        let (_, laid) = engine.lay_all(Some(id), &sealed)?;
        let keys = if self.forget_keys {
            engine.store.read(|db| credential::with_secret(db, id))?
        } else {
            Vec::new()
        };
        let rewritten = self.values.is_some();
        let replaced: Vec<u32> = self.settings.private.version.filter(|_| rewritten).into_iter().collect();
        let gone: Vec<u32> = keys.iter().chain(&replaced).copied().collect();
        let custody = engine.custody();
        engine.name_all(laid, move |db, laid, _| {
            let key = &self.settings.key;
            let mut change = Change::between(&Editable::from(&self.settings), &self.fields);
            let revoked = custody.condemn(db, (id, key), &keys, Actor::User, now)?;
            connection::update(db, id, &self.fields, now)?;
            if rewritten {
                let version = laid.first().map(|laid| laid.place().1);
                let names = Private { version, ..self.names };
                connection::set_private(db, id, &names, now)?;
                custody.note(db, id, &replaced)?;
                change = change.and(Change::between(&self.settings.private, &names));
                for laid in laid {
                    laid.settle(db)?;
                    change = change.fact("secret_settings", laid.fingerprint());
                }
            }
            let moved =
                revoked.into_iter().map(|entry| entry.because("the base URL leads to another server"));
            Ok(moved.fold(updated(key, change), Recorded::and))
        })?;
        engine.erase_soon(id, &gone);
        Ok(())
    }
}
