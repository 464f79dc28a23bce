//! What issue 5 promises of the heap.

use futures_shield_benches::counting::Counting;
use futures_shield_benches::heap;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn eager_allocates_once_beside_the_runtime() {
    assert_eq!(heap::tokio_spawn().allocations, 1.0);
    assert_eq!(heap::shield().allocations, 2.0);
}

#[test]
fn on_drop_allocates_its_box_only() {
    assert_eq!(heap::box_pin().allocations, 1.0);
    assert_eq!(heap::shield_on_drop().allocations, 1.0);
}

#[test]
fn a_hook_that_captures_nothing_allocates_nothing() {
    assert_eq!(heap::shield_on_orphan().allocations, 2.0);
    assert_eq!(heap::shield_on_drop_on_orphan().allocations, 1.0);
}

#[test]
fn the_measured_future_is_of_some_100_bytes() {
    assert!((96..=104).contains(&size_of_val(&heap::pending())));
}

#[test]
fn a_live_eager_shield_takes_at_most_64_bytes_over_a_task() {
    let over = heap::shield().live - heap::tokio_spawn().live;
    assert!(over <= 64.0, "{over} bytes");
}

#[test]
fn a_live_shield_on_drop_takes_no_more_than_its_box() {
    assert_eq!(heap::shield_on_drop().live, heap::box_pin().live);
}
