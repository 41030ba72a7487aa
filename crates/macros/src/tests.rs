//! What the attribute says of what cannot be a service.

use proc_macro2::TokenStream;
use quote::quote;

/// What is said of a trait or an implementation; nothing if all is well.
fn said(options: TokenStream, item: TokenStream) -> Vec<String> {
    let expanded = super::expand(options, item).to_string();
    let mut said = Vec::new();
    for part in expanded.split("compile_error ! {").skip(1) {
        let text = part.split('"').nth(1).expect("a message");
        said.push(text.to_owned());
    }
    said
}

fn of_method(method: &TokenStream) -> Vec<String> {
    said(quote!(), quote!(trait Users { #method }))
}

const OWNED: &str = "an argument of a service is owned: `String` and not `&str`";

#[test]
fn a_trait_of_async_functions_is_a_service() {
    let item = quote! {
        /// Users.
        pub trait Users: Debug {
            /// Finds one.
            #[get("/users/{id}")]
            async fn get_user(&self, id: u64) -> Result<User, ServiceError>;
            #[once]
            async fn update_stock(&self, id: u64, add: u32) -> Result<u32, ServiceError>;
            #[idempotent]
            async fn r#type(&self, r#in: Option<String>, when: Vec<(u8, String)>) -> io::Result<()> {
                Ok(())
            }
        }
    };
    assert_eq!(
        said(quote!(resource = "person", plural = "people"), item.clone()),
        [""; 0]
    );
    let expanded = super::expand(quote!(crate = ::byname_components), item).to_string();
    syn::parse_str::<syn::File>(&expanded).expect("items");
    assert!(!expanded.contains(":: byname ::"), "{expanded}");
    assert!(!expanded.contains("async fn"), "{expanded}");
    for part in [
        "\"get_user\"",
        "\"type\"",
        "\"in\"",
        "\"Finds one.\"",
        "Verb :: GET",
        ". once ()",
        ". idempotent ()",
    ] {
        assert!(expanded.contains(part), "{part}: {expanded}");
    }
    for attribute in ["# [get", "# [idempotent", "# [once"] {
        assert!(!expanded.contains(attribute), "{attribute}: {expanded}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_trait_is_told_at_once() {
    let told = said(
        quote!(),
        quote! {
            trait Users<T>: Debug + Display {
                type Key;
                fn get(&self) -> Result<(), E>;
                async fn list() -> Result<(), E>;
                async fn find(&mut self) -> u8;
                async fn add(&self, name: &str);
            }
        },
    );
    assert_eq!(
        told,
        [
            "the trait of a service has no generic parameters",
            "the trait of a service has no supertraits but `Debug`, `Send` and `Sync`: what is far away has \
             no others",
            "the trait of a service has methods, and nothing else",
            "a method of a service is an `async fn`",
            "a method of a service takes `&self`",
            "a method of a service takes `&self`",
            super::method::RESULT,
            OWNED,
            super::method::RESULT,
        ]
    );
}

#[test]
fn a_method_that_nobody_far_away_can_call_is_told() {
    for (method, told) in [
        (
            quote!(
                async fn a<T>(&self, t: T) -> Result<(), E>;
            ),
            "a method of a service has no generic parameters: nobody far away can know them",
        ),
        (
            quote!(
                async fn a<'a>(&self) -> Result<(), E>;
            ),
            "a method of a service has no generic parameters: nobody far away can know them",
        ),
        (
            quote!(
                async fn a(&self) -> Result<(), E>
                where
                    Self: Sized;
            ),
            "a method of a service has no `where`",
        ),
        (
            quote!(
                async fn a(self) -> Result<(), E>;
            ),
            "a method of a service takes `&self`",
        ),
        (
            quote!(
                async fn a(self: Arc<Self>) -> Result<(), E>;
            ),
            "a method of a service takes `&self`",
        ),
        (
            quote!(
                async fn a(&self, t: &str) -> Result<(), E>;
            ),
            OWNED,
        ),
        (
            quote!(
                async fn a(&self, t: Option<&str>) -> Result<(), E>;
            ),
            OWNED,
        ),
        (
            quote!(
                async fn a(&self, t: Cow<'_, str>) -> Result<(), E>;
            ),
            OWNED,
        ),
        (
            quote!(
                async fn a(&self, t: impl Into<String>) -> Result<(), E>;
            ),
            "an argument of a service has one type, which both sides know",
        ),
        (
            quote!(
                async fn a(&self, (x, y): (u8, u8)) -> Result<(), E>;
            ),
            "an argument of a service has a name",
        ),
        (
            quote!(
                async fn a(&self) -> u8;
            ),
            super::method::RESULT,
        ),
        (
            quote!(
                #[cfg(unix)]
                async fn a(&self) -> Result<(), E>;
            ),
            "a method of a service is there always: both sides count them",
        ),
        (
            quote!(
                #[idempotent]
                #[once]
                async fn a(&self) -> Result<(), E>;
            ),
            "a method is called again, or only once",
        ),
        (
            quote!(
                #[get("/a")]
                #[put("/a")]
                async fn a(&self) -> Result<(), E>;
            ),
            "a method has one route",
        ),
        (
            quote!(
                #[get("a")]
                async fn a(&self) -> Result<(), E>;
            ),
            "a path begins with `/`",
        ),
        (
            quote!(
                #[get]
                async fn a(&self) -> Result<(), E>;
            ),
            "expected attribute arguments in parentheses: #[get(...)]",
        ),
    ] {
        assert_eq!(of_method(&method), [told], "{method}");
    }
}

/// By its name alone, a type of another name was no result.
#[test]
fn what_may_be_a_result_is_left_to_the_compiler() {
    for answer in [
        quote!(Result<u8, E>),
        quote!(io::Result<u8>),
        quote!(Res<u8>),
        quote!(Answer),
        quote!(Self::Answer),
        quote!(answers::String),
        quote!((Res<u8>)),
        quote!(answer!()),
    ] {
        let method = quote!(async fn a(&self) -> #answer;);
        assert_eq!(of_method(&method), [""; 0], "{answer}");
    }
    for answer in [
        quote!(u8),
        quote!(Option<Res>),
        quote!(Vec<u8>),
        quote!(String),
        quote!((u8, u8)),
        quote!([u8; 2]),
        quote!(&'static str),
        quote!(impl Into<Res>),
        quote!(dyn Any),
        quote!((String)),
    ] {
        let method = quote!(async fn a(&self) -> #answer;);
        assert_eq!(of_method(&method), [super::method::RESULT], "{answer}");
    }
}

#[test]
fn an_implementation_is_of_a_trait_and_says_nothing_more() {
    let good = quote!(impl Users for Kept { async fn a(&self, mut b: u8) -> Result<u8, E> { b += 1; Ok(b) } });
    assert_eq!(said(quote!(), good.clone()), [""; 0]);
    assert_eq!(
        said(quote!(resource = "user"), good),
        ["this is said at the trait"]
    );
    assert_eq!(
        said(quote!(), quote!(impl Kept { async fn a(&self) {} })),
        ["`service` stands on a trait, or on an implementation of one"]
    );
    assert_eq!(
        said(quote!(), quote!(impl Users for Kept { fn a(&self) {} })),
        ["a method of a service is an `async fn`"]
    );
    assert_eq!(
        said(
            quote!(),
            quote!(
                struct Kept;
            )
        ),
        ["`service` stands on a trait, or on an implementation of one"]
    );
}

#[test]
fn an_option_that_is_none_is_told() {
    let item = quote!(
        trait Users {}
    );
    for (options, told) in [
        (
            quote!(plurals = "x"),
            "expected `resource`, `plural` or `crate`",
        ),
        (quote!(resource = ""), "expected a word"),
        (quote!(resource = 7), "expected string literal"),
    ] {
        assert_eq!(said(options, item.clone()), [told]);
    }
}
