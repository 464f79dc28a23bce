//! The spawner: evaluated before the arguments move, and owned, so that they can.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, UnOp};

use crate::input::internal;
use crate::pattern::Arguments;

/// The statements that evaluate the spawner, and the name they leave it under. It borrows none of the arguments.
///
/// What the user's expression names is cloned (`self.spawner`, `&state.tracker`), what it makes is taken
/// (`Tokio::current()`), and where that is a reference, what it refers to is cloned.
pub(crate) fn spawner(expr: Option<&Expr>, krate: &TokenStream, arguments: &Arguments) -> (TokenStream, Ident) {
    let Some(expr) = expr else {
        let name = internal("spawner");
        return (
            quote_spanned!(name.span()=> let #name = #krate::current_runtime();),
            name,
        );
    };
    // At the user's tokens, so that an error is; but not of them, so that no lint takes it for the user's code.
    let span = Span::mixed_site().located_at(expr.span());
    let peek = arguments.peek(|name| mentions(expr.to_token_stream(), name));
    let named = strip(expr);

    let owned = match Place::of(named) {
        Place::Within => clone(named),
        Place::Path(Some(name)) if arguments.binds(name) => clone(named),
        // A unit struct, a constant or a static: it can be borrowed for ever, so it need not be `Clone`.
        Place::Path(_) => from_value(&quote_spanned!(span=> &#named), span, krate),
        Place::Nowhere => from_value(&expr.to_token_stream(), span, krate),
    };
    let name = Ident::new("spawner", span);
    (quote_spanned!(span=> let #name = { #peek #owned #name };), name)
}

/// The method finds its way through any number of references, and a missing `Clone` is an error that says so, at the
/// name of what is not `Clone`: the last token.
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

/// Parentheses and borrows around an expression say nothing of what it names.
fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(inner) => strip(&inner.expr),
        Expr::Paren(inner) => strip(&inner.expr),
        Expr::Reference(inner) if !matches!(Place::of(strip(&inner.expr)), Place::Nowhere) => strip(&inner.expr),
        _ => expr,
    }
}

/// Whether an expression names something that is there already.
enum Place<'e> {
    /// A path alone, by its name where that is one word.
    Path(Option<&'e Ident>),
    /// What lies inside something else.
    Within,
    /// It makes a new value.
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
