//! The display, as a window manager and an eye have it.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, MapState, Window as Id,
};
use x11rb::rust_connection::RustConnection;

const TITLE: &[u8] = b"Patchbay";

/// A connection to the display on which the window is.
pub(crate) struct Display {
    server: RustConnection,
    root: Id,
}

/// What a window shows: blue, green, red and a byte of nothing for each point, row by row.
#[derive(PartialEq, Eq)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
    points: Vec<u8>,
}

impl Display {
    pub(crate) fn open() -> Self {
        let (server, screen) = x11rb::connect(None).expect("a display");
        let root = server.setup().roots[screen].root;
        Self { server, root }
    }

    /// Whether the window is on the screen.
    pub(crate) fn shows_it(&self) -> bool {
        self.find(self.root).is_some_and(|window| {
            let found = self.server.get_window_attributes(window).ok().and_then(|asked| asked.reply().ok());
            found.is_some_and(|attributes| attributes.map_state == MapState::VIEWABLE)
        })
    }

    /// Asks the window to close, as its own cross does.
    pub(crate) fn close_it(&self) {
        let window = self.find(self.root).expect("a window");
        let [protocols, delete] = ["WM_PROTOCOLS", "WM_DELETE_WINDOW"].map(|name| self.atom(name));
        let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.server.send_event(false, window, EventMask::NO_EVENT, message).expect("sent");
        self.server.flush().expect("sent");
    }

    /// The window as it is on the screen now, if it is.
    pub(crate) fn picture(&self) -> Option<Picture> {
        let window = self.find(self.root)?;
        let size = self.server.get_geometry(window).ok()?.reply().ok()?;
        let asked = self.server.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, !0);
        let image = asked.ok()?.reply().ok()?;
        let (width, height) = (u32::from(size.width), u32::from(size.height));
        assert_eq!(image.data.len() as u64, u64::from(width * height) * 4, "32 bits a point");
        Some(Picture { width, height, points: image.data })
    }

    /// The window that can be asked to close.
    fn find(&self, below: Id) -> Option<Id> {
        let (name, text, protocols) =
            (self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"), self.atom("WM_PROTOCOLS"));
        let children = self.server.query_tree(below).ok()?.reply().ok()?.children;
        children.into_iter().find_map(|window| {
            let read = |property, kind| {
                let asked = self.server.get_property(false, window, property, kind, 0, 64).ok()?;
                asked.reply().ok().map(|found| found.value)
            };
            let is_named = read(name, text).is_some_and(|found| found == TITLE);
            let can_close = read(protocols, AtomEnum::ANY.into()).is_some_and(|found| !found.is_empty());
            if is_named && can_close { Some(window) } else { self.find(window) }
        })
    }

    fn atom(&self, name: &str) -> u32 {
        let asked = self.server.intern_atom(false, name.as_bytes()).expect("asked");
        asked.reply().expect("an atom").atom
    }
}

impl Picture {
    pub(crate) fn as_png(&self) -> Vec<u8> {
        let colours: Vec<u8> =
            self.points.chunks_exact(4).flat_map(|point| [point[2], point[1], point[0]]).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().expect("a picture");
        writer.write_image_data(&colours).expect("a picture");
        writer.finish().expect("a picture");
        file
    }
}
