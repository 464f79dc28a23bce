//! Who is measured.

/// One binary under `contenders/`.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// The name of the binary.
    pub name: &'static str,
    /// What it does, as a user would write it.
    pub code: &'static str,
    /// Whom it is compared with.
    pub class: Class,
    /// Whether it is this crate.
    pub ours: bool,
}

/// What can be compared with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Runs inside its caller, on the heap at the most.
    Inline,
    /// Is a task of tokio.
    BoxTask,
    /// Is a task of smol.
    Smol,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Inline, Self::BoxTask, Self::Smol];

    pub fn title(self) -> &'static str {
        match self {
            Self::Inline => "inside the caller",
            Self::BoxTask => "as a task of tokio",
            Self::Smol => "as a task of smol",
        }
    }
}

const fn rival(class: Class, name: &'static str, code: &'static str) -> Contender {
    Contender {
        name,
        code,
        class,
        ours: false,
    }
}

const fn ours(class: Class, name: &'static str, code: &'static str) -> Contender {
    Contender {
        name,
        code,
        class,
        ours: true,
    }
}

/// All of them, as they stand in the tables.
pub const CONTENDERS: &[Contender] = &[
    rival(Class::Inline, "bare", "f.await"),
    rival(Class::Inline, "box_pin", "Box::pin(f).await"),
    ours(Class::Inline, "shield_on_drop", "f.shield_on_drop(&tokio).await"),
    rival(
        Class::Inline,
        "tokio_cancel_guard",
        "tokio_cancel_guard::Shield::new(f).await",
    ),
    rival(Class::Inline, "guarden", "guarden::DetachableTask::from(f).await"),
    rival(
        Class::Inline,
        "guarden_closure",
        "guarden::DetachableTask::new(|task| .., f).await",
    ),
    rival(Class::BoxTask, "tokio_spawn", "tokio::spawn(f).await"),
    ours(Class::BoxTask, "shield", "f.shield(&tokio).await"),
    ours(Class::BoxTask, "shield_fallible", "f.shield(&tokio).fallible().await"),
    ours(
        Class::BoxTask,
        "shield_on_orphan",
        "f.shield(&tokio).on_orphan(|_| {}).await",
    ),
    rival(Class::BoxTask, "tokio_shield", "f.shield().await (tokio-shield)"),
    rival(Class::BoxTask, "task_tracker", "task_tracker.spawn(f).await"),
    ours(Class::BoxTask, "shield_tracker", "f.shield(&tracker).await"),
    rival(
        Class::BoxTask,
        "remote_handle",
        "f.remote_handle() (futures), spawned, .await",
    ),
    rival(Class::Smol, "smol_spawn", "executor.spawn(f).await"),
    ours(Class::Smol, "smol_shield", "f.shield(&executor).await"),
];
