//! The arguments of the attribute: spawner, mode and crate path.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Expr, Ident, Path, Result, Token};

/// `#[shield(spawner, on_drop, crate = path)]`: each part is optional. The spawner comes first, the
/// named parts follow in any order.
pub(crate) struct Attr {
    /// `None` selects the runtime that the enabled features select.
    pub(crate) spawner: Option<Expr>,
    pub(crate) mode: Mode,
    /// The path of futures-shield in the user's crate; `None` is `::futures_shield`.
    pub(crate) krate: Option<Path>,
}

/// When the body becomes a task of its own.
pub(crate) enum Mode {
    /// At the first poll of the call's future.
    Eager,
    /// When the call's future is dropped partway.
    OnDrop,
}

/// The only keyword of this grammar. It is a mode only if it stands alone between commas: a spawner
/// of that name is written `(on_drop)`, and `on_drop()` and `on_drop.spawner` are expressions.
const ON_DROP: &str = "on_drop";

impl Attr {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        syn::parse2(tokens)
    }
}

impl Parse for Attr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attr = Self {
            spawner: None,
            mode: Mode::Eager,
            krate: None,
        };
        let mut first = true;
        while !input.is_empty() {
            // A path that starts with `crate::` is an expression, and so is a comparison with one.
            if input.peek(Token![crate]) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                let name: Token![crate] = input.parse()?;
                input.parse::<Token![=]>()?;
                if input.peek(syn::Lit) {
                    return Err(input.error("write the path without quotes: `crate = my_path`"));
                }
                if attr.krate.replace(input.call(Path::parse_mod_style)?).is_some() {
                    return Err(Error::new_spanned(name, "`crate` is given twice"));
                }
            } else if let Some(name) = on_drop(input)? {
                if matches!(attr.mode, Mode::OnDrop) {
                    return Err(Error::new_spanned(name, "`on_drop` is given twice"));
                }
                attr.mode = Mode::OnDrop;
            } else {
                let expr: Expr = input.parse()?;
                match &expr {
                    Expr::Assign(unknown) => {
                        return Err(Error::new_spanned(&unknown.left, UNKNOWN));
                    }
                    _ if attr.spawner.is_some() => return Err(Error::new_spanned(&expr, UNKNOWN)),
                    _ if !first => {
                        return Err(Error::new_spanned(
                            &expr,
                            "the spawner comes first: `#[shield(spawner, ..)]`",
                        ));
                    }
                    _ => attr.spawner = Some(expr),
                }
            }
            first = false;
            if input.is_empty() {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        Ok(attr)
    }
}

const UNKNOWN: &str = "unknown argument: `#[shield]` takes a spawner, then `on_drop` and `crate = path`";

fn on_drop(input: ParseStream<'_>) -> Result<Option<Ident>> {
    let ahead = input.fork();
    let word = ahead.parse::<Ident>().is_ok_and(|name| name == ON_DROP);
    if word && (ahead.is_empty() || ahead.peek(Token![,])) {
        input.parse().map(Some)
    } else {
        Ok(None)
    }
}

/// Returns the expressions in the arguments of an attribute that was rejected, as far as they
/// parse.
pub(crate) fn expressions(tokens: TokenStream) -> Vec<Expr> {
    let parse = |input: ParseStream<'_>| {
        let mut found = Vec::new();
        while let Ok(expr) = input.parse::<Expr>() {
            // `on_drop` and `crate = path` are no expressions of the user's.
            if !matches!(expr, Expr::Assign(_)) {
                found.push(expr);
            }
            if input.parse::<Token![,]>().is_err() {
                break;
            }
        }
        // The rest is what the error is about.
        input.parse::<TokenStream>()?;
        Ok(found)
    };
    parse.parse2(tokens).unwrap_or_default()
}
