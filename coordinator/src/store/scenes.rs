//! Scenes.

use pictor_protocol::agent::SceneManifest;
use pictor_protocol::scene::{Scene, SceneFacts};
use pictor_protocol::{SceneId, UserId};
use sqlx::FromRow;

use super::column::{Json, json};
use super::{Result, Tx};

#[derive(Debug, FromRow)]
pub struct SceneRow {
    #[sqlx(try_from = "String")]
    pub id: SceneId,
    pub name: String,
    pub size_bytes: i64,
    #[sqlx(try_from = "String")]
    pub manifest: Json<SceneManifest>,
    #[sqlx(try_from = "String")]
    pub facts: Json<SceneFacts>,
    pub created_us: i64,
}

impl From<SceneRow> for Scene {
    fn from(row: SceneRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_ms: row.created_us / 1_000,
            size_bytes: row.size_bytes as u64,
            main: row.manifest.0.main,
            files: row.manifest.0.files.len() as u32,
            facts: row.facts.0,
        }
    }
}

pub async fn insert(tx: &mut Tx, owner: UserId, scene: &SceneRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO scenes (id, owner_id, name, size_bytes, content, manifest, facts, created_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        scene.id.to_string(),
        owner.to_string(),
        &scene.name,
        scene.size_bytes,
        scene.manifest.0.content.to_string(),
        json(&scene.manifest.0),
        json(&scene.facts.0),
        scene.created_us
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, owner: UserId, id: SceneId) -> Result<Option<SceneRow>> {
    fetch_optional!(
        tx,
        SceneRow,
        "SELECT id, name, size_bytes, manifest, facts, created_us FROM scenes \
         WHERE id = $1 AND owner_id = $2",
        id.to_string(),
        owner.to_string()
    )
}

#[derive(Debug, FromRow)]
struct ManifestRow {
    #[sqlx(try_from = "String")]
    manifest: Json<SceneManifest>,
}

pub async fn manifest(tx: &mut Tx, id: SceneId) -> Result<SceneManifest> {
    let row = fetch_one!(
        tx,
        ManifestRow,
        "SELECT manifest FROM scenes WHERE id = $1",
        id.to_string()
    )?;
    Ok(row.manifest.0)
}

/// Deletes every scene of somebody who has no job any more; answers which.
pub async fn delete_all(tx: &mut Tx, owner: UserId) -> Result<Vec<SceneId>> {
    #[derive(FromRow)]
    struct IdRow {
        #[sqlx(try_from = "String")]
        id: SceneId,
    }
    let rows = fetch_all!(
        tx,
        IdRow,
        "DELETE FROM scenes WHERE owner_id = $1 RETURNING id",
        owner.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Deletes a scene that no job uses any more; false if one still does.
pub async fn delete_unused(tx: &mut Tx, id: SceneId) -> Result<bool> {
    let gone = execute!(
        tx,
        "DELETE FROM scenes WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE scene_id = $1)",
        id.to_string()
    )?;
    Ok(gone > 0)
}
