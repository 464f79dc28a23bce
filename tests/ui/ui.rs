//! The compiler messages for what cannot be shielded. `TRYBUILD=overwrite` writes the expected texts
//! again.

/// Futures, outputs and values that cannot be handed over, and what must not be left unused.
#[test]
fn unshieldable_work() {
    trybuild::TestCases::new().compile_fail("core/*.rs");
}

/// Arguments that are no spawners. The compiler lists those that are, and which ones there are is
/// up to the features.
#[cfg(all(
    feature = "async-std",
    feature = "async-task",
    feature = "futures",
    feature = "smol",
    feature = "tokio"
))]
#[test]
fn not_a_spawner() {
    trybuild::TestCases::new().compile_fail("core/spawners/*.rs");
}

/// Each message of `#[shield]`, at its token.
#[cfg(all(feature = "macros", feature = "tokio"))]
#[test]
fn rejected_by_the_attribute() {
    trybuild::TestCases::new().compile_fail("macros/*.rs");
}

/// `#[shield]` alone, without the feature of a runtime.
#[cfg(all(
    feature = "macros",
    not(any(feature = "tokio", feature = "smol", feature = "async-std"))
))]
#[test]
fn what_the_attribute_lacks() {
    trybuild::TestCases::new().compile_fail("macros/no_runtime/*.rs");
}
