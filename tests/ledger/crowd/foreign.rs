//! Foreign code on threads: it does what its operation says, and keeps the record.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_shield::ShieldError;

use super::handle::Handle;
use super::record::locked;
use super::run::Crowd;
use crate::model::Kind;
use crate::program::{FutureSpec, Id, React};

/// Something that must end once, and does what `react` says when it is dropped.
pub struct Token {
    pub kind: Kind,
    pub id: Id,
    pub crowd: Arc<Crowd>,
    pub react: React,
}

impl Token {
    pub fn new(crowd: &Arc<Crowd>, kind: Kind, id: Id, react: &React) -> Self {
        crowd.record.begins(kind, id);
        Self {
            kind,
            id,
            crowd: Arc::clone(crowd),
            react: react.clone(),
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let react = mem::take(&mut self.react);
        let reacted = catch_unwind(AssertUnwindSafe(|| {
            self.crowd.react(&react, self.kind == Kind::Payload);
        }));
        // Last: what the reaction did belongs to it.
        self.crowd.record.ends(self.kind, self.id);
        if let Err(thrown) = reacted {
            resume_unwind(thrown);
        }
    }
}

/// The gate of a future.
#[derive(Default)]
pub struct Gate {
    open: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Gate {
    pub fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
        let waker = locked(&self.waiting).take();
        if let Some(waker) = waker {
            calmly(|| waker.wake());
        }
    }

    /// At the end of the program every gate is open, also one that is made after that.
    fn is_open(&self, crowd: &Crowd, cx: &Context<'_>) -> bool {
        if self.open.load(Ordering::SeqCst) {
            return true;
        }
        let waker = cx.waker().clone();
        let before = locked(&self.waiting).replace(waker);
        calmly(|| drop(before));
        let is_open = self.open.load(Ordering::SeqCst) || crowd.is_calm();
        if is_open {
            // It was opened meanwhile, perhaps before the waker was there: nobody takes it out.
            let waker = locked(&self.waiting).take();
            calmly(|| drop(waker));
        }
        is_open
    }
}

/// Runs foreign code of ours, and drops its panic.
pub fn calmly(f: impl FnOnce()) {
    if let Err(thrown) = catch_unwind(AssertUnwindSafe(f)) {
        let _: thread::Result<()> = catch_unwind(AssertUnwindSafe(|| drop(thrown)));
    }
}

/// A future that does what its operation says.
pub struct Scripted {
    /// `None` once it was dropped.
    token: Option<Token>,
    work: Id,
    spec: FutureSpec,
    gate: Arc<Gate>,
    pends: u8,
    started: bool,
    /// A handle that it awaits first.
    awaits: Option<(Id, Handle)>,
}

/// Its output.
pub struct Out {
    pub work: Id,
    token: Option<Token>,
    /// What its first clone does.
    clones: Arc<Mutex<React>>,
    /// It was delivered, or given to a hook.
    pub settled: bool,
}

impl Scripted {
    pub fn new(crowd: &Arc<Crowd>, work: Id, spec: &FutureSpec) -> Self {
        Self {
            token: Some(Token::new(crowd, Kind::Future, spec.id, &React::Nothing)),
            work,
            gate: crowd.gate(spec.id),
            pends: spec.pends,
            spec: spec.clone(),
            started: false,
            awaits: None,
        }
    }

    pub fn awaiting(mut self, handle: Option<(Id, Handle)>) -> Self {
        self.awaits = handle;
        self
    }

    fn crowd(&self) -> Arc<Crowd> {
        let token = self.token.as_ref().expect("it is taken by its drop");
        Arc::clone(&token.crowd)
    }
}

impl Future for Scripted {
    type Output = Out;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Out> {
        let crowd = self.crowd();
        if !mem::replace(&mut self.started, true) {
            crowd.record.fate(self.work, |fate| fate.began = true);
            let react = mem::take(&mut self.spec.first_poll);
            crowd.react(&react, false);
        }
        if let Some((id, handle)) = &mut self.awaits {
            match crowd.poll(*id, handle, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(result) => {
                    self.awaits = None;
                    if let Err(thrown) = result {
                        resume_unwind(thrown);
                    }
                }
            }
        }
        if self.pends > 0 {
            self.pends -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.spec.gated && !self.gate.is_open(&crowd, cx) {
            return Poll::Pending;
        }
        if self.spec.panics {
            crowd.panic(self.spec.payload_panics);
        }
        let token = Token::new(&crowd, Kind::Output, self.spec.id, &self.spec.output_drop);
        Poll::Ready(Out {
            work: self.work,
            token: Some(token),
            clones: Arc::new(Mutex::new(mem::take(&mut self.spec.output_clone))),
            settled: false,
        })
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let crowd = self.crowd();
        let panics = self.spec.drop.panics() && !crowd.is_calm();
        if panics {
            // Before its end, the record says: whichever outcome there was may be lost to this.
            crowd.record.fate(self.work, |fate| fate.lost = true);
        }
        calmly(|| drop(self.awaits.take()));
        let react = mem::take(&mut self.spec.drop);
        let reacted = catch_unwind(AssertUnwindSafe(|| crowd.react(&react, self.spec.payload_panics)));
        drop(self.token.take());
        if let Err(thrown) = reacted {
            resume_unwind(thrown);
        }
    }
}

/// The payload of a panic in the clone of this work's output.
pub struct Unclonable(pub Id);

/// A shared shield delivers clones.
impl Clone for Out {
    fn clone(&self) -> Self {
        if let Some(token) = &self.token {
            let react = mem::take(&mut *locked(&self.clones));
            let reacted = catch_unwind(AssertUnwindSafe(|| token.crowd.react(&react, false)));
            if let Err(thrown) = reacted {
                calmly(|| drop(thrown));
                resume_unwind(Box::new(Unclonable(self.work)));
            }
        }
        Self {
            work: self.work,
            token: self
                .token
                .as_ref()
                .map(|token| Token::new(&token.crowd, token.kind, token.id, &React::Nothing)),
            clones: Arc::clone(&self.clones),
            settled: self.settled,
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            if !self.settled {
                token.crowd.record.fate(self.work, |fate| {
                    if !fate.lost {
                        fate.dropped += 1;
                    }
                });
            }
            drop(token);
        }
    }
}

/// A future with no output. Its panics end in it: in a task they would end the thread of its
/// executor.
pub struct Unit(pub Scripted);

impl Future for Unit {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut polled = Poll::Ready(());
        calmly(|| {
            polled = Pin::new(&mut self.0).poll(cx).map(|mut output| {
                output.settled = true;
                calmly(|| drop(output));
            });
        });
        polled
    }
}

/// A hook, of one work.
pub struct Hook {
    pub token: Token,
    pub work: Id,
    pub run: React,
}

impl Hook {
    pub fn run(self, outcome: Result<Out, ShieldError>) {
        let Self { token, work, run } = self;
        let crowd = Arc::clone(&token.crowd);
        crowd.record.fate(work, |fate| fate.hooked += 1);
        calmly(|| crowd.take(work, outcome.map_err(Some)));
        let reacted = catch_unwind(AssertUnwindSafe(|| crowd.react(&run, false)));
        // Last: as long as it is there, the program is not over.
        calmly(|| drop(token));
        if let Err(thrown) = reacted {
            resume_unwind(thrown);
        }
    }
}

/// A waker that counts, and now and then panics.
#[derive(Default)]
pub struct Signal {
    pub woken: AtomicUsize,
    pub panics: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        if self.panics.swap(false, Ordering::SeqCst) {
            resume_unwind(Box::new("a waker"));
        }
    }
}
