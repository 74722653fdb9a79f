use std::fs;

use super::*;

const GOOD: &str = r#"{
    "version": 1,
    "coordinator": "https://render.example.org/",
    "worker_id": "0198c5a0-0000-7000-8000-000000000001",
    "token": "pw_secret",
    "name": "attic",
    "options": { "allow_cpu": true }
}"#;

#[test]
fn a_good_file_is_completed_with_defaults() {
    let (settings, warnings) = Case::new().load(GOOD).unwrap();
    assert_eq!(settings.coordinator, "https://render.example.org");
    assert_eq!(settings.cache_dir, Path::new("/home/u/.cache/pictor"));
    assert_eq!(settings.cache_bytes, 20 << 30);
    assert!(settings.allow_cpu);
    assert_eq!(warnings, []);
}

#[test]
fn the_cache_follows_xdg_and_the_option_goes_before_it() {
    let mut case = Case::new();
    case.dirs.xdg_cache_home = Some("/var/cache".into());
    assert_eq!(
        case.load(GOOD).unwrap().0.cache_dir,
        Path::new("/var/cache/pictor")
    );
    let own = GOOD.replace("\"allow_cpu\": true", "\"cache_dir\": \"/big/disk\"");
    assert_eq!(case.load(&own).unwrap().0.cache_dir, Path::new("/big/disk"));
}

#[test]
fn every_fault_has_its_own_words() {
    let case = Case::new();
    let cases = [
        ("{", "is not JSON"),
        ("[]", "the file is not a JSON object"),
        ("{}", "version is missing"),
        (
            &GOOD.replace("\"version\": 1", "\"version\": 99"),
            "update the worker",
        ),
        (
            &GOOD.replace("\"version\": 1", "\"version\": \"one\""),
            "version is wrong",
        ),
        (
            &GOOD.replace("\"version\": 1", "\"version\": 0"),
            "version is 0",
        ),
        (
            &GOOD.replace("\"allow_cpu\": true", "\"slots\": 0"),
            "options.slots is 0",
        ),
        (&GOOD.replace("\"name\"", "\"nam\""), "name is missing"),
        (&GOOD.replace("0198c5a0", "xyz"), "worker_id is wrong"),
        (
            &GOOD.replace("pw_secret", "two words"),
            "token is not a token",
        ),
        (
            &GOOD.replace("true", "\"yes\""),
            "options.allow_cpu is wrong",
        ),
        (&GOOD.replace("https://", ""), "has to begin with http"),
        (
            &GOOD.replace("https://", "ftp://"),
            "has to begin with http",
        ),
        (&GOOD.replace("render.", "u:p@"), "must not hold a user"),
    ];
    for (text, words) in cases {
        let error = case.load(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_missing_file_a_directory_and_an_unreadable_one_are_told_apart() {
    let case = Case::new();
    let load = |path: &Path| load(path, &case.dirs).unwrap_err();
    assert!(matches!(
        load(&case.dir.path().join("none")),
        ConfigError::Missing { .. }
    ));
    assert!(matches!(
        load(case.dir.path()),
        ConfigError::Directory { .. }
    ));
    let file = case.dir.path().join("binary");
    fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(matches!(load(&file), ConfigError::Unreadable { .. }));
}

#[test]
fn a_file_that_others_can_read_is_taken_with_a_warning() {
    let case = Case::new();
    let path = case.write(GOOD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, warnings) = load(&path, &case.dirs).unwrap();
    assert!(
        warnings[0].to_string().contains("chmod 600"),
        "{warnings:?}"
    );
}

#[test]
fn a_misspelt_option_is_pointed_out() {
    let (_, warnings) = Case::new()
        .load(&GOOD.replace("allow_cpu", "allow_gpu"))
        .unwrap();
    assert_eq!(warnings, [ConfigWarning::UnknownOption("allow_gpu".into())]);
}

#[test]
fn the_token_is_never_printed() {
    let (settings, _) = Case::new().load(GOOD).unwrap();
    assert!(!format!("{settings:?}").contains("pw_secret"));
}

struct Case {
    dir: tempfile::TempDir,
    dirs: UserDirs,
}

impl Case {
    fn new() -> Self {
        let dirs = UserDirs {
            home: Some("/home/u".into()),
            xdg_cache_home: None,
        };
        Self {
            dir: tempfile::tempdir().unwrap(),
            dirs,
        }
    }

    fn write(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join("worker-config.json");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn load(&self, text: &str) -> Result<(Settings, Vec<ConfigWarning>), ConfigError> {
        load(&self.write(text), &self.dirs)
    }
}
