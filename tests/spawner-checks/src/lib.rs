//! Checks of the rules that every spawner of futures-shield keeps.
//!
//! [`spawn_rules`] and [`spawn_local_rules`] take a closure that starts an executor, and return a
//! [`Report`] that says for each [`Rule`] whether it was kept. Each check starts an executor of its
//! own, on a thread of its own, with a deadline, so that a spawner that hangs fails by name, too.
//! [`wrapper_rules`] and [`wrapper_local_rules`] do the same for a spawner that wraps another one.
//!
//! ```
//! use futures_executor::LocalPool;
//! use futures_shield::spawn_local_fn;
//! use futures_shield_spawner_checks::{Subject, spawn_local_rules};
//! use futures_util::task::LocalSpawnExt;
//!
//! let report = spawn_local_rules(|| {
//!     let mut pool = LocalPool::new();
//!     let here = pool.spawner();
//!     Subject::new(
//!         spawn_local_fn(move |task| here.spawn_local(task).unwrap_or_default()),
//!         move |caller| pool.run_until(caller),
//!     )
//! });
//! report.assert_kept();
//! ```

mod bench;
mod checks;
mod hand;
mod probe;
mod report;
mod rule;
mod run;
mod subject;
mod wrapper;

pub use crate::probe::Probe;
pub use crate::report::{Report, Verdict};
pub use crate::rule::Rule;
pub use crate::run::{spawn_local_rules, spawn_local_rules_within, spawn_rules, spawn_rules_within};
pub use crate::subject::{BoxCaller, Subject};
pub use crate::wrapper::{Inner, wrapper_local_rules, wrapper_rules};
