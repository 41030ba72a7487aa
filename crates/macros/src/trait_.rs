//! The attribute on a trait.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{ItemTrait, TraitItem, TraitItemFn, parse_quote};

use crate::boxed;
use crate::interface;
use crate::method::{Method, Wrong};
use crate::options::Options;

/// Makes a trait one that can be used as `dyn`, and describes it.
pub(crate) fn expand(options: &Options, mut item: ItemTrait) -> syn::Result<TokenStream> {
    let mut wrong = Wrong(None);
    if let Some(generic) = item.generics.params.first() {
        wrong.add(
            generic.span(),
            "the trait of a service has no generic parameters",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        wrong.add(clause.span(), "the trait of a service has no `where`");
    }
    let mut methods = Vec::new();
    for inner in &mut item.items {
        match inner {
            TraitItem::Fn(function) => match Method::take(function) {
                Ok(method) => {
                    change(function);
                    methods.push(method);
                }
                Err(error) => wrong.push(error),
            },
            other => wrong.add(
                other.span(),
                "the trait of a service has methods, and nothing else",
            ),
        }
    }
    wrong.or(())?;
    for bound in [
        parse_quote!(::core::marker::Send),
        parse_quote!(::core::marker::Sync),
        parse_quote!('static),
    ] {
        item.supertraits.push(bound);
    }
    let described = interface::expand(options, &item, &methods);
    Ok(quote! {
        #item
        #described
    })
}

fn change(function: &mut TraitItemFn) {
    let answer = boxed::signature(&mut function.sig);
    if let Some(block) = &function.default {
        let body = boxed::body(&answer, block);
        function.default = Some(parse_quote!(#body));
    }
    let allowed = boxed::allowed();
    let mut attributes: Vec<syn::Attribute> = vec![parse_quote!(#allowed)];
    attributes.append(&mut function.attrs);
    function.attrs = attributes;
}
