//! What is no `async fn` with a body.

use futures_shield::shield;

#[shield]
fn sync() {}

#[shield]
fn returns_a_future() -> impl Future<Output = ()> {
    async {}
}

#[shield]
#[inline]
fn with_an_attribute() {}

#[shield]
extern "C" fn of_another_language() {}

#[shield]
async unsafe fn vouched_for() {}

trait Trait {
    #[shield]
    async fn required(self);
}

#[shield]
struct Struct;

#[shield]
pub(crate) enum Enum {}

#[shield]
impl Struct {}

#[shield]
unsafe impl Send for Enum {}

#[shield]
const CONST: u8 = 1;

#[shield]
static CALLBACK: fn() = sync;

#[shield]
mod module {}

#[shield]
extern crate std as other;

#[shield]
unsafe extern "C" {}

#[tokio::main]
#[shield]
async fn main() {
    sync();
    returns_a_future().await;
    unsafe { vouched_for().await };
    let _: (Struct, Option<Enum>) = (Struct, None);
}
