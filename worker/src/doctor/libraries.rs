//! Finds a library where the dynamic loader would: in `LD_LIBRARY_PATH`, in the loader's cache, in the usual
//! directories. It is not loaded: code of a driver in trouble does not have to run for this.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::facts::{Libraries, LibraryFile};

const USUAL: [&str; 7] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib/wsl/lib",
];

pub(super) fn find() -> Libraries {
    let library_path = std::env::var_os("LD_LIBRARY_PATH");
    let cache = loader_cache();
    let find = |name| find_one(name, library_path.as_deref(), &cache, &USUAL.map(Path::new));
    Libraries {
        cuda: find("libcuda.so.1"),
        optix: find("libnvoptix.so.1"),
        egl: find("libEGL.so.1"),
    }
}

/// What `ldconfig -p` prints; nothing where there is no ldconfig.
fn loader_cache() -> String {
    let printed = ["ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"]
        .into_iter()
        .find_map(|program| Command::new(program).arg("-p").output().ok());
    printed.map_or_else(String::new, |it| {
        String::from_utf8_lossy(&it.stdout).into_owned()
    })
}

fn find_one(
    name: &str,
    library_path: Option<&OsStr>,
    cache: &str,
    usual: &[&Path],
) -> Option<LibraryFile> {
    let library_path = library_path.map(OsString::from).unwrap_or_default();
    let first = std::env::split_paths(&library_path).filter(|dir| !dir.as_os_str().is_empty());
    let first: Vec<_> = first.map(|dir| dir.join(name)).collect();
    // A line is `libx.so.1 (libc6,x86-64) => /usr/lib/libx.so.1`; 32-bit libraries are no use.
    let cached = cache.lines().filter_map(|line| {
        let (left, path) = line.trim().split_once(" => ")?;
        let (found, kind) = left.split_once(' ')?;
        (found == name && kind.contains("64")).then(|| PathBuf::from(path))
    });
    let usual = usual.iter().map(|dir| dir.join(name));
    let mut places = first.into_iter().chain(cached).chain(usual);
    places.find_map(|path| {
        let file = std::fs::metadata(&path).ok().filter(|it| it.is_file())?;
        Some(LibraryFile {
            path,
            bytes: file.len(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_looked_for_in_the_order_of_the_loader() {
        let root = tempfile::tempdir().unwrap();
        let dir = |name: &str| root.path().join(name);
        for (place, text) in [("path", "12"), ("cache", "123"), ("usual", "")] {
            std::fs::create_dir(dir(place)).unwrap();
            std::fs::write(dir(place).join("libx.so.1"), text).unwrap();
        }
        let cached = dir("cache").join("libx.so.1");
        let cache = format!(
            "2 libs found in cache\n\tlibx.so.1 (libc6) => /lib32/libx.so.1\n\tlibx.so.1 (libc6,x86-64) => {}\n",
            cached.display()
        );
        let usual = dir("usual");
        let bytes = |path: Option<&Path>, cache: &str| {
            let path = path.map(Path::as_os_str);
            find_one("libx.so.1", path, cache, &[&usual]).map(|it| it.bytes)
        };
        assert_eq!(bytes(Some(&dir("path")), &cache), Some(2));
        assert_eq!(bytes(Some(&dir("nowhere")), &cache), Some(3));
        assert_eq!(
            bytes(None, "\tlibx.so.1 (libc6) => /lib32/libx.so.1"),
            Some(0)
        );
        assert_eq!(find_one("liby.so.1", None, &cache, &[&usual]), None);
    }
}
