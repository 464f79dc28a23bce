//! Time and scale. Each file measures one question; the names are read by src/report/table.rs.

mod alive;
mod depart;
mod drive;
mod large;
mod shared;
mod throughput;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .configure_from_args();
    throughput::measure(&mut criterion);
    shared::measure(&mut criterion);
    alive::measure(&mut criterion);
    depart::measure(&mut criterion);
    large::measure(&mut criterion);
    criterion.final_summary();
}
