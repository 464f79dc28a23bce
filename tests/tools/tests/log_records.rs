//! tracing's feature `log`, and no subscriber: the events of orphans arrive as log records, as the application's own do.

use std::sync::{Mutex, PoisonError};

use futures_shield::ShieldExt;
use log::{LevelFilter, Metadata, Record};

static RECORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let text = format!("{} {}", record.level(), record.args());
        RECORDS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn flush(&self) {}
}

#[test]
fn an_orphans_end_is_logged() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(LevelFilter::Info);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    std::future::pending::<()>().shield(runtime.handle()).detach();
    drop(runtime);

    let records = RECORDS.lock().unwrap();
    let [cancelled] = &records[..] else {
        panic!("{records:?}")
    };
    assert!(
        cancelled.starts_with("ERROR orphaned work was cancelled"),
        "{cancelled}"
    );
    assert!(cancelled.contains(file!()), "{cancelled}");
}
