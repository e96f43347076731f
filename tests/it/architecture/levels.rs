//! Imports point downwards, and form no cycle.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Import, Module, Sources};

/// The modules in `src/`, from the top level to the lowest. Each imports only from levels below.
const LEVELS: [&[&str]; 10] = [
    &["fuzzing", "manual"],
    &["builder"],
    &["layer"],
    &["flow", "mock"],
    &["user"],
    &["response"],
    &["gateway", "session"],
    &["browser"],
    &["events", "key", "oauth"],
    &[
        "access_token",
        "app_value",
        "boxed",
        "clock",
        "detached",
        "digest",
        "error",
        "expiring_map",
        "failure",
        "inline_string",
        "instance",
        "login_id",
        "polling",
        "secret_bytes",
        "session_refusal",
        "sync",
    ],
];

#[test]
fn imports_point_downwards() {
    let level = |module: &str| LEVELS.iter().position(|modules| modules.contains(&module));
    let mut wrong = Vec::new();
    for (from, to) in Sources::read().imports() {
        let (Some(from_module), Some(to_module)) = (from.first(), to.first()) else {
            // The crate's root re-exports everything.
            assert!(from.is_empty(), "{from:?} imports from the crate's root");
            continue;
        };
        let from_level = level(from_module).unwrap_or_else(|| panic!("{from_module} has no level"));
        let to_level = level(to_module).unwrap_or_else(|| panic!("{to_module} has no level"));
        let is_lowest = from_level == LEVELS.len() - 1;
        if from_module != to_module
            && (to_level < from_level || (to_level == from_level && !is_lowest))
        {
            wrong.push(format!("{} -> {}", from.join("::"), to.join("::")));
        }
    }
    assert!(wrong.is_empty(), "upwards: {wrong:#?}");
}

#[test]
fn every_level_has_its_files() {
    for module in LEVELS.concat() {
        let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let file = std::path::Path::new(src).join(module);
        assert!(
            file.is_dir() || file.with_extension("rs").is_file(),
            "{module}"
        );
    }
}

#[test]
fn no_file_imports_through_the_crates_root() {
    let through = Sources::read().through_the_root();
    assert!(through.is_empty(), "{through:#?}");
}

#[test]
fn imports_form_no_cycle() {
    let cycles = cycles(&Sources::read().imports());
    assert!(cycles.is_empty(), "{cycles:#?}");
}

/// The groups of modules that can all be reached from each other.
fn cycles(imports: &BTreeSet<Import>) -> Vec<Vec<String>> {
    let mut next: BTreeMap<&Module, Vec<&Module>> = BTreeMap::new();
    for (from, to) in imports {
        next.entry(from).or_default().push(to);
    }
    let reachable = |start: &Module| {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&Module> = next.get(start).cloned().unwrap_or_default();
        while let Some(module) = todo.pop() {
            if seen.insert(module.clone()) {
                todo.extend(next.get(module).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<Module>> = next
        .keys()
        .map(|module| (*module, reachable(module)))
        .collect();
    let mut cycles = BTreeSet::new();
    for (module, reached) in &reach {
        if reached.contains(*module) {
            let both =
                |other: &&&Module| reached.contains(**other) && reach[*other].contains(*module);
            let group: Vec<String> = reach.keys().filter(both).map(|m| m.join("::")).collect();
            cycles.insert(group);
        }
    }
    cycles.into_iter().collect()
}
