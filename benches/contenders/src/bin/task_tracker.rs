//! `task_tracker.spawn(f).await` of `tokio_util`

use tokio_util::task::TaskTracker;

futures_shield_contenders::contender!(TaskTracker, |tracker, work| tracker.spawn(work()));
