//! Compares the public API of what is published with `public-api.txt`, which a reviewer reads.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use public_api::{Builder, PublicApi};
use regex_lite::Regex;

#[test]
fn public_api() {
    let text = ["futures-shield", "futures-shield-macros"].map(|package| text(&describe(package)));
    snapshot_testing::assert_eq_or_update(text.join("\n"), concat!(env!("CARGO_MANIFEST_DIR"), "/public-api.txt"));
}

/// Reads a package's API, with all features.
fn describe(package: &str) -> PublicApi {
    // The check `docs` has built the dependencies there, with the same toolchain.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/docs");
    let rustdoc = Command::new("cargo")
        .args(["+nightly", "rustdoc", "--locked", "--all-features"])
        .args(["--lib", "--package", package, "--target-dir"])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format=json"])
        .status()
        .unwrap();
    assert!(rustdoc.success(), "rustdoc's JSON needs the nightly toolchain");
    let json = format!("doc/{}.json", package.replace('-', "_"));
    Builder::from_rustdoc_json(target.join(json))
        .omit_blanket_impls(true)
        .build()
        .expect("public-api and the nightly toolchain differ in the format of the JSON: update the older")
}

/// Writes one item a line, without what says nothing to a reviewer: the methods of an implemented
/// trait, an implementation that is listed twice (at the type and at the trait), auto traits other
/// than `Send`, `Sync` and `Unpin`, what derives and pin-project-lite write for themselves, and the
/// paths of core, of alloc and of this crate.
fn text(api: &PublicApi) -> String {
    let internals = Regex::new("__private::|StructuralPartialEq|(UnwindSafe|Freeze|UnsafeUnpin) for ").unwrap();
    let implementation = Regex::new("^impl.* for ").unwrap();
    let paths = Regex::new(r"\b(futures_shield::|(core|alloc)::([a-z_]+::)*)").unwrap();

    let mut implementations = HashSet::new();
    let mut lines = String::new();
    for item in api.items() {
        let line = item.to_string();
        let of_a_trait = item.parent_id().is_some_and(|parent| implementations.contains(&parent));
        let is_left_out = internals.is_match(&line)
            || (of_a_trait && !line.starts_with("pub type"))
            || (implementation.is_match(&line) && !implementations.insert(item.id()));
        if !is_left_out {
            lines += &paths.replace_all(&line, "");
            lines += "\n";
        }
    }
    lines
}
