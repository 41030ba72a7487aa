//! An `async fn` as a function that returns a boxed future.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Block, ReturnType, Signature, Type, parse_quote};

/// Makes of an `async fn` one that returns a boxed future. Returns what the future yields.
pub(crate) fn signature(signature: &mut Signature) -> Type {
    let answer: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, answer) => (**answer).clone(),
    };
    signature.asyncness = None;
    signature.output = parse_quote! {
        -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #answer> + ::core::marker::Send + '_
        >>
    };
    answer
}

/// The place of something that was written, for what is generated for it: what the compiler says of the
/// one is then said of the other. Names mean what they mean where the attribute stands.
pub(crate) fn located_at(written: Span) -> Span {
    Span::call_site().located_at(written)
}

/// The body of such a function.
pub(crate) fn body(answer: &Type, block: &Block) -> TokenStream {
    // A future that is not `Send` is told at the block that makes it one.
    let span = located_at(block.span());
    quote_spanned! {span=>
        {
            ::std::boxed::Box::pin(async move {
                // Says what the block yields, which a boxed future does not.
                if let ::core::option::Option::Some(answer) = ::core::option::Option::None::<#answer> {
                    #[allow(unreachable_code)]
                    return answer;
                }
                let answer: #answer = #block;
                #[allow(unreachable_code)]
                answer
            })
        }
    }
}

/// What the compiler and clippy need not say of the boxed form.
pub(crate) fn allowed() -> TokenStream {
    quote! {
        #[allow(
            clippy::async_yields_async,
            clippy::diverging_sub_expression,
            clippy::let_and_return,
            clippy::let_unit_value,
            clippy::manual_async_fn,
            clippy::must_use_candidate,
            clippy::no_effect_underscore_binding,
            clippy::shadow_same,
            clippy::type_complexity,
            clippy::used_underscore_binding
        )]
    }
}
