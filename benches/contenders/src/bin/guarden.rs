//! `guarden::DetachableTask::from(f).await`

use futures_shield::Tokio;
use guarden::task::DetachableTask;

futures_shield_contenders::contender!(Tokio, |_tokio, work| DetachableTask::from(work()).into_future());
