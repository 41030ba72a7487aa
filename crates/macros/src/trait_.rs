//! The attribute on a trait.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{ItemTrait, TraitItem, TraitItemFn, TypeParamBound, parse_quote};

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
    for bound in &item.supertraits {
        if !is_of_all(bound) {
            wrong.add(
                bound.span(),
                "the trait of a service has no supertraits but `Debug`, `Send` and `Sync`: what is far \
                 away has no others",
            );
        }
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

/// Whether everything is this, a client too.
fn is_of_all(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Lifetime(_) => true,
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last();
            last.is_some_and(|last| {
                ["Debug", "Send", "Sync"]
                    .iter()
                    .any(|one| last.ident == one)
            })
        }
        _ => false,
    }
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
