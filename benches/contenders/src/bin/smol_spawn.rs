//! `executor.spawn(f).await` of `smol`

use smol::Executor;

futures_shield_contenders::contender!(Executor<'static>, |executor, work| executor.spawn(work()));
