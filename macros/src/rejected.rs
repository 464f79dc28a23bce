//! Keeps a rejected item as it was written, so that the macro's error is the only one.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, FnArg, Ident};

use crate::arguments::names_in;
use crate::attr;
use crate::input::{Input, is_outer};
use crate::spawner::mentions;

/// Returns the item, unshielded, with the spawner expression somewhere in it.
///
/// Without the item, each use of it would be another error. Without the expression, rustc would
/// warn that the imports and arguments that only the attribute uses are unused.
pub(crate) fn keep(attr: TokenStream, item: TokenStream) -> TokenStream {
    match Input::parse(item.clone()) {
        Ok(input) => keep_fn(attr, input),
        Err(_) => keep_other(attr, item),
    }
}

fn keep_fn(attr: TokenStream, input: Input) -> TokenStream {
    let arguments: Vec<_> = input.sig.inputs.iter().flat_map(names).collect();
    let spawners = spawners(attr, &arguments);
    let Input { attrs, vis, sig, body } = input;
    let outer = attrs.iter().filter(is_outer);
    let inner = attrs.iter().filter(|attr| !is_outer(attr));
    let mut kept = quote!(#(#outer)* #vis #sig);
    match body {
        Some(body) => body.brace.surround(&mut kept, |tokens| {
            tokens.extend(quote!(#(#inner)*));
            if sig.constness.is_none() {
                tokens.extend(spawners.iter().map(unreachable_use));
            } else {
                // A `const fn` cannot call the functions that the expression calls.
                tokens.extend(constant(spawners, &arguments));
            }
            tokens.extend(body.tokens);
        }),
        None => {
            kept.extend(quote!(;));
            // A required method of a trait: a trait has no place for a constant without a name.
            if let Some(used) = used_elsewhere(spawners, &arguments) {
                let name = format_ident!("__futures_shield_{}", sig.ident);
                kept.extend(quote_spanned! {Span::mixed_site()=>
                    #[allow(warnings)]
                    async fn #name() where Self: Sized { #used }
                });
            }
        }
    }
    kept
}

/// Keeps an item that is not a fn.
fn keep_other(attr: TokenStream, mut item: TokenStream) -> TokenStream {
    // Those that cannot be items of an impl or a trait.
    let keywords = ["struct", "enum", "union", "impl", "trait", "mod", "static"];
    let is_keyword = |token| matches!(token, TokenTree::Ident(word) if keywords.iter().any(|keyword| word == keyword));
    if item.clone().into_iter().any(is_keyword) {
        item.extend(constant(spawners(attr, &[]), &[]));
    }
    item
}

/// Returns the expressions that may be spawners. A lowercase name alone that is no argument is more
/// probably a misspelled mode, and would be a second error.
fn spawners(attr: TokenStream, arguments: &[Ident]) -> Vec<Expr> {
    let is_spawner = |expr: &Expr| match expr {
        Expr::Path(path) => path.path.get_ident().is_none_or(|name| {
            arguments.contains(name) || name.to_string().starts_with(|first: char| first.is_uppercase())
        }),
        _ => true,
    };
    let mut expressions = attr::expressions(attr);
    expressions.retain(is_spawner);
    expressions
}

/// Returns a constant that uses the spawners in a fn of its own.
fn constant(spawners: Vec<Expr>, arguments: &[Ident]) -> Option<TokenStream> {
    let used = used_elsewhere(spawners, arguments)?;
    Some(quote_spanned! {Span::mixed_site()=>
        #[allow(warnings)]
        const _: () = {
            async fn used() { #used }
        };
    })
}

/// Returns statements that use those spawners that can be used outside of the fn.
fn used_elsewhere(mut spawners: Vec<Expr>, arguments: &[Ident]) -> Option<TokenStream> {
    let receiver = Ident::new("self", Span::call_site());
    spawners.retain(|expr| {
        let mentions = |name| mentions(expr.to_token_stream(), name);
        !mentions(&receiver) && !arguments.iter().any(mentions)
    });
    (!spawners.is_empty()).then(|| spawners.iter().map(unreachable_use).collect())
}

/// Returns a statement that uses `expr` as far as rustc's name resolution is concerned. It never
/// runs, and because it diverges, what it moves can be used after it.
fn unreachable_use(expr: &Expr) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        #[allow(warnings)]
        {
            if false {
                let _ = &(#expr);
                loop {}
            }
        }
    }
}

/// Returns the names that an argument binds.
fn names(argument: &FnArg) -> Vec<Ident> {
    match argument {
        FnArg::Receiver(_) => Vec::new(),
        FnArg::Typed(argument) => names_in(&argument.pat),
    }
}
