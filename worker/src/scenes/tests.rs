use std::time::Duration;

use pictor_protocol::agent::SceneFile;

use super::*;
use crate::config::Token;
use crate::coordinator::Coordinator;

#[tokio::test]
async fn a_scene_whose_blobs_are_here_is_put_together_without_a_request() {
    let cache = Cache::new(1_000);
    let scene = cache.scene(&[("main.blend", "BLENDER"), ("textures/wood.png", "wood")]);
    cache.fetch(&scene).await.unwrap();
    let main = cache.scenes.main_path(&scene);
    assert_eq!(fs::read_to_string(&main).unwrap(), "BLENDER");
    assert_eq!(
        fs::read_to_string(main.with_file_name("textures/wood.png")).unwrap(),
        "wood"
    );
    assert_eq!(cache.scenes.cached(), [scene.content]);
}

#[tokio::test]
async fn a_manifest_that_leaves_its_directory_is_refused() {
    let cache = Cache::new(1_000);
    for path in ["../evil", "/etc/passwd", "a/../../b"] {
        let scene = cache.scene(&[("main.blend", "x"), (path, "y")]);
        let error = cache.fetch(&scene).await.unwrap_err();
        assert!(
            matches!(error, FetchError::BadManifest(_)),
            "{path}: {error}"
        );
    }
}

#[tokio::test]
async fn the_scene_used_longest_ago_goes_first_and_a_pinned_one_never() {
    let cache = Cache::new(25);
    let old = cache.scene(&[("main.blend", "0123456789")]);
    let pinned = cache.scene(&[("main.blend", "abcdefghij")]);
    cache.fetch(&old).await.unwrap();
    cache.fetch(&pinned).await.unwrap();
    cache
        .scenes
        .used(old.content, SystemTime::now() + Duration::from_secs(1));
    cache.scenes.pin(pinned.content);
    cache.scenes.make_room(10).unwrap();
    assert_eq!(cache.scenes.cached(), [pinned.content]);
    let error = cache.scenes.make_room(20).unwrap_err();
    assert!(matches!(error, FetchError::CacheFull { .. }), "{error}");
}

#[tokio::test]
async fn a_blob_that_two_scenes_share_stays_until_both_are_gone() {
    let cache = Cache::new(14);
    let first = cache.scene(&[("a.blend", "first"), ("shared.png", "shared")]);
    let second = cache.scene(&[("b.blend", "2nd"), ("shared.png", "shared")]);
    cache.fetch(&first).await.unwrap();
    cache.fetch(&second).await.unwrap();
    cache.scenes.make_room(5).unwrap();
    assert_eq!(cache.scenes.cached(), [second.content]);
    let shared = cache.scenes.blob_path(hash("shared"));
    assert!(shared.exists());
    cache.scenes.make_room(14).unwrap();
    assert!(!shared.exists());
}

#[tokio::test]
async fn a_new_start_finds_what_is_whole_and_clears_what_is_not() {
    let cache = Cache::new(1_000);
    let scene = cache.scene(&[("main.blend", "x")]);
    cache.fetch(&scene).await.unwrap();
    let unfinished = cache
        .dir
        .path()
        .join("scenes")
        .join(format!("{}.new", scene.content));
    fs::create_dir(&unfinished).unwrap();
    let again = Scenes::open(cache.dir.path(), 1_000).unwrap();
    assert_eq!(again.cached(), [scene.content]);
    assert!(!unfinished.exists());
}

struct Cache {
    dir: tempfile::TempDir,
    scenes: Arc<Scenes>,
}

impl Cache {
    fn new(limit_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenes = Arc::new(Scenes::open(dir.path(), limit_bytes).unwrap());
        Self { dir, scenes }
    }

    /// A scene whose blobs are in the cache already.
    fn scene(&self, files: &[(&str, &str)]) -> Arc<SceneManifest> {
        let names: String = files
            .iter()
            .map(|(path, text)| format!("{path}{text}"))
            .collect();
        let file = |(path, text): &(&str, &str)| {
            fs::write(self.scenes.blob_path(hash(text)), text).ok();
            SceneFile {
                path: (*path).to_owned(),
                blob: hash(text),
                size_bytes: text.len() as u64,
            }
        };
        Arc::new(SceneManifest {
            content: hash(&names),
            main: files[0].0.to_owned(),
            files: files.iter().map(file).collect(),
        })
    }

    async fn fetch(&self, scene: &Arc<SceneManifest>) -> Result<(), FetchError> {
        let nobody = Coordinator::new("http://127.0.0.1:1", &Token::new("t".into())).unwrap();
        self.scenes.fetch(scene, &nobody).await
    }
}

fn hash(text: &str) -> BlobHash {
    BlobHash::from_bytes(*blake3::hash(text.as_bytes()).as_bytes())
}
