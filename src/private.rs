//! What the expansion of `#[shield]` calls. Not public API.

/// The value of a spawner expression, on its way into the shield.
#[derive(Debug)]
pub struct Given<T>(Option<T>);

impl<T> Given<T> {
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }
}

/// A reference to a spawner gives a clone of the spawner, because the reference may borrow from the
/// arguments, which are about to move.
pub trait CloneBorrowed {
    type Spawner;
    fn spawner(self) -> Self::Spawner;
}

impl<S: Clone> CloneBorrowed for Given<&S> {
    type Spawner = S;

    fn spawner(self) -> S {
        self.0.expect("made with a value").clone()
    }
}

/// Everything else is taken as it is. The method takes `&mut self`, so that method lookup tries
/// [`CloneBorrowed`] first.
pub trait TakeOwned {
    type Spawner;
    fn spawner(&mut self) -> Self::Spawner;
}

impl<T> TakeOwned for Given<T> {
    type Spawner = T;

    fn spawner(&mut self) -> T {
        self.0.take().expect("called once")
    }
}

/// The features that this crate was compiled with.
#[derive(Debug)]
pub struct Features;

/// Implemented for [`Features`] if one of them selects a runtime.
#[diagnostic::on_unimplemented(
    message = "`#[shield]` without a spawner needs a runtime",
    label = "no feature of futures-shield that selects a runtime is enabled",
    note = "enable one of the features `tokio`, `smol` and `async-std` of futures-shield",
    note = "or name a spawner, as in `#[shield(my_spawner)]`"
)]
pub trait SelectRuntime {}

/// Calls the public function of that name. The bound fails in the user's crate, at the attribute.
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
#[must_use]
#[track_caller]
pub fn current_runtime<F: SelectRuntime>() -> crate::CurrentRuntime {
    crate::current_runtime()
}

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
impl SelectRuntime for Features {}

/// Cannot be called, and returns a spawner so that the bound is the only error.
#[cfg(not(any(feature = "tokio", feature = "smol", feature = "async-std")))]
#[must_use]
pub fn current_runtime<F: SelectRuntime>() -> crate::DynSpawner {
    unreachable!("no feature implements `SelectRuntime`")
}
