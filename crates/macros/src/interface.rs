//! The description of a trait, and its client.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ItemTrait;
use syn::spanned::Spanned as _;

use crate::boxed::located_at;
use crate::method::{Method, doc, plain};
use crate::options::Options;

/// Says what the trait does, and how it is called far away.
pub(crate) fn expand(options: &Options, item: &ItemTrait, methods: &[Method]) -> TokenStream {
    let library = &options.library;
    let name = &item.ident;
    let text = plain(name);
    let doc = doc(&item.attrs);
    let about = options.resource.iter().map(|one| quote!(.about(#one)));
    let plural = options.plural.iter().map(|one| quote!(.plural(#one)));
    let described = methods
        .iter()
        .map(|method| described(options, name, method));
    let called = methods
        .iter()
        .enumerate()
        .map(|(at, method)| called(at, method));
    let there = library_at(options, name.span());
    let new = quote_spanned! {name.span()=>
        #there::service::Interface::new::<dyn #name>(#text, client)
    };
    quote! {
        const _: () = {
            /// Calls the service far away.
            #[derive(::core::fmt::Debug)]
            struct Client(#library::service::Remote);

            #[allow(clippy::type_complexity)]
            impl #name for Client {
                #(#called)*
            }

            // A method that is deprecated is served and called like any other.
            #[allow(deprecated)]
            impl #library::service::Service for dyn #name {
                fn interface() -> #library::service::Interface {
                    let client = |remote| -> ::std::sync::Arc<dyn #name> {
                        ::std::sync::Arc::new(Client(remote))
                    };
                    #new
                        .documented(#doc)
                        #(#about)*
                        #(#plural)*
                        #(.method(#described))*
                }
            }
        };
    }
}

/// What a method reads and answers, and how it is called here.
fn described(options: &Options, trait_: &Ident, method: &Method) -> TokenStream {
    let library = &options.library;
    let (ident, name, doc) = (&method.ident, method.name(), &method.doc);
    let answer = &method.answer;
    let answer = quote_spanned!(answer.span()=> <#answer as #library::service::Outcome>::Answer);
    let taken: Vec<Ident> = (0..method.arguments.len())
        .map(|at| format_ident!("argument_{at}", span = Span::mixed_site()))
        .collect();
    let reads = method.arguments.iter().zip(&taken).enumerate();
    let reads = reads.map(|(at, ((_, of), taken))| {
        let span = located_at(of.span());
        quote_spanned!(span=> let #taken: #of = arguments.take(#at)?;)
    });
    let arguments = method.arguments.iter().map(|(name, of)| {
        let text = plain(name);
        quote_spanned!(of.span()=> .argument::<#of>(#text))
    });
    let mutable = (!method.arguments.is_empty()).then(|| quote!(mut));
    let idempotent = method.idempotent.map(|again| {
        if again {
            quote!(.idempotent())
        } else {
            quote!(.once())
        }
    });
    let routed = method.at.iter().map(|(verb, path)| {
        let verb = Ident::new(verb, Span::call_site());
        quote!(.at(#library::service::Verb::#verb, #path))
    });
    let span = located_at(method.answer.span());
    let called = quote_spanned! {span=>
        ::std::boxed::Box::pin(async move {
            let _ = &arguments;
            #(#reads)*
            let answer = <dyn #trait_ as #trait_>::#ident(&*service, #(#taken),*).await;
            #library::service::Outcome::into_result(answer)
        })
    };
    let there = library_at(options, ident.span());
    let new = quote_spanned! {ident.span()=>
        #there::service::Method::new::<dyn #trait_, #answer>(#name, call)
    };
    quote! {{
        let call = |
            service: ::std::sync::Arc<dyn #trait_>,
            #mutable arguments: #library::service::Arguments,
        | -> #library::service::Answering<_> {
            #called
        };
        #new.documented(#doc) #(#arguments)* #idempotent #(#routed)*
    }}
}

/// A method of the client.
fn called(at: usize, method: &Method) -> TokenStream {
    let (ident, answer) = (&method.ident, &method.answer);
    let given: Vec<Ident> = (0..method.arguments.len())
        .map(|at| format_ident!("argument_{at}", span = Span::mixed_site()))
        .collect();
    let types = method.arguments.iter().map(|(_, of)| of);
    let written = method.arguments.iter().zip(&given);
    let written = written.map(|((_, of), given)| {
        let span = located_at(of.span());
        quote_spanned!(span=> .with(&#given))
    });
    let span = located_at(answer.span());
    let sent = quote_spanned!(span=> .send().await);
    quote! {
        fn #ident(&self, #(#given: #types),*) -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<Output = #answer> + ::core::marker::Send + '_
        >> {
            ::std::boxed::Box::pin(async move {
                self.0.call(#at)#(#written)*#sent
            })
        }
    }
}

/// The library's path as if it stood at a declaration: the place of a call of one of its functions is
/// then that of the declaration, which `Place::caller` tells.
fn library_at(options: &Options, span: Span) -> TokenStream {
    let path = options.library.to_token_stream().into_iter();
    let moved = path.map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}
