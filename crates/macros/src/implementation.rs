//! The attribute on an implementation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ImplItem, ItemImpl, parse_quote};

use crate::boxed;
use crate::method::Wrong;
use crate::options::Options;

/// Makes every `async fn` of an implementation one that returns a boxed future.
pub(crate) fn expand(options: &Options, mut item: ItemImpl) -> syn::Result<TokenStream> {
    let mut wrong = Wrong(None);
    if item.trait_.is_none() {
        wrong.push(syn::Error::new_spanned(
            &item.self_ty,
            "`service` stands on a trait, or on an implementation of one",
        ));
    }
    for said in [&options.resource, &options.plural].into_iter().flatten() {
        wrong.push(syn::Error::new_spanned(said, "this is said at the trait"));
    }
    for inner in &mut item.items {
        let ImplItem::Fn(function) = inner else {
            continue;
        };
        if function.sig.asyncness.is_none() {
            wrong.add(
                function.sig.fn_token.span,
                "a method of a service is an `async fn`",
            );
            continue;
        }
        let answer = boxed::signature(&mut function.sig);
        let body = boxed::body(&answer, &function.block);
        function.block = parse_quote!(#body);
        let allowed = boxed::allowed();
        function.attrs.push(parse_quote!(#allowed));
    }
    wrong.or(quote!(#item))
}
