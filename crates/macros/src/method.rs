//! A method of a trait, as it was declared.

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericArgument, Lit, LitStr, Meta, Pat, PathArguments,
    ReceiverKind, ReturnType, TraitItemFn, Type,
};

/// A method of a trait, as it was declared.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    pub(crate) doc: String,
    pub(crate) arguments: Vec<(Ident, Type)>,
    pub(crate) answer: Type,
    /// Whether it may be called again if nobody knows whether a call arrived, where that is said.
    pub(crate) idempotent: Option<bool>,
    /// The HTTP method and the path.
    pub(crate) at: Option<(&'static str, LitStr)>,
}

const VERBS: [(&str, &str); 5] = [
    ("delete", "DELETE"),
    ("get", "GET"),
    ("patch", "PATCH"),
    ("post", "POST"),
    ("put", "PUT"),
];

impl Method {
    /// Reads a method, and takes the attributes from it that are for here.
    pub(crate) fn take(item: &mut TraitItemFn) -> syn::Result<Self> {
        let mut wrong = Wrong(None);
        let signature = &item.sig;
        if signature.asyncness.is_none() {
            wrong.add(
                signature.fn_token.span,
                "a method of a service is an `async fn`",
            );
        }
        if let Some(generic) = signature.generics.params.first() {
            wrong.add(
                generic.span(),
                "a method of a service has no generic parameters: nobody far away can know them",
            );
        }
        if let Some(clause) = &signature.generics.where_clause {
            wrong.add(clause.span(), "a method of a service has no `where`");
        }
        receiver(item, &mut wrong);
        let arguments = arguments(item, &mut wrong);
        let answer = match &signature.output {
            ReturnType::Type(_, answer) => {
                if is_no_result(answer) {
                    wrong.add(answer.span(), RESULT);
                }
                (**answer).clone()
            }
            ReturnType::Default => {
                wrong.add(signature.ident.span(), RESULT);
                syn::parse_quote!(())
            }
        };
        let mut method = Self {
            ident: signature.ident.clone(),
            doc: doc(&item.attrs),
            arguments,
            answer,
            idempotent: None,
            at: None,
        };
        let mut others = Vec::new();
        for attribute in item.attrs.drain(..) {
            match method.told(&attribute) {
                Ok(true) => {}
                Ok(false) => others.push(attribute),
                Err(error) => wrong.push(error),
            }
        }
        item.attrs = others;
        wrong.or(method)
    }

    /// Takes what an attribute says; whether it is for here.
    fn told(&mut self, attribute: &Attribute) -> syn::Result<bool> {
        let path = attribute.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            return Err(Error::new_spanned(
                attribute,
                "a method of a service is there always: both sides count them",
            ));
        }
        let again = path.is_ident("idempotent");
        if again || path.is_ident("once") {
            attribute.meta.require_path_only()?;
            if self.idempotent.is_some_and(|said| said != again) {
                let message = "a method is called again, or only once";
                return Err(Error::new_spanned(attribute, message));
            }
            self.idempotent = Some(again);
            return Ok(true);
        }
        let verb = VERBS.iter().find(|(name, _)| path.is_ident(name));
        let Some((_, verb)) = verb else {
            return Ok(false);
        };
        if self.at.is_some() {
            return Err(Error::new_spanned(attribute, "a method has one route"));
        }
        let at: LitStr = attribute.parse_args()?;
        if !at.value().starts_with('/') {
            return Err(Error::new_spanned(at, "a path begins with `/`"));
        }
        self.at = Some((verb, at));
        Ok(true)
    }

    /// The name as it is called, without the sign of a raw identifier.
    pub(crate) fn name(&self) -> String {
        plain(&self.ident)
    }
}

/// The name of an identifier, without the sign of a raw one.
pub(crate) fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

pub(crate) const RESULT: &str = "a method of a service returns `Result<T, E>`, where `E` is `ServiceError`, or is \
                      made from one and into one";

/// Types that are in every program under these names, and are no results.
const NO_RESULTS: [&str; 20] = [
    "Box", "Option", "String", "Vec", "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64",
    "i8", "isize", "u128", "u16", "u32", "u64", "u8", "usize",
];

/// Whether a type can be seen to be no result. Of any other name the compiler decides: it may be one for
/// a result.
fn is_no_result(answer: &Type) -> bool {
    match answer {
        Type::Path(path) => {
            let segments = &path.path.segments;
            let only = segments.first().filter(|_| segments.len() == 1);
            only.is_some_and(|only| NO_RESULTS.iter().any(|one| only.ident == one))
        }
        Type::Macro(_) | Type::Verbatim(_) => false,
        Type::Group(group) => is_no_result(&group.elem),
        Type::Paren(inner) => is_no_result(&inner.elem),
        _ => true,
    }
}

fn receiver(item: &TraitItemFn, wrong: &mut Wrong) {
    let Some(receiver) = item.sig.receiver() else {
        wrong.add(item.sig.ident.span(), "a method of a service takes `&self`");
        return;
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, None, None) => {}
        _ => wrong.add(receiver.span(), "a method of a service takes `&self`"),
    }
}

fn arguments(item: &TraitItemFn, wrong: &mut Wrong) -> Vec<(Ident, Type)> {
    let mut arguments = Vec::new();
    for input in &item.sig.inputs {
        let FnArg::Typed(input) = input else {
            continue;
        };
        match &*input.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                arguments.push((name.ident.clone(), (*input.ty).clone()));
            }
            other => wrong.add(other.span(), "an argument of a service has a name"),
        }
        borrowed(&input.ty, wrong);
    }
    arguments
}

/// Tells references, which cannot come from far away.
fn borrowed(of: &Type, wrong: &mut Wrong) {
    const OWNED: &str = "an argument of a service is owned: `String` and not `&str`";
    match of {
        Type::Reference(reference) => wrong.add(reference.span(), OWNED),
        Type::ImplTrait(some) => wrong.add(
            some.span(),
            "an argument of a service has one type, which both sides know",
        ),
        Type::Path(path) => {
            for segment in &path.path.segments {
                let PathArguments::AngleBracketed(inside) = &segment.arguments else {
                    continue;
                };
                for argument in &inside.args {
                    match argument {
                        GenericArgument::Type(of) => borrowed(of, wrong),
                        GenericArgument::Lifetime(life) if life.ident != "static" => {
                            wrong.add(life.span(), OWNED);
                        }
                        _ => {}
                    }
                }
            }
        }
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|of| borrowed(of, wrong)),
        _ => {}
    }
}

/// What the lines of documentation say.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &pair.value
        {
            let text = text.value();
            let line = |line: &str| line.strip_prefix(' ').unwrap_or(line).to_owned();
            lines.extend(text.lines().map(line));
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.join("\n").trim().to_owned()
}

/// Everything that is wrong.
pub(crate) struct Wrong(pub(crate) Option<Error>);

impl Wrong {
    pub(crate) fn add(&mut self, at: Span, message: &str) {
        self.push(Error::new(at, message));
    }

    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn or<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}
