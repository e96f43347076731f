//! What all examples have in common.

use std::{fs, path::Path};

use telenor_auth::mock::MockGateway;

use super::program::{Program, at};

/// Two programs of some size, which the others do not have to be.
const LARGE: [&str; 2] = ["demo", "try_api"];

struct Example {
    name: String,
    path: String,
    command: String,
}

/// The examples of the crate, and those with more dependencies.
fn examples() -> Vec<Example> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut examples = Vec::new();
    for (folder, package) in [("", ""), ("examples/extra/", "-p telenor-auth-examples ")] {
        let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
        for entry in manifest.split("[[example]]").skip(1) {
            let entry = entry.split("\n[").next().unwrap();
            let value = |key: &str| {
                let line = entry.lines().find_map(|line| line.strip_prefix(key));
                line.map(|line| line.trim_matches([' ', '=', '"']).to_owned())
            };
            let name = value("name").unwrap();
            let path = value("path").unwrap_or(format!("examples/{name}.rs"));
            examples.push(Example {
                command: format!("cargo run {package}--example {name}"),
                path: format!("{folder}{path}"),
                name,
            });
        }
    }
    assert!(examples.len() > 15, "they were found");
    examples
}

#[test]
fn each_example_is_one_file_of_less_than_80_lines_that_says_how_to_run_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for Example {
        name,
        path,
        command,
    } in examples()
    {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        let header: Vec<_> = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        assert!(
            header.join("\n").contains(&command),
            "{path} says: {command}"
        );
        if !LARGE.contains(&&*name) {
            assert!(
                text.lines().count() < 80,
                "{path}: {}",
                text.lines().count()
            );
            assert!(!text.contains("\nmod "), "{path} is one file");
        }
    }
}

#[test]
fn the_list_has_each_example_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("examples/README.md")).unwrap();
    let rows: Vec<_> = list
        .lines()
        .filter(|line| line.starts_with("| [`"))
        .collect();
    for Example { name, path, .. } in examples() {
        let link = path.trim_start_matches("examples/");
        let row = format!("| [`{name}`]({link}) |");
        assert!(rows.iter().any(|line| line.starts_with(&row)), "{row}");
    }
    assert_eq!(rows.len(), examples().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_the_environment_take_the_place_of_the_mock() {
    let gateway = MockGateway::start().await.unwrap();
    let mut settings = at(&gateway);
    settings.push(("DATABASE_URL", "sqlite::memory:".to_owned()));
    // Not own_pages: its login needs the press of a button.
    for name in [
        "customers",
        "http_start",
        "hyper_only",
        "javascript",
        "optional",
        "sql_store",
        "websocket",
    ] {
        let app = Program::start(name, &settings);
        // Where the layer is in front of it, a login starts at the gateway of the settings.
        let login = app.visitor().start("/telenor/login").await;
        assert!(login.starts_with(&gateway.base_url()), "{name}: {login}");
    }
}
