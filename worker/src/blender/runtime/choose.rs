//! Which installed Blender renders a file. Pure.

use super::{Runtime, Series};

/// `exact`: this series and no other, as when a creator pinned it. Else the file's own series, or the
/// next later one: a later Blender reads earlier files, an earlier one drops what it does not know.
/// Of several runtimes of one series the last listed is taken.
pub fn choose(wanted: Series, exact: bool, installed: &[Runtime]) -> Option<&Runtime> {
    let suits = |runtime: &&Runtime| {
        if exact {
            runtime.series == wanted
        } else {
            runtime.series >= wanted
        }
    };
    // `rev`: of equals the first minimum wins.
    installed
        .iter()
        .rev()
        .filter(suits)
        .min_by_key(|runtime| runtime.series)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_pinned_series_is_that_series_or_none() {
        let installed = installed(&["4.2.23", "5.0.1"]);
        assert_eq!(chosen("4.2", true, &installed), Some("4.2.23"));
        assert_eq!(chosen("4.5", true, &installed), None);
    }

    #[test]
    fn a_file_gets_its_own_series_else_the_next_later() {
        let installed = installed(&["4.2.23", "4.5.14", "4.5.15", "5.0.1"]);
        for (file, runtime) in [
            ("4.5", Some("4.5.15")),
            ("4.3", Some("4.5.15")),
            ("2.79", Some("4.2.23")),
            ("5.0", Some("5.0.1")),
            ("5.1", None),
        ] {
            assert_eq!(chosen(file, false, &installed), runtime, "{file}");
        }
    }

    fn chosen<'a>(wanted: &str, exact: bool, installed: &'a [Runtime]) -> Option<&'a str> {
        choose(wanted.parse().unwrap(), exact, installed).map(|it| it.version.as_str())
    }

    fn installed(versions: &[&str]) -> Vec<Runtime> {
        let runtime = |version: &&str| Runtime {
            series: version.parse().unwrap(),
            version: (*version).into(),
            kind: Kind::Executable,
            program: "/bin/sh".into(),
        };
        versions.iter().map(runtime).collect()
    }
}
