//! Moves all arguments into the task, so that they drop in the order of a plain `async fn`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatParen, PatReference, PatType, Receiver, Token, token};

use crate::input::internal;

/// The arguments of one fn, and how its task takes them.
///
/// rustc moves every argument of an `async fn` into its future, used or not, and binds the patterns
/// there, one by one. So they drop at the end of the body, the last one first, and the parts that a
/// pattern does not bind (`_`, `..`) drop along with those that it binds. An `async move` block
/// captures only what it mentions; therefore [`Self::rebind`] mentions every argument.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The statements at the start of the task.
    pub(crate) rebind: TokenStream,
    /// The names that the signature binds. The spawner expression can use them directly.
    names: Vec<Ident>,
    /// The arguments that only the task destructures.
    hidden: Vec<Hidden>,
}

/// An argument that moves into the task undivided, under a generated name.
struct Hidden {
    cfgs: Vec<Attribute>,
    whole: Ident,
    pat: Pat,
}

impl Arguments {
    /// Collects the arguments of a signature, and rewrites its patterns.
    ///
    /// Patterns are kept, without `mut` (moved to the rebinding). A pattern that does not bind the
    /// whole argument is replaced by a generated name.
    pub(crate) fn take<'a>(inputs: impl Iterator<Item = &'a mut FnArg>, mentioned: impl Fn(&Ident) -> bool) -> Self {
        let mut this = Self::default();
        for (index, input) in inputs.enumerate() {
            match input {
                FnArg::Receiver(receiver) => this.receiver(receiver),
                FnArg::Typed(arg) => this.typed(index, arg, &mentioned),
            }
        }
        this
    }

    fn receiver(&mut self, receiver: &Receiver) {
        // `self` cannot be rebound. Mentioning it moves all of it into the task, and not only the
        // fields that the body uses. It is the first argument, so it drops last, as in a plain
        // `async fn`.
        let this = &receiver.self_token;
        self.rebind
            .extend(quote_spanned!(internal("_").span()=> let _ = &#this;));
        self.names.push(Ident::new("self", this.span));
    }

    fn typed(&mut self, index: usize, arg: &mut PatType, mentioned: &dyn Fn(&Ident) -> bool) {
        let (lints, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut arg.attrs).into_iter().partition(is_lint);
        let cfgs: Vec<_> = rest.iter().filter(|attr| is_cfg(attr)).cloned().collect();
        arg.attrs = rest;

        let mut bindings = Vec::new();
        if binds_everything(&arg.pat, &mut bindings) {
            for PatIdent { mutability, ident, .. } in bindings {
                // These lints would attribute the line to the user, because it contains the user's
                // name.
                let quiet = quote! {
                    #[allow(
                        clippy::no_effect_underscore_binding,
                        clippy::shadow_same,
                        clippy::used_underscore_binding
                    )]
                };
                let used = mentioned(&ident).then(|| quote!(#[allow(unused_variables)]));
                self.rebind.extend(quote_spanned! {internal("_").span()=>
                    #(#cfgs)* #quiet #used #(#lints)* let #mutability #ident = #ident;
                });
                self.names.push(ident);
            }
            WithoutMut.visit_pat_mut(&mut arg.pat);
        } else {
            let whole = internal(&format!("arg{index}"));
            let pat = &arg.pat;
            self.rebind.extend(quote_spanned! {internal("_").span()=>
                #(#cfgs)* let #whole = #whole;
                #(#cfgs)* #(#lints)* let #pat = #whole;
            });
            // The parentheses hide the name from `#[tracing::instrument]`. If it expands after this
            // macro, it records each argument whose name it finds, which requires `Debug` of the
            // user's type.
            let shown = Pat::Paren(PatParen {
                attrs: Vec::new(),
                paren_token: token::Paren(whole.span()),
                pat: Box::new(ident_pat(whole.clone())),
            });
            let pat = std::mem::replace(&mut *arg.pat, shown);
            self.hidden.push(Hidden { cfgs, whole, pat });
        }
    }

    /// Returns `true` if an expression that begins with this name is a place inside an argument.
    pub(crate) fn binds(&self, name: &Ident) -> bool {
        self.names.contains(name) || self.hidden.iter().any(|hidden| names_in(&hidden.pat).contains(name))
    }

    /// Returns statements that bind, by reference, the names that only the task binds, for the
    /// spawner expression.
    pub(crate) fn peek(&self, mentions: impl Fn(&Ident) -> bool) -> TokenStream {
        let mut statements = TokenStream::new();
        for Hidden { cfgs, whole, pat } in &self.hidden {
            if !names_in(pat).iter().any(&mentions) {
                continue;
            }
            let peek = by_reference(pat.clone(), whole);
            statements.extend(quote_spanned!(whole.span()=> #(#cfgs)* #[allow(unused_variables)] let #peek;));
        }
        statements
    }
}

/// Collects the bindings of a pattern. Returns `false` if the pattern may leave a part of its value
/// unbound.
fn binds_everything(pat: &Pat, bindings: &mut Vec<PatIdent>) -> bool {
    match pat {
        Pat::Ident(pat) => {
            bindings.push(pat.clone());
            pat.by_ref.is_none() && pat.subpat.is_none() && pat.attrs.is_empty()
        }
        Pat::Paren(pat) => binds_everything(&pat.pat, bindings),
        Pat::Reference(pat) => binds_everything(&pat.pat, bindings),
        Pat::Tuple(pat) => pat.elems.iter().all(|pat| binds_everything(pat, bindings)),
        Pat::TupleStruct(pat) => pat.elems.iter().all(|pat| binds_everything(pat, bindings)),
        Pat::Slice(pat) => pat.elems.iter().all(|pat| binds_everything(pat, bindings)),
        Pat::Struct(pat) => {
            let mut fields = pat.fields.iter();
            pat.rest.is_none() && fields.all(|field| field.attrs.is_empty() && binds_everything(&field.pat, bindings))
        }
        // `_`, `..`, and patterns that syn does not parse.
        _ => false,
    }
}

/// Returns the names that a pattern binds.
pub(crate) fn names_in(pat: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl VisitMut for Names {
        fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
            self.0.push(pat.ident.clone());
            visit_mut::visit_pat_ident_mut(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat_mut(&mut pat.clone());
    names.0
}

fn ident_pat(ident: Ident) -> Pat {
    Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident,
        subpat: None,
    })
}

struct WithoutMut;

impl VisitMut for WithoutMut {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        pat.mutability = None;
    }
}

/// Returns `pattern = value` with each binding a reference, so that the value is not moved.
fn by_reference(mut pat: Pat, value: &Ident) -> TokenStream {
    struct Explicit(bool);
    impl VisitMut for Explicit {
        fn visit_pat_reference_mut(&mut self, _: &mut PatReference) {
            self.0 = true;
        }
    }

    struct Bind(Option<Token![ref]>);
    impl VisitMut for Bind {
        fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
            pat.mutability = None;
            pat.by_ref = self.0;
            visit_mut::visit_pat_ident_mut(self, pat);
        }
    }

    // If a pattern matches against a reference, its bindings are references, unless it contains `&`
    // itself.
    let mut explicit = Explicit(false);
    explicit.visit_pat_mut(&mut pat);
    if explicit.0 {
        Bind(Some(Token![ref](value.span()))).visit_pat_mut(&mut pat);
        quote_spanned!(value.span()=> #pat = #value)
    } else {
        Bind(None).visit_pat_mut(&mut pat);
        quote_spanned!(value.span()=> #pat = &#value)
    }
}

/// Returns `true` for a lint attribute. It moves to the binding that the body uses: an `expect` on
/// the one in the signature would not be fulfilled.
fn is_lint(attr: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"]
        .iter()
        .any(|name| attr.path().is_ident(name))
}

fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}
