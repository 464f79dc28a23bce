//! Errors in what is shielded: told where a plain `async fn` tells them, as far as that can be.

use futures_shield::shield;

#[shield]
async fn output() -> u32 {
    "text"
}

#[shield]
async fn early() -> u32 {
    if true {
        return "text";
    }
    1
}

#[shield]
async fn question_mark() -> Result<u32, std::num::ParseIntError> {
    std::fs::read("file")?;
    Ok(1)
}

#[shield]
async fn not_static<T: Send>(value: T) {
    drop(value);
}

#[shield]
async fn refutable(Some(n): Option<u32>) -> u32 {
    n
}

fn main() {}
