//! What is said in the attribute itself.

use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::{LitStr, Path, parse_quote};

/// What is said in the attribute itself.
pub(crate) struct Options {
    /// Where the library is.
    pub(crate) library: Path,
    pub(crate) resource: Option<LitStr>,
    pub(crate) plural: Option<LitStr>,
}

impl Options {
    pub(crate) fn read(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Self {
            library: parse_quote!(::byname),
            resource: None,
            plural: None,
        };
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("resource") {
                options.resource = Some(word(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("plural") {
                options.plural = Some(word(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("crate") {
                options.library = meta.value()?.call(Path::parse_mod_style)?;
            } else {
                return Err(meta.error("expected `resource`, `plural` or `crate`"));
            }
            Ok(())
        });
        parser.parse2(tokens)?;
        Ok(options)
    }
}

fn word(text: &LitStr) -> syn::Result<LitStr> {
    if text.value().chars().any(char::is_alphabetic) {
        Ok(text.clone())
    } else {
        Err(syn::Error::new_spanned(text, "expected a word"))
    }
}
