//! Frames that were delivered before they could be reviewed.

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

/// The migration that brought reviews.
const REVIEWS: i64 = 12;

#[tokio::test]
async fn a_picture_from_before_stays_with_its_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(dir.path().join("pictor.sqlite"));
    let pool = SqlitePool::connect_with(options.create_if_missing(true))
        .await
        .unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    let before = migrations.iter().filter(|it| it.version < REVIEWS).cloned();
    sqlx::migrate::Migrator {
        migrations: before.collect::<Vec<_>>().into(),
        ..sqlx::migrate::Migrator::DEFAULT
    }
    .run(&pool)
    .await
    .unwrap();
    for statement in [
        "INSERT INTO users (id, name, operator, created_us) VALUES ('u', 'ada', 0, 1)",
        "INSERT INTO workers (id, owner_id, name, token_hash, status, created_us) VALUES \
             ('w', 'u', 'attic', 'h', 'active', 1)",
        "INSERT INTO scenes VALUES ('s', 'u', 'a.blend', 1, 'c', '{}', '{}', 1)",
        "INSERT INTO jobs (id, owner_id, scene_id, name, priority, intent, frames, settings, plan, blender, \
             file_series, total, queued, leased, done, failed, cancelled, created_us, revision) VALUES \
             ('j', 'u', 's', 'Apfel', 50, 'run', '1', '{}', '{}', 'auto', '4.5', 1, 0, 0, 1, 0, 0, 1, 3)",
        "INSERT INTO tasks (id, job_id, frame, status, attempt, output, output_bytes, thumbnail, revision) \
             VALUES ('t', 'j', 1, 'done', 2, 'picture', 9, 'small', 3)",
        "INSERT INTO attempts (task_id, attempt, job_id, lease_id, worker_id, slot, status, leased_us, \
             deadline_us, output, message, render_ms) VALUES \
             ('t', 1, 'j', 'l', 'w', 0, 'failed', 1, 2, NULL, 'crashed', NULL), \
             ('t', 2, 'j', 'l', 'w', 1, 'done', 3, 4, 'picture', NULL, 70)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    migrations.run(&pool).await.unwrap();
    type Row = (i64, String, Option<String>, Option<String>, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT attempt, status, output, thumbnail, render_ms FROM attempts ORDER BY attempt",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let text = |word: &str| Some(word.to_owned());
    assert_eq!(
        rows,
        [
            (1, "failed".into(), None, None, None),
            (2, "done".into(), text("picture"), text("small"), Some(70)),
        ]
    );
    let (name_key,): (String,) = sqlx::query_as("SELECT name_key FROM jobs")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(name_key, "apfel");
}
