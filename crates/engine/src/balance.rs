//! Asking providers what accounts have left: with each connection test, and hourly for connections that are in use.

use std::sync::Arc;

use patchbay_core::alert::{AlertKind, Sign};
use patchbay_core::balance::Balance;
use patchbay_core::catalog;
use patchbay_core::connection::{Connection, ConnectionStatus};
use patchbay_core::time::HOUR_MS;
use patchbay_store::standing;

use crate::error::Error;
use crate::pass::Pass;
use crate::{Engine, clock};

impl Engine {
    /// Asks for connections that were used within the last hour: who calls nobody spends nothing.
    pub(crate) async fn look_at_balances(self: &Arc<Self>) -> Result<(), Error> {
        let snapshot = self.snapshot()?;
        let since = clock::now().plus_ms(-HOUR_MS);
        let states = self.blocking(|engine| Ok(engine.store.read(standing::states)?)).await?;
        let is_used = |id| states.get(&id).is_some_and(|state| state.last_used_at >= Some(since));
        for connection in &snapshot.connections {
            if connection.status == ConnectionStatus::Active
                && snapshot.stopped.is_none()
                && is_used(connection.id)
                && catalog::provider(&connection.provider).is_some_and(|known| known.balance.is_some())
                && let Ok(pass) = self.keys.of(connection).await
            {
                self.balance_of(connection, &pass).await;
            }
        }
        Ok(())
    }

    /// What a connection's account has left; `None` where its provider does not tell, or not now. It is told where it is little.
    pub(crate) async fn balance_of(&self, connection: &Connection, pass: &Pass) -> Option<Balance> {
        let told = catalog::provider(&connection.provider)?.balance.as_ref()?;
        let (there, route) = match told.route.strip_prefix('/') {
            Some(route) => (at_root(connection)?, route),
            None => (connection.clone(), told.route.as_str()),
        };
        let seen = self.upstream.look(&there, pass, connection.protocol, route).await.ok()?;
        let balance = told.read(&seen.body).filter(|_| seen.status == 200);
        // An answer without an amount is an account without a limit; no answer says nothing.
        let snapshot = self.snapshot().ok()?;
        let sign = match &balance {
            Some(balance) => balance.sign(&connection.name, snapshot.alert_rules.low_balance),
            None if seen.status == 200 => Sign::Clear,
            None => return None,
        };
        // A connection that is only being tried out has no alerts.
        if snapshot.connection(&connection.key).is_some() {
            self.watch.alerts().tell(AlertKind::LowBalance, &connection.key, sign);
        }
        balance
    }
}

/// The same connection without the path of its base URL.
fn at_root(connection: &Connection) -> Option<Connection> {
    let mut root = url::Url::parse(&connection.base_url).ok()?;
    root.set_path("");
    root.set_query(None);
    let base_url = root.as_str().trim_end_matches('/').to_owned();
    Some(Connection { base_url, ..connection.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, Uri};
    use jiff::tz::TimeZone;
    use patchbay_core::alert::Severity;
    use patchbay_core::catalog::Protocol;
    use patchbay_core::diagnose::Spend;
    use patchbay_core::dialect::Inbound;
    use patchbay_core::secret::Secret;
    use tokio::net::TcpListener;

    use super::*;
    use crate::VaultChoice;
    use crate::call::{Call, Caller};
    use crate::clock::Clock;
    use crate::desk::alerts;
    use crate::desk::connections::{self, ConnectionDraft, NewSettings};
    use crate::pipeline;

    const KEY: &str = "sk-balance-0123456789";

    /// What the account has left, and how often it was asked.
    type Account = Arc<Mutex<(&'static str, u32)>>;

    async fn answer(State(account): State<Account>, uri: Uri, headers: HeaderMap) -> String {
        assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
        match uri.path() {
            "/user/balance" => {
                let mut account = account.lock().expect("held");
                account.1 += 1;
                format!(r#"{{"balance_infos":[{{"currency":"USD","total_balance":"{}"}}]}}"#, account.0)
            }
            "/v1/models" => r#"{"data":[{"id":"deepseek-chat"}]}"#.to_owned(),
            _ => r#"{"choices":[{"message":{"role":"assistant","content":"Hold."},"finish_reason":"stop"}]}"#
                .to_owned(),
        }
    }

    async fn severity(engine: &Arc<Engine>) -> Option<Severity> {
        engine.settle().await.expect("written");
        let open = alerts::list(engine).await.expect("alerts").open;
        open.iter().find(|alert| alert.kind == AlertKind::LowBalance).map(|alert| alert.severity)
    }

    #[tokio::test]
    async fn n3_a_low_balance_is_told_with_tests_and_while_in_use_and_its_end_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::open_at(folder.path(), VaultChoice::Memory, Clock::default()).expect("opens");
        let account: Account = Arc::new(Mutex::new(("3.20", 0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        let draft = ConnectionDraft {
            provider: "deepseek".to_owned(),
            name: "Deep".to_owned(),
            key: Some("deep".to_owned()),
            base_url: Some(base_url),
            default_model: None,
            secret: Some(Secret::new(KEY.to_owned())),
            settings: NewSettings::default(),
        };
        connections::add_untested(&engine, draft, TimeZone::UTC).await.expect("added");
        engine.look_at_balances().await.expect("looked");
        assert_eq!(account.lock().expect("held").1, 0, "nobody calls there");

        let watcher = tokio::sync::mpsc::channel(1).0;
        let report = connections::test(&engine, "deep", Spend::FreeOnly, watcher).await.expect("tested");
        let told = report.learned.and_then(|learned| learned.balance).expect("a balance");
        assert_eq!(told.words(), "$3.20 left");
        assert_eq!(severity(&engine).await, Some(Severity::Warn));

        let body = br#"{"model":"deep/deepseek-chat","messages":[{"role":"user","content":"?"}]}"#;
        let inbound = Inbound::read(Protocol::Openai, body).expect("a request");
        pipeline::serve(&engine, Call::new(inbound, Caller::default())).await.expect("answered");
        for (left, expected) in [("0.00", Some(Severity::Bad)), ("25.00", None)] {
            account.lock().expect("held").0 = left;
            engine.look_at_balances().await.expect("looked");
            assert_eq!(severity(&engine).await, expected, "{left}");
        }
        server.abort();
        engine.look_at_balances().await.expect("a server that is gone says nothing");
        assert_eq!(severity(&engine).await, None);
    }
}
