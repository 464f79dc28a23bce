//! `async_task::spawn(f, schedule)`, scheduled, then `task.await`

use futures_shield_contenders::queue::AsyncTask;

futures_shield_contenders::contender!(AsyncTask, |executor, work| executor.spawn(work()));
