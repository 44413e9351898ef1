//! The desktop's file chooser, as the window meets it on a desktop with portals: a service of the test's own that answers with
//! a path at once, as somebody would who knows what they want.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const PLACE: &str = "/org/freedesktop/portal/desktop";

/// What was asked for, oldest first: `OpenFile Import connections`.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Serves the session's bus for as long as it is kept.
pub(crate) struct Chooser {
    pub(crate) asked: Asked,
    answer: Arc<Mutex<PathBuf>>,
    _bus: zbus::Connection,
}

impl Chooser {
    pub(crate) async fn start() -> Self {
        let (asked, answer) = (Asked::default(), Arc::<Mutex<PathBuf>>::default());
        let portal = portal::Portal { asked: Arc::clone(&asked), answer: Arc::clone(&answer) };
        let bus = zbus::connection::Builder::session()
            .name("org.freedesktop.portal.Desktop")
            .serve_at(PLACE, portal)
            .serve_at(PLACE, portal::Way)
            .build()
            .await
            .expect("the private bus");
        Self { asked, answer, _bus: bus }
    }

    /// Chooses this from now on.
    pub(crate) fn chooses(&self, path: &Path) {
        path.clone_into(&mut self.answer.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

mod portal {
    #![expect(
        clippy::needless_pass_by_value,
        clippy::unused_self,
        clippy::used_underscore_binding,
        reason = "the interface is the specification's, and its code is made by a macro"
    )]

    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, PoisonError};

    use zbus::message::Header;
    use zbus::object_server::ResponseDispatchNotifier;
    use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant, fdo, interface};

    use super::Asked;

    pub(super) struct Portal {
        pub(super) asked: Asked,
        pub(super) answer: Arc<Mutex<PathBuf>>,
    }

    type Reply = ResponseDispatchNotifier<OwnedObjectPath>;

    impl Portal {
        /// The reply names the request; its outcome follows as a signal, and never before it.
        fn answer(
            &self,
            what: String,
            options: &HashMap<String, OwnedVariant>,
            (bus, header): (&Connection, &Header<'_>),
        ) -> fdo::Result<Reply> {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(what);
            let caller = header.sender().ok_or_else(|| fdo::Error::Failed("nobody asks".to_owned()))?;
            let name = caller.trim_start_matches(':').replace('.', "_");
            let token = match options.get("handle_token").map(|token| &**token) {
                Some(Variant::Str(token)) => token.as_str().to_owned(),
                _ => "t".to_owned(),
            };
            let handle = format!("/org/freedesktop/portal/desktop/request/{name}/{token}");
            let path = self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let request = OwnedObjectPath::try_from(handle.clone());
            let request = request.map_err(|error| fdo::Error::Failed(error.to_string()))?;
            let (reply, sent) = ResponseDispatchNotifier::new(request);
            let (bus, caller) = (bus.clone(), caller.to_owned());
            tokio::spawn(async move {
                sent.await;
                let uris = Variant::from(vec![format!("file://{}", path.display())]);
                let outcome = (0_u32, HashMap::from([("uris", uris)]));
                let interface = "org.freedesktop.portal.Request";
                bus.emit_signal(Some(caller), handle, interface, "Response", &outcome).await
            });
            Ok(reply)
        }
    }

    /// Whoever has portals asks them for the way, too.
    pub(super) struct Way;

    #[interface(name = "org.freedesktop.portal.ProxyResolver")]
    impl Way {
        fn lookup(&self, _address: &str) -> Vec<String> {
            vec!["direct://".to_owned()]
        }
    }

    #[interface(name = "org.freedesktop.portal.FileChooser")]
    impl Portal {
        #[zbus(property)]
        fn version(&self) -> u32 {
            4
        }

        fn open_file(
            &self,
            _parent: &str,
            title: &str,
            options: HashMap<String, OwnedVariant>,
            #[zbus(connection)] bus: &Connection,
            #[zbus(header)] header: Header<'_>,
        ) -> fdo::Result<Reply> {
            self.answer(format!("OpenFile {title}"), &options, (bus, &header))
        }

        fn save_file(
            &self,
            _parent: &str,
            title: &str,
            options: HashMap<String, OwnedVariant>,
            #[zbus(connection)] bus: &Connection,
            #[zbus(header)] header: Header<'_>,
        ) -> fdo::Result<Reply> {
            self.answer(format!("SaveFile {title}"), &options, (bus, &header))
        }
    }
}
