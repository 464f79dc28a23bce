//! A subscriber that ships each event by a shield of its own. Events of ours do not nest: the shield that ships an event
//! of ours is silent, so that it causes no further event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_shield::{ShieldExt, Tracker};
use tokio::runtime::Handle;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

struct Ship {
    to: Tracker<Handle>,
    shipped: Arc<AtomicUsize>,
}

impl<S: tracing::Subscriber> Layer<S> for Ship {
    fn on_event(&self, _event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let shipped = Arc::clone(&self.shipped);
        async move { shipped.fetch_add(1, Ordering::SeqCst) }
            .shield(&self.to)
            .detach();
    }
}

/// One event of the application's own is shipped. Its shield is an orphan at once and emits two events (orphaned,
/// finished), each of which is shipped silently: three in all. On a runtime that is gone each shield is cancelled at
/// once, which is an event again: it must not overflow the stack.
#[test]
fn ships_each_event_once() {
    // Nothing runs before `block_on`, so the first shield is detached before its work ends.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tracker = Tracker::new(runtime.handle().clone());
    let shipped = Arc::new(AtomicUsize::new(0));
    let ship = Ship {
        to: tracker.clone(),
        shipped: Arc::clone(&shipped),
    };
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ship)).unwrap();

    tracing::error!("one");
    runtime.block_on(tracker.wait());
    assert_eq!(shipped.load(Ordering::SeqCst), 3);

    drop(runtime);
    tracing::error!("two");
    assert_eq!(shipped.load(Ordering::SeqCst), 3);
}
