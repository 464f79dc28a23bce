//! Foreign code: futures, outputs, payloads, hooks, closures, spawners and wakers, each of which
//! tells the world when it is called.

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use cooked_waker::{IntoWaker, Wake, WakeRef};
use futures_shield::{InlineEntry, ShieldError, Spawn, SpawnLocal};

use super::api::Place;
use super::held::Failure;
use super::model::Kind;
use super::program::{Id, WAKERS};
use super::world::{Caught, World, world};

/// Something that is dropped exactly once.
#[derive(Debug)]
pub struct Token {
    pub kind: Kind,
    pub id: Id,
}

impl Token {
    pub fn new(world: &World, kind: Kind, id: Id) -> Self {
        world.model.borrow_mut().create(kind, id);
        Self { kind, id }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(world) = world() {
            world.token_dropped(self.kind, self.id);
        }
    }
}

/// An output. `L` is `()`, or something that is not `Send`.
pub struct Out<L> {
    pub token: Token,
    local: PhantomData<L>,
}

/// A shared shield delivers clones.
impl<L> Clone for Out<L> {
    fn clone(&self) -> Self {
        let world = world().expect("an output is cloned in a program");
        Self {
            token: world.output_cloned(self.token.id),
            local: PhantomData,
        }
    }
}

/// A future that does what its script says.
pub struct Scripted<L> {
    token: Token,
    local: PhantomData<L>,
}

impl<L> Scripted<L> {
    pub fn new(world: &World, id: Id) -> Self {
        Self {
            token: Token::new(world, Kind::Future, id),
            local: PhantomData,
        }
    }
}

impl<L> Future for Scripted<L> {
    type Output = Out<L>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Out<L>> {
        let id = self.token.id;
        let world = world().expect("a future is polled in a program");
        world.poll_future(id, cx).map(|()| Out {
            token: Token::new(&world, Kind::Output, id),
            local: PhantomData,
        })
    }
}

/// A future without an output.
pub struct Unit(Scripted<()>);

impl Unit {
    pub fn new(world: &World, id: Id) -> Self {
        Self(Scripted::new(world, id))
    }
}

impl Future for Unit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        world()
            .expect("a future is polled in a program")
            .poll_future(self.0.token.id, cx)
    }
}

/// A task that owns a handle and awaits it.
pub struct Driver {
    token: Token,
    handle: Id,
}

impl Driver {
    pub fn new(world: &World, id: Id, handle: Id) -> Self {
        Self {
            token: Token::new(world, Kind::Driver, id),
            handle,
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let world = world().expect("a task is polled in a program");
        world.poll_handle(self.handle, true, cx).map(Caught::forget)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(world) = world() {
            world.drop_handle(self.handle, true);
        }
        let _ = &self.token;
    }
}

/// The payload of a panic of foreign code.
pub struct Payload {
    pub token: Token,
}

/// The payload of the panic of a payload's drop. It has no size: nobody can be asked to drop it.
pub struct Second;

pub struct Hook {
    pub token: Token,
}

impl Hook {
    pub fn run(self, outcome: Result<Token, ShieldError>) {
        let Self { token } = self;
        let Some(world) = world() else { return };
        let outcome = outcome.map_err(Failure::Own);
        let ran = world.hook_ran(token.id, &outcome);
        world.in_turn(ran, [Box::new(|| drop(outcome)), Box::new(|| drop(token))]);
    }
}

/// A spawner on one of the executors.
pub struct Spawner {
    executor: usize,
    token: Token,
}

impl Spawner {
    pub fn new(world: &World, executor: usize, id: Id) -> Self {
        Self {
            executor,
            token: Token::new(world, Kind::Spawner, id),
        }
    }

    pub fn take(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        let _ = &self.token;
        match world() {
            Some(world) => world.spawner_called(self.executor, task),
            None => drop(task),
        }
    }
}

impl Clone for Spawner {
    fn clone(&self) -> Self {
        let world = world().expect("a spawner is cloned in a program");
        Self::new(&world, self.executor, world.fresh())
    }
}

impl Spawn for Spawner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.take(Box::pin(future));
    }

    fn track_inline(&self, location: Place) -> InlineEntry {
        if let Some(world) = world() {
            world.asked_to_track(location);
        }
        InlineEntry::none()
    }
}

impl SpawnLocal for Spawner {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.take(Box::pin(future));
    }

    fn track_inline_local(&self, location: Place) -> InlineEntry {
        if let Some(world) = world() {
            world.asked_to_track(location);
        }
        InlineEntry::none()
    }
}

thread_local! {
    static ALIVE: [Cell<usize>; WAKERS] = const { [const { Cell::new(0) }; WAKERS] };
}

/// How many clones of a waker there are.
pub fn alive(waker: usize) -> usize {
    ALIVE.with(|alive| alive[waker].get())
}

fn count(waker: usize, by: isize) {
    ALIVE.with(|alive| alive[waker].set(alive[waker].get().wrapping_add_signed(by)));
}

/// A waker whose clones, wakes and drops are foreign code. It has no size, so that all clones of a
/// box of it have one address and one vtable: they wake the same, for `Waker::will_wake`.
struct Spy<const N: usize>;

impl<const N: usize> Clone for Spy<N> {
    fn clone(&self) -> Self {
        if let Some(world) = world() {
            world.waker_cloned(N);
        }
        count(N, 1);
        Self
    }
}

impl<const N: usize> Drop for Spy<N> {
    fn drop(&mut self) {
        count(N, -1);
        if let Some(world) = world() {
            world.waker_dropped(N);
        }
    }
}

impl<const N: usize> WakeRef for Spy<N> {
    fn wake_by_ref(&self) {
        if let Some(world) = world() {
            world.waker_woken(N);
        }
    }
}

impl<const N: usize> Wake for Spy<N> {}

/// One of each waker. To be called outside of a program.
pub fn wakers() -> [Waker; WAKERS] {
    fn one<const N: usize>() -> Waker {
        ALIVE.with(|alive| alive[N].set(1));
        // A clone, because only clones are sure to have one vtable between them.
        let waker = Box::new(Spy::<N>).into_waker();
        let clone = waker.clone();
        assert!(clone.will_wake(&clone.clone()), "its clones wake the same");
        clone
    }
    [one::<0>(), one::<1>(), one::<2>(), one::<3>(), one::<4>()]
}

/// Panics, with no word to the panic hook.
pub fn panic_with(payload: Payload) -> ! {
    resume_unwind(Box::new(payload))
}
