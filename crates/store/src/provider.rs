//! Providers. Those of the catalogue are kept in step with it at every start.

use patchbay_core::catalog::CatalogProvider;
use patchbay_core::id::ProviderId;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;

/// Writes the catalogue's facts; what the user set (status, limits, default connection) stays.
pub fn sync_catalog(db: &Connection, catalog: &[CatalogProvider], now: Timestamp) -> Result<(), StoreError> {
    // The WHERE keeps an unchanged row untouched, so that the configuration's version stays.
    let mut statement = db.prepare(
        "INSERT INTO provider (slug, name, protocol, api_base_url, supported_models, built_in, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6)
         ON CONFLICT (slug) DO UPDATE SET
             name = excluded.name, protocol = excluded.protocol, api_base_url = excluded.api_base_url,
             supported_models = excluded.supported_models, updated_at = excluded.updated_at
         WHERE (name, protocol, api_base_url, supported_models)
            <> (excluded.name, excluded.protocol, excluded.api_base_url, excluded.supported_models)",
    )?;
    for provider in catalog {
        let models = serde_json::json!(provider.known_models).to_string();
        statement.execute((
            &provider.slug,
            &provider.name,
            provider.protocol.as_str(),
            &provider.base_url,
            models,
            now.0,
        ))?;
    }
    Ok(())
}

/// The row of a slug.
pub fn id(db: &Connection, slug: &str) -> Result<ProviderId, StoreError> {
    let found =
        db.query_row("SELECT id FROM provider WHERE slug = ?1", [slug], |row| row.get("id")).optional()?;
    found.map(ProviderId).ok_or_else(|| StoreError::NotFound { what: "provider", name: slug.to_owned() })
}

/// A provider as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRow {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// Where requests go.
    pub api_base_url: String,
    /// `active`, `maintenance` or `deprecated`.
    pub status: String,
}

/// All providers by name.
pub fn list(db: &Connection) -> Result<Vec<ProviderRow>, StoreError> {
    let mut statement =
        db.prepare("SELECT slug, name, protocol, api_base_url, status FROM provider ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        Ok(ProviderRow {
            slug: row.get("slug")?,
            name: row.get("name")?,
            protocol: row.get("protocol")?,
            api_base_url: row.get("api_base_url")?,
            status: row.get("status")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
