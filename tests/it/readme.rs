//! tests/README.md is true: it has each scenario that a test names, and each place in it exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The words that follow `Scenario` or `Scenarios` and begin with a digit: `12`, `58b`.
fn named_scenarios(text: &str) -> impl Iterator<Item = &str> {
    let mentions = ["Scenario", "scenario"]
        .into_iter()
        .flat_map(|word| text.split(word).skip(1));
    mentions.flat_map(|rest| {
        rest.trim_start_matches('s')
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
            .take_while(|word| *word == "and" || word.starts_with(|c: char| c.is_ascii_digit()))
            .filter(|word| *word != "and")
    })
}

#[test]
fn every_scenario_has_a_row() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let readme = fs::read_to_string(tests.join("README.md")).unwrap();
    let rows: BTreeSet<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .map(|(number, _)| number.trim_end_matches('*'))
        .collect();
    let mut files = Vec::new();
    sources(&tests, &mut files);
    for file in files {
        for number in named_scenarios(&fs::read_to_string(&file).unwrap()) {
            assert!(
                rows.contains(number),
                "{}: scenario {number} has no row",
                file.display()
            );
        }
    }
}

#[test]
fn every_place_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let readme = fs::read_to_string(tests.join("README.md")).unwrap();
    let table = readme.split_once("## Scenarios").unwrap().1;
    // In the last column, between backticks, with a path in it: `module::.. ::test`, and `*` for any row of a table.
    let cells = table.lines().filter_map(|line| line.rsplit('|').nth(1));
    let places = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    for place in places.filter(|place| place.contains("::")) {
        let (module, test) = place.rsplit_once("::").unwrap();
        let module = module.trim_end_matches("::*").replace("::", "/");
        let file = ["it", "."].iter().find_map(|root| {
            let base = tests.join(root).join(&module);
            [base.with_extension("rs"), base.join("mod.rs"), base.join("main.rs")]
                .into_iter()
                .find(|file| file.exists())
        });
        let file = file.unwrap_or_else(|| panic!("{place}: no such module"));
        let test = test.trim_end_matches('*');
        let found = fs::read_to_string(&file).unwrap().contains(&format!("fn {test}"));
        assert!(
            found || tests.join("it").join(&module).join(test).with_extension("rs").exists(),
            "{place}: no such test"
        );
    }
}
