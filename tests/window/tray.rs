//! The icon in the tray, met as a desktop meets it: over the session's bus.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::{Connection, OwnedVariant, Proxy};

use self::host::Watcher;
use crate::window::Window;

mod host {
    #![expect(
        clippy::needless_pass_by_value,
        clippy::unused_self,
        clippy::used_underscore_binding,
        reason = "the interface is the specification's, and its code is made by a macro"
    )]

    use std::sync::{Arc, Mutex, PoisonError};

    use zbus::interface;
    use zbus::message::Header;

    /// A tray of the test's own: it notes who put an icon into it, and where.
    pub(super) struct Watcher(pub(super) Arc<Mutex<Option<(String, String)>>>);

    #[interface(name = "org.kde.StatusNotifierWatcher")]
    impl Watcher {
        fn register_status_notifier_item(&self, path: &str, #[zbus(header)] header: Header<'_>) {
            let sender = header.sender().map(ToString::to_string).unwrap_or_default();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender, path.to_owned()));
        }

        fn register_status_notifier_host(&self, _service: &str) {}

        #[zbus(property)]
        fn is_status_notifier_host_registered(&self) -> bool {
            true
        }

        #[zbus(property)]
        fn registered_status_notifier_items(&self) -> Vec<String> {
            Vec::new()
        }

        #[zbus(property)]
        fn protocol_version(&self) -> i32 {
            0
        }
    }
}

/// A line of a menu: its number, what is known of it, and the lines below.
type Line = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

/// The tray of the test's session.
pub(crate) struct Tray {
    bus: Connection,
    icon: Arc<Mutex<Option<(String, String)>>>,
}

impl Tray {
    /// Has to be there before the window opens.
    pub(crate) async fn open() -> Self {
        let icon = Arc::new(Mutex::new(None));
        let bus = zbus::connection::Builder::session()
            .name("org.kde.StatusNotifierWatcher")
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&icon)))
            .build()
            .await
            .expect("the private bus");
        Self { bus, icon }
    }

    /// Chooses a line of the icon's menu once it is there.
    pub(crate) async fn choose(&self, window: &Window, label: &str) {
        let number = window.until(label, async || self.find(label).await).await;
        let menu = self.menu().await.expect("the menu");
        let nothing = OwnedVariant::from(0_i32);
        menu.call_method("Event", &(number, "clicked", &nothing, 0_u32)).await.expect("a click");
    }

    /// Waits until a line is there.
    pub(crate) async fn shows(&self, window: &Window, label: &str) {
        window.until(label, async || self.find(label).await).await;
    }

    async fn find(&self, label: &str) -> Option<i32> {
        let menu = self.menu().await?;
        let names: &[&str] = &[];
        let (_, (_, _, lines)): (u32, Line) = menu.call("GetLayout", &(0_i32, -1_i32, names)).await.ok()?;
        lines.into_iter().find_map(|line| {
            let (number, known, _) = Line::try_from(line).ok()?;
            let shown = String::try_from(known.get("label")?.clone()).ok()?;
            (shown == label).then_some(number)
        })
    }

    async fn menu(&self) -> Option<Proxy<'static>> {
        let (name, path) = self.icon.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let icon = Proxy::new(&self.bus, name.clone(), path, "org.kde.StatusNotifierItem").await.ok()?;
        let menu: zbus::OwnedObjectPath = icon.get_property("Menu").await.ok()?;
        Proxy::new(&self.bus, name, menu.into_inner(), "com.canonical.dbusmenu").await.ok()
    }
}
