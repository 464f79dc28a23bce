//! Generates the shielded fn: the same signature, with the body as a task of its own.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type};

use crate::arguments::Arguments;
use crate::attr::{Attr, Mode};
use crate::input::{Body, Input, is_outer};
use crate::spawner::{mentions, spawner};

/// Returns the shielded fn, for example:
///
/// ```text
/// async fn name(x: X, Y { mut y, .. }: Y) -> Output {
///     let spawner = { let spawner = expr.clone(); spawner };
///     ::futures_shield::shield(
///         spawner,
///         async move {
///             if let Some(output) = None::<Output> { return output; }
///             let x = x;
///             let arg1 = arg1;
///             let Y { mut y, .. } = arg1;
///             '_body: { body }
///         },
///     ).await
/// }
/// ```
pub(crate) fn expand(attr: &Attr, input: Input) -> TokenStream {
    let Input {
        attrs,
        vis,
        mut sig,
        body,
    } = input;
    // Unreachable: `check` has rejected a fn without a body.
    let Some(Body { brace, tokens: body }) = body else {
        return TokenStream::new();
    };

    // Everything generated has this span. So its names cannot clash with the user's, lints
    // recognize it as a macro's, its edition is the macro's (see `task`), and its location, which
    // becomes the location of the shield, is the attribute.
    let span = Span::mixed_site();
    let krate = match &attr.krate {
        Some(path) => quote!(#path),
        None => quote_spanned!(span=> ::futures_shield),
    };

    let arguments = Arguments::take(sig.inputs.iter_mut(), |name| {
        attr.spawner
            .as_ref()
            .is_some_and(|expr| mentions(expr.to_token_stream(), name))
    });
    let (evaluate, spawner) = spawner(attr.spawner.as_ref(), &krate, &arguments);

    let mut user_body = TokenStream::new();
    brace.surround(&mut user_body, |tokens| tokens.extend(body));
    let output = Output::of(&sig.output);
    let pin_output = output.pin(span);
    let rebind = arguments.rebind;
    // The user's body is the tail of a block of the 2024 edition. So in every edition the
    // temporaries of the body's own tail are dropped before the arguments that they may borrow, as
    // in an `async fn`. The label prevents the warning about unused braces that rustc has in
    // earlier editions for a bare block.
    let task = quote_spanned! {span=> async move { #pin_output #rebind '_body: #user_body } };

    let shield = match attr.mode {
        Mode::Eager => quote_spanned!(span=> #krate::shield(#spawner, #task)),
        Mode::OnDrop => quote_spanned!(span=> #krate::ShieldExt::shield_on_drop(#task, #spawner)),
    };
    let awaited = match output {
        Output::Never => quote_spanned!(span=> match #shield.await {}),
        Output::Known(_) => quote_spanned!(span=> #shield.await),
    };

    let outer = attrs.iter().filter(is_outer);
    let inner = attrs.iter().filter(|attr| !is_outer(attr));
    let mut shielded = TokenStream::new();
    // The braces are the user's, so that rustc and clippy treat the fn as the user's.
    brace.surround(&mut shielded, |tokens| {
        tokens.extend(quote!(#(#inner)* #evaluate #awaited));
    });
    quote!(#(#outer)* #vis #sig #shielded)
}

/// The output of the body.
enum Output {
    /// `!`, which stable Rust cannot name in an expression.
    Never,
    /// A type, with `_` in place of each `impl Trait`.
    Known(Box<Type>),
}

impl Output {
    fn of(output: &ReturnType) -> Self {
        match output {
            ReturnType::Default => Self::Known(Box::new(syn::parse_quote!(()))),
            ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => Self::Never,
            ReturnType::Type(_, ty) => {
                let mut ty = ty.clone();
                EraseImplTrait.visit_type_mut(&mut ty);
                Self::Known(ty)
            }
        }
    }

    /// Returns a statement that never runs and fixes the output type, which `?` and `return` in the
    /// body convert to. An `async` block has no syntax for it.
    fn pin(&self, span: Span) -> TokenStream {
        let ty = match self {
            Self::Never => quote_spanned!(span=> ::core::convert::Infallible),
            Self::Known(ty) => quote!(#ty),
        };
        quote_spanned! {span=>
            #[allow(unreachable_code, unreachable_patterns)]
            if let ::core::option::Option::Some(output) = ::core::option::Option::None::<#ty> {
                return output;
            }
        }
    }
}

struct EraseImplTrait;

impl VisitMut for EraseImplTrait {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if matches!(ty, Type::ImplTrait(_)) {
            *ty = syn::parse_quote!(_);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}
