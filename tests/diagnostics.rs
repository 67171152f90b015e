//! Mistakes in scenario files as a person meets them: `tests/diagnostics/NAME.toml` in, `NAME.stderr` out.
//! `UPDATE_GOLDEN=1 cargo test --test diagnostics` writes the outputs anew; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use driftproof::scenario::{Code, Colour, Scenario, manifests, parse, render, schema};
use proptest::prelude::*;

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of the test")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a file name").to_string_lossy().into_owned()
}

/// Compares with a committed file, or writes it when the variable is set.
fn check_golden(path: &Path, actual: &str, variable: &str) -> Result<(), String> {
    if std::env::var_os(variable).is_some() {
        fs::write(path, actual).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    Err(format!(
        "{} differs ({variable}=1 writes it anew)\n--- expected\n{expected}\n--- actual\n{actual}",
        path.display()
    ))
}

#[test]
fn every_mistake_is_shown_as_agreed() {
    let mut failures = Vec::new();
    for path in files("tests/diagnostics", "toml") {
        let text = fs::read_to_string(&path).expect("a readable test");
        let name = file_name(&path);
        let Err(found) = parse(&name, &text) else {
            failures.push(format!("{name} has no mistake"));
            continue;
        };
        let shown = render(&found, &name, &text, Colour::Never);
        failures.extend(check_golden(&path.with_extension("stderr"), &shown, "UPDATE_GOLDEN").err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_of_the_parser_is_shown_once_at_least() {
    let folders = ["tests/diagnostics", "tests/diagnostics/fixtures", "tests/diagnostics/objects"];
    let shown: String = folders
        .map(|folder| files(folder, "stderr"))
        .iter()
        .flatten()
        .map(|path| fs::read_to_string(path).expect("a golden file"))
        .collect();
    for code in Code::ALL.iter().filter(|code| **code != Code::Yaml) {
        assert!(shown.contains(&format!("error[{code}]")), "no test shows {code} {code:?}");
    }
}

#[test]
fn valid_files_read_the_same_by_serde_and_by_the_parser() {
    let mut paths = files("tests/diagnostics/valid", "toml");
    assert!(paths.len() >= 4);
    for folder in ["scenarios", "scenarios/anti-patterns", "scenarios/stores"] {
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).exists() {
            paths.extend(files(folder, "toml"));
        }
    }
    let mut wrong = String::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a readable test");
        let name = file_name(&path);
        let parsed = match parse(&name, &text) {
            Ok(parsed) => parsed,
            Err(found) => {
                wrong.push_str(&render(&found, &name, &text, Colour::Never));
                continue;
            }
        };
        let by_serde: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(parsed, by_serde, "{name}");
        let json = serde_json::to_string(&parsed).expect("a scenario serialises");
        let again: Scenario = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}\n{json}"));
        assert_eq!(parsed, again, "{name} through the evidence");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn shipped_fixtures_are_kubernetes_objects() {
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/fixtures").exists() {
        return;
    }
    for path in files("scenarios/fixtures", "yaml") {
        let text = fs::read_to_string(&path).expect("a readable fixture");
        let name = file_name(&path);
        match manifests(&name, &text) {
            Ok(objects) => assert!(!objects.is_empty(), "{name} has no object"),
            Err(found) => panic!("{}", render(&found, &name, &text, Colour::Never)),
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_model() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/schema.json");
    check_golden(&path, &schema(), "UPDATE_SCHEMA").unwrap_or_else(|difference| panic!("{difference}"));
}

/// What a command says of a scenario in a folder below `tests/diagnostics`, which it must reject.
fn rejected(folder: &str, command: &str, file: &str) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_driftproof"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(folder))
        .args([command, file])
        .env("NO_COLOR", "1")
        .env_remove("KUBECONFIG")
        .output()
        .expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{command} {file}: {said}{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command} {file}");
    said
}

#[test]
fn mistakes_in_fixtures_are_shown_as_agreed_whatever_is_asked_for() {
    let mut failures = Vec::new();
    for path in files("tests/diagnostics/fixtures", "toml") {
        let name = file_name(&path);
        let shown = rejected("fixtures", "validate", &name);
        for command in ["plan", "run", "rbac"] {
            if rejected("fixtures", command, &name) != shown {
                failures.push(format!("`{command} {name}` says something else"));
            }
        }
        failures.extend(check_golden(&path.with_extension("stderr"), &shown, "UPDATE_GOLDEN").err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn objects_that_the_api_server_refuses_are_shown_as_agreed() {
    let mut failures = Vec::new();
    for path in files("tests/diagnostics/objects", "toml") {
        let shown = rejected("objects", "validate", &file_name(&path));
        failures.extend(check_golden(&path.with_extension("stderr"), &shown, "UPDATE_GOLDEN").err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

proptest! {
    #[test]
    fn no_bytes_panic_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(found) = parse("a.toml", &text) {
            prop_assert!(render(&found, "a.toml", &text, Colour::Always).contains("error"));
        }
    }

    #[test]
    fn no_change_of_a_valid_file_panics_the_parser(which in 0..5_usize, at in any::<prop::sample::Index>(), cut in 0..40_usize, put in ".{0,12}") {
        let path = &files("tests/diagnostics/valid", "toml")[which];
        let mut text = fs::read_to_string(path).expect("a readable test");
        // The valid files are ASCII: every byte is a character boundary.
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        text.replace_range(start..end, &put);
        if let Err(found) = parse("a.toml", &text) {
            for one in &found {
                prop_assert!(one.span.start <= one.span.end && one.span.end <= text.len(), "{one:?}");
            }
            prop_assert!(render(&found, "a.toml", &text, Colour::Never).contains("error"));
        }
    }

    #[test]
    fn no_bytes_panic_the_manifest_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(found) = manifests("a.yaml", &text) {
            prop_assert!(render(&found, "a.yaml", &text, Colour::Always).contains("error"));
        }
    }

    #[test]
    fn no_yaml_panics_the_manifest_reader(text in "[-a-c: \\n\\[\\]{},&*!|>'\"#%@0-9]{0,200}") {
        let _ = manifests("a.yaml", &text);
    }
}

/// Whoever writes thirty thousand unknown keys waits for no answer to each.
#[test]
fn of_very_many_mistakes_the_first_are_shown() {
    let keys: Vec<String> = (0..30_000).map(|key| format!("unknown{key} = 1")).collect();
    let text = format!("{}\nname = \"web\"\n", keys.join("\n"));
    let mistakes = parse("many.toml", &text).expect_err("nothing of it is known");
    let said = render(&mistakes, "many.toml", &text, Colour::Never);
    assert!(said.matches("error").count() < 100 && said.contains("more mistakes in many.toml"), "{}", said.len());
}
