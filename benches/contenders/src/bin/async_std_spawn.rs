//! `async_std::task::spawn(f).await`

use futures_shield::AsyncStd;

futures_shield_contenders::contender!(AsyncStd, |_async_std, work| async_std::task::spawn(work()));
