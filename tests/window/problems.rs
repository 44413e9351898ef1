//! What the window shows when something around it is wrong, and the way out.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use crate::driver::{Home, Keychain, free_port};
use crate::gateway;
use crate::window::Window;

pub(crate) async fn a_newer_database() {
    let home = Home::new();
    std::fs::create_dir(home.data()).expect("a folder");
    let file = home.data().join("patchbay.db");
    let newer = database(9_999);
    std::fs::write(&file, &newer).expect("written");

    let window = Window::open(&home, &["--port", "0"]).await;
    window.marked("problem", "data-code", "database_newer").await;
    window.says("problem", "patchbay.db").await;
    window.picture("50-database-newer").await;
    window.click("problem-retry").await;
    window.reads("problem-retry", |text| text.trim() == "Retry").await;
    window.marked("problem", "data-code", "database_newer").await;
    assert!(std::fs::read(&file).expect("the database") == newer, "not a byte is changed");
    assert_eq!(names(&home.data()), ["patchbay.db"], "nothing is put beside it");

    std::fs::remove_file(&file).expect("removed");
    window.click("problem-retry").await;
    window.see("first-run").await;
    window.close().await;
}

/// An empty SQLite database in WAL mode: the header, and a first page without a table.
fn database(user_version: u32) -> Vec<u8> {
    const PAGE: u16 = 4_096;
    let mut file = vec![0; usize::from(PAGE)];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"SQLite format 3\0");
    put(16, &PAGE.to_be_bytes());
    // The formats for writing and reading: WAL. Then three numbers that are always the same.
    put(18, &[2, 2, 0, 64, 32, 32]);
    // Changes, pages; the schema's format, the text's encoding.
    put(24, &[0, 0, 0, 1, 0, 0, 0, 1]);
    put(44, &[0, 0, 0, 4]);
    put(56, &[0, 0, 0, 1]);
    put(60, &user_version.to_be_bytes());
    // Valid for the changes above; written by 3.53.2.
    put(92, &[0, 0, 0, 1]);
    put(96, &3_053_002_u32.to_be_bytes());
    // A leaf without cells: its content begins where the page ends.
    put(100, &[13, 0, 0, 0, 0]);
    put(105, &PAGE.to_be_bytes());
    file
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) async fn a_port_that_is_taken() {
    let (other, port) = neighbour();
    let home = Home::new();
    let window = Window::open(&home, &["--port", &port.to_string()]).await;
    window.click("fr-open-overview").await;
    window.says("gateway-note", &port.to_string()).await;
    window.says("gateway-note", "No bot can reach Patchbay.").await;
    window.says("status-gateway", &format!("Port {port} is taken")).await;
    window.says("ov-attention", "The gateway does not listen").await;
    window.picture("51-port-taken").await;

    window.says("gateway-use-port", &format!("Use {}", port + 1)).await;
    window.click("gateway-use-port").await;
    let url = window.says("ov-url", &(port + 1).to_string()).await;
    window.says("status-gateway", "Gateway listening").await;
    assert_eq!(gateway::ask(&url, "pb_nobody", "any").await.0, 401, "the gateway answers there");

    // And on a port by number, once the other program is gone.
    drop(other);
    window.press(&["Ctrl+,"]).await;
    window.fill("gateway-port", &port.to_string()).await;
    window.click("gateway-listen").await;
    window.says("gateway-state", &format!("Listening on 127.0.0.1:{port}")).await;
    window.says("status-address", &port.to_string()).await;
    let url = format!("http://127.0.0.1:{port}/v1");
    assert_eq!(gateway::ask(&url, "pb_nobody", "any").await.0, 401, "the gateway answers there too");
    window.close().await;
}

/// Another program's port, with a free one after it.
fn neighbour() -> (TcpListener, u16) {
    loop {
        let port = free_port();
        let next = TcpListener::bind((Ipv4Addr::LOCALHOST, port.saturating_add(1)));
        if let (Ok(taken), Ok(_)) = (TcpListener::bind((Ipv4Addr::LOCALHOST, port)), next) {
            return (taken, port);
        }
    }
}

pub(crate) async fn a_locked_keychain() {
    let home = Home::new();
    let window = Window::open_with(&home, &["--port", "0"], Keychain::Locked).await;
    window.says("fr-vault", "The keychain is locked").await;
    window.says("fr-refused", "The key cannot be saved").await;
    window.picture("52-keychain-locked-first-run").await;
    window.press(&["Ctrl+Enter"]).await;
    window.misses("add-testing").await;
    // What needs no key still works.
    window.click("fr-demo").await;
    window.says("vault-note", "Unlock the keychain").await;
    window.see("ov-spend-today").await;
    window.picture("53-keychain-locked").await;
    window.close().await;
}
