//! How the arguments get into the task: all of them, and so that they drop as a plain `async fn` drops them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatParen, PatReference, PatType, Receiver, Token, token};

use crate::input::internal;

/// The arguments of one fn, on their way into its task.
///
/// rustc moves every argument of an `async fn` into its future, used or not, and binds the patterns there, one by one:
/// so they drop at the end of the body, the last one first, and what a pattern leaves out (`_`, `..`) drops along with
/// what it binds. An `async move` block takes only what it mentions. Hence [`Self::rebind`], which mentions everything.
#[derive(Default)]
pub(crate) struct Arguments {
    /// Statements for the start of the task.
    pub(crate) rebind: TokenStream,
    /// The names that the signature binds, which the spawner expression sees as they are.
    names: Vec<Ident>,
    /// Those that only the task binds.
    hidden: Vec<Hidden>,
}

/// An argument that goes into the task whole, under a name of ours.
struct Hidden {
    cfgs: Vec<Attribute>,
    whole: Ident,
    pat: Pat,
}

impl Arguments {
    /// Takes the arguments out of a signature, and leaves in it what the caller is to see.
    ///
    /// That is the user's own patterns but for `mut`, which goes where the binding is used. Only a pattern that would
    /// leave a part of the argument behind, in the caller, gives way to a name of ours.
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
        // `self` cannot be bound anew; mentioning it takes the whole of it into the task, and not only the fields that
        // the body uses. It drops after the other arguments, as in a plain `async fn`, for it is the first.
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
                // Lints that would take the line for the user's, whose name is in it.
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
            // The parentheses keep the name to ourselves: `#[tracing::instrument]`, when it expands after us, records
            // the arguments whose names it finds, and would ask for a `Debug` that the user's type need not have.
            let shown = Pat::Paren(PatParen {
                attrs: Vec::new(),
                paren_token: token::Paren(whole.span()),
                pat: Box::new(ident_pat(whole.clone())),
            });
            let pat = std::mem::replace(&mut *arg.pat, shown);
            self.hidden.push(Hidden { cfgs, whole, pat });
        }
    }

    /// Whether an expression that begins with this name is a place inside an argument.
    pub(crate) fn binds(&self, name: &Ident) -> bool {
        self.names.contains(name) || self.hidden.iter().any(|hidden| names_in(&hidden.pat).contains(name))
    }

    /// Statements that let the spawner expression see, by reference, what only the task binds.
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

/// Collects the bindings of a pattern. False where the pattern leaves a part of its value unbound, or may.
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
        // `_`, `..`, and what cannot be looked into.
        _ => false,
    }
}

fn names_in(pat: &Pat) -> Vec<Ident> {
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

/// The pattern with each binding a reference, and what to match it with: the value stays where it is.
fn by_reference(mut pat: Pat, value: &Ident) -> TokenStream {
    struct Explicit(bool);
    impl VisitMut for Explicit {
        fn visit_pat_reference_mut(&mut self, _: &mut PatReference) {
            self.0 = true;
        }

        fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
            self.0 |= pat.by_ref.is_some();
            visit_mut::visit_pat_ident_mut(self, pat);
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

    // A pattern that matches a reference binds by reference by itself; but not where it has a `&` or `ref` of its own.
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

/// Goes with the binding that the body uses: an `expect` on the one in the signature would find nothing.
fn is_lint(attr: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"]
        .iter()
        .any(|name| attr.path().is_ident(name))
}

fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")
}
