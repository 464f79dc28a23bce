//! What the expansion of `#[shield]` calls. Not public API.

/// The value of a spawner expression, on its way into the shield.
#[derive(Debug)]
pub struct Given<T>(Option<T>);

impl<T> Given<T> {
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }
}

/// A reference to a spawner gives a clone of it: it may borrow from the arguments, which are about to move.
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

/// Everything else is taken as it is. By `&mut self`, so that method lookup comes here second.
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
