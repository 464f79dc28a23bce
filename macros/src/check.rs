//! Rejects what cannot be shielded, with an error at the token that prevents it.

use std::collections::HashSet;

use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, Error, FnArg, GenericParam, Lifetime, ParenthesizedGenericArguments, Receiver, ReceiverKind,
    ReturnType, Safety, Signature, TraitBound, Type, TypeFnPtr, TypeReference, WherePredicate,
};

use crate::input::Input;

/// Returns every reason why `input` cannot be shielded, as one error.
///
/// rustc would reject all of these too, but with an error inside the expansion.
pub(crate) fn check(input: &Input) -> Result<(), Error> {
    let mut errors = Vec::new();
    let sig = &input.sig;

    if sig.asyncness.is_none() {
        // Returned alone: another attribute may have caused the other errors, as the lifetimes that
        // `#[async_trait]` adds.
        return Err(Error::new_spanned(
            sig.fn_token,
            "`#[shield]` works on an `async fn`: add `async`, or shield a future inside with `.shield(spawner)` \
             (if an attribute above it removed the `async`, put `#[shield]` above that one)",
        ));
    }
    if input.body.is_none() {
        errors.push(Error::new_spanned(
            &sig.ident,
            "there is no body to shield here: put `#[shield]` on the `async fn` of each impl",
        ));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(Error::new_spanned(
            token,
            "a shielded fn can outlive its caller, and then the guarantees of an `unsafe` call may no longer hold: put \
             `#[shield]` on a safe fn that calls it",
        ));
    }

    let outlives_everything = static_lifetimes(sig);
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => check_receiver(receiver, &outlives_everything, &mut errors),
            FnArg::Typed(arg) => find_borrows(&arg.ty, Role::Argument, &outlives_everything, &mut errors),
        }
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        find_borrows(ty, Role::Output, &outlives_everything, &mut errors);
    }

    match errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    }) {
        Some(all) => Err(all),
        None => Ok(()),
    }
}

const TAKE_SELF: &str = "a shielded fn outlives its caller, so it cannot borrow: take `self: Arc<Self>`, or `self`";

fn check_receiver(receiver: &Receiver, outlives_everything: &HashSet<String>, errors: &mut Vec<Error>) {
    match &receiver.kind {
        ReceiverKind::Reference(and, lifetime, mutability) => {
            let lives_on = |lifetime: &Lifetime| outlives_everything.contains(&lifetime.ident.to_string());
            if !lifetime.as_ref().is_some_and(lives_on) {
                let mut tokens = and.to_token_stream();
                lifetime.to_tokens(&mut tokens);
                mutability.to_tokens(&mut tokens);
                receiver.self_token.to_tokens(&mut tokens);
                errors.push(Error::new_spanned(tokens, TAKE_SELF));
            }
        }
        ReceiverKind::Typed(_, ty) => find_borrows(ty, Role::Receiver, outlives_everything, errors),
        _ => {}
    }
}

/// Returns the names of the lifetimes that are `'static` for every caller: `'static` itself, and
/// each `'a` with a bound `'a: 'static`.
fn static_lifetimes(sig: &Signature) -> HashSet<String> {
    let is_static = |bound: &Lifetime| bound.ident == "static";
    let mut names = HashSet::from(["static".to_owned()]);
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(param) = param {
            if param.bounds.iter().any(is_static) {
                names.insert(param.lifetime.ident.to_string());
            }
        }
    }
    for predicate in sig.generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Lifetime(predicate) = predicate {
            if predicate.bounds.iter().any(is_static) {
                names.insert(predicate.lifetime.ident.to_string());
            }
        }
    }
    names
}

#[derive(Clone, Copy)]
enum Role {
    Receiver,
    Argument,
    Output,
}

fn find_borrows(ty: &Type, role: Role, outlives_everything: &HashSet<String>, errors: &mut Vec<Error>) {
    // A mutating visitor, on a copy: other macro crates have already enabled syn's `visit-mut`, but
    // not `visit`, which would compile syn a second time.
    Borrows {
        role,
        free: outlives_everything.clone(),
        errors,
    }
    .visit_type_mut(&mut ty.clone());
}

/// Finds the lifetimes in a type that the caller chooses.
struct Borrows<'e> {
    role: Role,
    /// Lifetimes that do not borrow from the caller: `'static`, those bound by an enclosing
    /// `for<..>`, and, as `_`, elided ones inside `fn(..)` and `Fn(..)`.
    free: HashSet<String>,
    errors: &'e mut Vec<Error>,
}

const ELIDED: &str = "_";

impl Borrows<'_> {
    fn is_free(&self, lifetime: Option<&Lifetime>) -> bool {
        let name = lifetime.map_or_else(|| ELIDED.to_owned(), |lifetime| lifetime.ident.to_string());
        self.free.contains(&name)
    }

    fn report(&mut self, tokens: impl ToTokens, instead: &str) {
        let message = match self.role {
            Role::Receiver => TAKE_SELF.to_owned(),
            Role::Argument => format!("a shielded fn outlives its caller, so it cannot borrow: {instead}"),
            Role::Output => {
                "the output of a shielded fn comes from another task, so it cannot borrow: return an owned value"
                    .to_owned()
            }
        };
        self.errors.push(Error::new_spanned(tokens, message));
    }

    /// Runs `visit` with `names` as free lifetimes, inside their binder.
    fn within(&mut self, names: impl IntoIterator<Item = String>, visit: impl FnOnce(&mut Self)) {
        let outside = self.free.clone();
        self.free.extend(names);
        visit(self);
        self.free = outside;
    }
}

/// Returns the names in `for<'a, 'b>`.
fn bound_names(binder: Option<BoundLifetimes>) -> Vec<String> {
    let name = |param| match param {
        GenericParam::Lifetime(param) => Some(param.lifetime.ident.to_string()),
        _ => None,
    };
    binder
        .into_iter()
        .flat_map(|binder| binder.lifetimes)
        .filter_map(name)
        .collect()
}

impl VisitMut for Borrows<'_> {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if self.is_free(reference.lifetime.as_ref()) {
            self.visit_type_mut(&mut reference.elem);
        } else {
            // One error for all of `&'a Foo<'a>`.
            self.report(&*reference, instead_of(reference));
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if !self.is_free(Some(lifetime)) {
            self.report(&*lifetime, "make this lifetime `'static`, or take an owned type");
        }
    }

    fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
        let names = bound_names(bound.lifetimes.take());
        self.within(names, |this| visit_mut::visit_trait_bound_mut(this, bound));
    }

    // An elided lifetime in `fn(&T)` or `Fn(&T)` belongs to the callee.
    fn visit_type_fn_ptr_mut(&mut self, pointer: &mut TypeFnPtr) {
        let mut names = bound_names(pointer.lifetimes.take());
        names.push(ELIDED.to_owned());
        self.within(names, |this| visit_mut::visit_type_fn_ptr_mut(this, pointer));
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, args: &mut ParenthesizedGenericArguments) {
        self.within([ELIDED.to_owned()], |this| {
            visit_mut::visit_parenthesized_generic_arguments_mut(this, args);
        });
    }
}

/// Returns the advice on what to take instead of a reference.
fn instead_of(reference: &TypeReference) -> &'static str {
    if reference.mutability.is_some() {
        return "take the value itself, and return it";
    }
    match &*reference.elem {
        Type::Path(ty) if ty.path.is_ident("str") => "take a `String`, an `Arc<str>` or a `&'static str`",
        Type::Slice(_) => "take a `Vec<_>` or an `Arc<[_]>`",
        _ => "take the value itself, or an `Arc` of it",
    }
}
