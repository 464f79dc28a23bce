//! Empty: the tests are `ui.rs`, and what they compile is in `core/` and `macros/`.
