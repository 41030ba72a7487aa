//! `#[service]`: one trait, its routes and its client.
#![forbid(unsafe_code)]

mod boxed;
mod implementation;
mod interface;
mod method;
mod options;
mod trait_;

use proc_macro::TokenStream;

/// Makes of a trait a service that can be called here or over a network, and of its implementations
/// implementations of that.
///
/// On a trait, whose methods are `async fn name(&self, …) -> Result<T, E>`, by whatever name: the trait
/// becomes one that can be used as `dyn`, and says what it does (`Service`). Arguments are owned, and with
/// answers can be read, written and described (`Serialize`, `DeserializeOwned`, `JsonSchema`); `E` is
/// `ServiceError`, or made from one and into one. Everything that implements the trait is `Send`, `Sync` and `'static`.
///
/// On an implementation of such a trait, which is written with `async fn` too.
///
/// A call through an `Arc<dyn …>` is a call of a boxed future, and nothing more.
///
/// # Options
///
/// - `resource = "user"`: what the service is about; by default what the name of the trait says.
/// - `plural = "users"`: the plural of that; by default that of English.
/// - `crate = some::path`: where the library is; by default `::byname`.
///
/// # Attributes of methods
///
/// - `#[get("/users/{id}/orders")]`, and so `post`, `put`, `patch`, `delete`: the route of the method,
///   whatever the convention says. Arguments that the path names are in it.
/// - `#[idempotent]`: it may be called again if nobody knows whether a call arrived.
/// - `#[once]`: it may not.
///
/// # What is called again
///
/// A client calls a method again, by itself, if a call has certainly not arrived. If nobody knows (the
/// connection was cut, the answer took too long or was 502, 503 or 504), that depends on what is said of
/// the method, the first of these that says something: the file (`methods.NAME.idempotent` under
/// `publish`), `#[idempotent]` or `#[once]`, the HTTP method (RFC 9110, section 9.2.2): GET, PUT and
/// DELETE are called again, POST and PATCH are not. By the convention `rest` the name of a method decides
/// what its HTTP method is: one that begins with `update` or `delete` is called again. Where a second
/// call does more than the first did (`update_stock(id, add)`), it has `#[once]`.
///
/// # Examples
///
/// ```ignore
/// #[byname::service]
/// pub trait Users {
///     /// Finds a user.
///     async fn get_user(&self, id: u64) -> Result<User, ServiceError>;
/// }
///
/// #[byname::service]
/// impl Users for Kept {
///     async fn get_user(&self, id: u64) -> Result<User, ServiceError> {
///         self.find(id).ok_or_else(|| ServiceError::new(ErrorKind::NotFound, "there is no such user"))
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options.into(), item.into()).into()
}

/// Expands the attribute; what is wrong becomes errors of the compiler, each where it is.
fn expand(
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let expanded = options::Options::read(options).and_then(|options| {
        let item: syn::Item = syn::parse2(item)?;
        match item {
            syn::Item::Trait(item) => trait_::expand(&options, item),
            syn::Item::Impl(item) => implementation::expand(&options, item),
            other => Err(syn::Error::new_spanned(
                other,
                "`service` stands on a trait, or on an implementation of one",
            )),
        }
    });
    expanded.unwrap_or_else(|error| error.to_compile_error())
}

#[cfg(test)]
mod tests;
