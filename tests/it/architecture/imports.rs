//! The imports of the library, read from its sources: from which file to which, with re-exports
//! followed to the file that defines the name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The library's files by module path: `[]` is the crate, `["flow", "admit"]` is `flow/admit.rs`.
pub struct Sources {
    files: BTreeMap<Module, Source>,
}

pub type Module = Vec<String>;

struct Source {
    /// What a build without tests sees, without comments and imports.
    code: String,
    imports: Vec<Module>,
    /// What other files can import from here, and where it is from.
    exports: BTreeMap<String, Module>,
}

/// An import, from module to module.
pub type Import = (Module, Module);

impl Sources {
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        for path in rust_files(&root) {
            let module = module_of(path.strip_prefix(&root).unwrap());
            let source = Source::parse(&fs::read_to_string(path).unwrap(), &module);
            files.insert(module, source);
        }
        Self { files }
    }

    /// Every import between two files.
    pub fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (module, source) in &self.files {
            let exports = source.exports.iter();
            // What a file only re-exports is not an import of its own.
            let used = exports.filter(|(name, _)| contains_word(&source.code, name));
            let imported = source.imports.iter().chain(used.map(|(_, path)| path));
            for path in imported {
                let to = self.definition(path);
                if to != *module {
                    imports.insert((module.clone(), to));
                }
            }
        }
        imports
    }

    /// Paths that lead through a re-export of the crate's root, which is for users alone.
    pub fn through_the_root(&self) -> Vec<(Module, Module)> {
        let mut through = Vec::new();
        for (module, source) in &self.files {
            for path in source.imports.iter().filter(|_| !module.is_empty()) {
                let first = path
                    .first()
                    .is_some_and(|first| self.is_module(std::slice::from_ref(first)));
                if !first {
                    through.push((module.clone(), path.clone()));
                }
            }
        }
        through
    }

    fn is_module(&self, path: &[String]) -> bool {
        self.files.contains_key(path)
    }

    /// The file that defines what a path names.
    fn definition(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        for (at, segment) in path.iter().enumerate() {
            let child = [&module[..], std::slice::from_ref(segment)].concat();
            if self.is_module(&child) {
                module = child;
            } else if let Some(from) = self.files[&module].exports.get(segment) {
                return self.definition(&[&from[..], &path[at + 1..]].concat());
            } else {
                break;
            }
        }
        module
    }
}

impl Source {
    fn parse(text: &str, module: &[String]) -> Self {
        let code: String = before_tests(text)
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .fold(String::new(), |code, line| code + line + "\n");
        let mut source = Self {
            code: String::new(),
            imports: Vec::new(),
            exports: BTreeMap::new(),
        };
        let mut rest = code.as_str();
        while let Some(at) = rest.find("use ") {
            let (before, statement) = rest.split_at(at);
            let Some(end) = statement.find(';') else {
                break;
            };
            let line = before.rsplit('\n').next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with("pub") {
                for path in expand(&without_new_names(&statement["use ".len()..end])) {
                    source.add(module, &path, line.starts_with("pub"));
                }
                source.code += before;
            } else {
                source.code += &rest[..at + end];
            }
            rest = &statement[end..];
        }
        source.code += rest;
        source.add_inline_paths(module);
        source
    }

    fn add(&mut self, module: &[String], path: &str, exported: bool) {
        let Some(path) = absolute(module, path) else {
            return;
        };
        match path.last() {
            Some(name) if exported => {
                self.exports.insert(name.clone(), path);
            }
            _ => self.imports.push(path),
        }
    }

    /// Paths in the code that were not imported: `crate::digest::short(…)`.
    fn add_inline_paths(&mut self, module: &[String]) {
        for start in ["crate::", "super::"] {
            let code = self.code.clone();
            for (at, _) in code.match_indices(start) {
                let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let path: String = code[at..].chars().take_while(|c| in_word(*c)).collect();
                let public = code[..at].ends_with("pub(in ") || code[..at].ends_with("pub(");
                if let Some(path) = absolute(module, path.trim_end_matches(':'))
                    && !public
                {
                    self.imports.push(path);
                }
            }
        }
    }
}

/// A path within the crate, from its root.
fn absolute(module: &[String], path: &str) -> Option<Module> {
    let mut base = module.to_vec();
    let mut segments = path
        .split("::")
        .filter(|segment| !segment.is_empty())
        .peekable();
    match segments.next()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while segments.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        _ => return None,
    }
    base.extend(
        segments
            .filter(|segment| *segment != "self")
            .map(str::to_owned),
    );
    Some(base)
}

/// A use tree without white space, and without what follows an `as`.
fn without_new_names(tree: &str) -> String {
    let mut words = tree.split_whitespace();
    let mut kept = String::new();
    while let Some(word) = words.next() {
        if word == "as" {
            let new_name = words.next().unwrap_or_default();
            kept.extend(new_name.chars().filter(|c| ",}".contains(*c)));
        } else {
            kept += word;
        }
    }
    kept
}

/// The single paths of a use tree without white space and new names: `a::{b, c::{self, d}}`.
fn expand(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else {
        return vec![tree.to_owned()];
    };
    let (prefix, inner) = (&tree[..open], &tree[open + 1..tree.len() - 1]);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in inner.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(character);
        }
    }
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts
        .flat_map(|part| expand(&format!("{prefix}{part}")))
        .collect()
}

/// Tests stand last in a file.
fn before_tests(text: &str) -> &str {
    let tests = text.match_indices("#[cfg(test)]\n").find(|(at, line)| {
        let next = text[at + line.len()..].lines().next().unwrap_or_default();
        next.contains("mod ") && next.ends_with('{')
    });
    tests.map_or(text, |(at, _)| &text[..at])
}

fn contains_word(code: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(inside) && !code[at + word.len()..].starts_with(inside)
    })
}

pub fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn module_of(path: &Path) -> Module {
    let path = path.with_extension("");
    let names = path.iter().map(|name| name.to_str().unwrap().to_owned());
    names
        .filter(|name| name != "mod" && name != "lib")
        .collect()
}
