//! What is written for contributors names what is there, and the workflows can do little.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn contributing_names_every_script() {
    let text = read("CONTRIBUTING.md");
    let named: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `scripts/")?.split('`').next())
        .map(str::to_owned)
        .collect();
    let scripts: BTreeSet<String> = files("scripts")
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        // What the others share.
        .filter(|name| name != "setup")
        .collect();
    assert_eq!(named, scripts);
}

#[test]
fn every_script_installs_what_it_needs() {
    for path in files("scripts") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            path.ends_with("setup") || text.contains("\n. scripts/setup\n"),
            "{}: source scripts/setup",
            path.display()
        );
    }
}

#[test]
fn each_part_of_the_library_is_altered_each_week() {
    let script = read("scripts/mutants");
    // As in `alter key 'src/key/**/*.rs' ...`.
    let named = script.lines().filter_map(|line| {
        let (command, files) = line.split_once(" 'src/")?;
        Some((command.split(' ').next_back()?, files.split_once('\'')?.0))
    });
    let named: Vec<(&str, &str)> = named.collect();
    let weekly = read(".github/workflows/weekly.yml");
    let list = weekly.split_once("part: [").unwrap().1;
    let list: BTreeSet<&str> = list.split_once(']').unwrap().0.split(", ").collect();
    assert_eq!(list, named.iter().map(|(part, _)| *part).collect());
    for folder in files("src").iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        // What tests, the fuzzer and the documentation use.
        if ["mock", "fuzzing", "manual"].contains(&name) {
            continue;
        }
        let has = |(_, files): &(&str, &str)| files.split('/').next() == Some(name);
        assert!(named.iter().any(has), "{name}");
    }
}

#[test]
fn every_check_runs_for_each_change_or_each_week() {
    let mut run = read(".ci/run");
    for called in ["test", "test-browser"] {
        run += &read(format!("scripts/{called}"));
    }
    let weekly = read(".github/workflows/weekly.yml");
    let matrix = weekly.split_once("script: [").unwrap().1;
    let matrix = matrix.split_once(']').unwrap().0;
    for script in matrix.split(", ") {
        run += &format!("scripts/{script}\n");
    }
    run += &weekly;
    let words: BTreeSet<&str> = run.split_whitespace().collect();
    for path in files("scripts") {
        let name = path.file_name().unwrap().to_str().unwrap();
        // These check nothing.
        if ["setup", "demo", "pictures", "promise"].contains(&name) {
            continue;
        }
        assert!(words.contains(&*format!("scripts/{name}")), "{name}");
    }
    let named = words
        .iter()
        .filter_map(|word| word.strip_prefix("scripts/"));
    for name in named.filter(|name| !name.starts_with('$')) {
        assert!(root().join("scripts").join(name).is_file(), "{name}");
    }
}

#[test]
fn workflow_for_changes_is_the_script_of_every_machine() {
    let commands: Vec<String> = read(".github/workflows/ci.yml")
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("- run: ")?.to_owned()))
        .collect();
    assert_eq!(
        commands.last().map(String::as_str),
        Some(".ci/run"),
        "{commands:?}"
    );
    assert!(
        commands.iter().all(|command| !command.starts_with("cargo")),
        "a check that only one machine has: {commands:?}"
    );
}

#[test]
fn workflows_only_read_and_pin_what_they_run() {
    for path in files(".github/workflows") {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.display();
        assert!(
            text.contains("\npermissions:\n  contents: read\n"),
            "{path}"
        );
        assert!(!text.contains(": write"), "{path}");
        for line in text.lines() {
            if let Some(action) = line.trim().strip_prefix("- uses: ") {
                let version = action.split_once("@v").map(|(_, version)| version);
                assert!(
                    version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit())),
                    "{path}: {action}"
                );
            }
        }
    }
}
