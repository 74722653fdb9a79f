//! Blender's notation for paths: `//` means the folder of the .blend file.

use super::facts::Location;

/// Where `path` leads once the .blend is on another machine.
///
/// Blender on Linux reads a backslash after `//` as a separator, for files that were saved on
/// Windows, so both are taken.
pub(super) fn locate(path: &str) -> Location {
    let Some(relative) = path.strip_prefix("//") else {
        // Without the mark Blender resolves against its working folder, which is no place of the
        // scene either.
        return Location::Elsewhere;
    };
    let relative = relative.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    Location::Beside(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_tidied_but_keeps_its_climb() {
        assert_eq!(locate("//tex/a.png"), beside("tex/a.png"));
        assert_eq!(locate("//./tex//b/../a.png"), beside("tex/a.png"));
        assert_eq!(locate("//../lib/../../a.blend"), beside("../../a.blend"));
    }

    #[test]
    fn a_path_saved_on_windows_is_read_with_slashes() {
        assert_eq!(locate(r"//tex\sky\a.png"), beside("tex/sky/a.png"));
    }

    #[test]
    fn what_names_a_machine_is_elsewhere() {
        for path in ["/home/a/b.png", r"C:\b.png", r"\\server\b.png", "b.png"] {
            assert_eq!(locate(path), Location::Elsewhere, "{path}");
        }
    }

    fn beside(path: &str) -> Location {
        Location::Beside(path.to_owned())
    }
}
