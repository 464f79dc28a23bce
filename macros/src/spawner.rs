//! Evaluates the spawner before the arguments move, as a value that does not borrow from them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, UnOp};

use crate::arguments::Arguments;
use crate::input::internal;

/// Returns the statements that evaluate the spawner, and the name that they bind it to. The spawner
/// does not borrow from the arguments.
///
/// If the user's expression names a place (`self.spawner`, `&state.tracker`), the spawner is
/// cloned. If it makes a value (`Tokio::current()`), the value is used; if that is a reference, its
/// target is cloned.
pub(crate) fn spawner(expr: Option<&Expr>, krate: &TokenStream, arguments: &Arguments) -> (TokenStream, Ident) {
    let Some(expr) = expr else {
        let name = internal("spawner");
        return (
            // Not the public function: here a missing runtime feature is an error at the user's
            // attribute.
            quote_spanned! {name.span()=>
                let #name = #krate::__private::current_runtime::<#krate::__private::Features>();
            },
            name,
        );
    };
    // Located at the user's tokens, so that errors point there, but hygienic, so that lints do not
    // attribute it to the user.
    let span = Span::mixed_site().located_at(expr.span());
    let peek = arguments.peek(|name| mentions(expr.to_token_stream(), name));
    let named = strip(expr);

    let owned = match Place::of(named) {
        Place::Within => clone(named),
        Place::Path(Some(name)) if arguments.binds(name) => clone(named),
        // A unit struct, a constant or a static: it can be borrowed as `'static`, so it need not be
        // `Clone`.
        Place::Path(_) => from_value(&quote_spanned!(span=> &#named), span, krate),
        Place::Nowhere => from_value(&expr.to_token_stream(), span, krate),
    };
    let name = Ident::new("spawner", span);
    (quote_spanned!(span=> let #name = { #peek #owned #name };), name)
}

/// Returns a call of `clone` as a method, which dereferences as often as necessary. If `Clone` is
/// missing, the error is at the last token, which is the name of the value.
fn clone(named: &Expr) -> TokenStream {
    let last = named.to_token_stream().into_iter().last();
    let span = Span::mixed_site().located_at(last.map_or_else(Span::call_site, |last| last.span()));
    quote_spanned! {span=>
        use ::core::clone::Clone as _;
        let spawner = (#named).clone();
    }
}

fn from_value(value: &TokenStream, span: Span, krate: &TokenStream) -> TokenStream {
    quote_spanned! {span=>
        use #krate::__private::{CloneBorrowed as _, TakeOwned as _};
        let spawner = #krate::__private::Given::new(#value).spawner();
    }
}

/// Removes the parentheses and borrows around an expression that names a place.
fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(inner) => strip(&inner.expr),
        Expr::Paren(inner) => strip(&inner.expr),
        Expr::Reference(inner) => strip(&inner.expr),
        _ => expr,
    }
}

/// Which existing value an expression names, if any.
enum Place<'e> {
    /// A path. `Some` if it is a single name.
    Path(Option<&'e Ident>),
    /// A field, an element or a target of another value.
    Within,
    /// None: the expression makes a new value.
    Nowhere,
}

impl<'e> Place<'e> {
    fn of(expr: &'e Expr) -> Self {
        match expr {
            Expr::Path(path) => Self::Path(path.path.get_ident()),
            Expr::Field(_) | Expr::Index(_) => Self::Within,
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => Self::Within,
            _ => Self::Nowhere,
        }
    }
}

pub(crate) fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}
