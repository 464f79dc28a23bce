//! The item under the attribute. Its signature is parsed, its body is not.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{AttrStyle, Attribute, Error, Ident, LitStr, Result, Signature, Token, Visibility, braced, token};

/// An `async fn`, or another fn that `check` will reject.
///
/// The body stays a token stream. That compiles faster, accepts syntax that syn does not know yet,
/// and keeps rust-analyzer's completion working in a body that does not parse yet because it is
/// being typed.
pub(crate) struct Input {
    /// The outer attributes, followed by the inner attributes of the body.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// `None` for a required method of a trait, which ends in `;`.
    pub(crate) body: Option<Body>,
}

pub(crate) struct Body {
    pub(crate) brace: token::Brace,
    pub(crate) tokens: TokenStream,
}

impl Input {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        syn::parse2(tokens)
    }

    /// Returns `true` if this is the sync fn that `#[tokio::test]` and similar attributes generate
    /// if they are above `#[shield]`.
    pub(crate) fn is_sync_test(&self) -> bool {
        let is_test = |attr: &Attribute| attr.path().segments.last().is_some_and(|last| last.ident == "test");
        self.sig.asyncness.is_none() && self.attrs.iter().any(is_test)
    }
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        expect_fn(input)?;
        let sig = input.parse()?;
        let body = if input.parse::<Option<Token![;]>>()?.is_some() {
            None
        } else {
            let content;
            let brace = braced!(content in input);
            attrs.extend(content.call(Attribute::parse_inner)?);
            Some(Body {
                brace,
                tokens: content.parse()?,
            })
        };
        Ok(Self { attrs, vis, sig, body })
    }
}

/// Returns an error at the keyword of an item that is not a fn. syn's own error would only name the
/// token that it expected.
fn expect_fn(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    while !ahead.peek(Token![fn]) {
        let qualifier = match ahead.parse()? {
            TokenTree::Ident(word) => word == "const" || word == "async" || word == "unsafe" || word == "extern",
            TokenTree::Literal(abi) => syn::parse2::<LitStr>(abi.into_token_stream()).is_ok(),
            _ => false,
        };
        if !qualifier || ahead.is_empty() {
            let keyword: TokenTree = input.parse()?;
            return Err(Error::new_spanned(
                keyword,
                "put `#[shield]` on an `async fn`: this is not a fn",
            ));
        }
    }
    Ok(())
}

pub(crate) fn is_outer(attr: &&Attribute) -> bool {
    matches!(attr.style, AttrStyle::Outer)
}

/// Returns a generated name that cannot clash with the user's names: it resolves at the macro's
/// definition.
pub(crate) fn internal(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::mixed_site())
}
