//! Handlers that describe themselves.

use axum::extract::{FromRequest, FromRequestParts};
use axum::response::IntoResponse;

use crate::http::openapi::{Describe, DescribeAnswer, Operation};

/// A handler of axum, all of whose arguments and whose answer describe themselves.
///
/// Every async function of up to sixteen arguments is one, if its arguments are extractors of axum that
/// are [`Describe`], and its answer is [`DescribeAnswer`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler that describes itself",
    note = "its arguments must be extractors that implement `Describe`, its answer `DescribeAnswer`; \
            `Routes::raw` takes any handler of axum"
)]
pub trait Handler<A, S>: axum::handler::Handler<A, S> {
    /// Tells what it takes and answers.
    fn describe(operation: &mut Operation);
}

impl<F, Fut, Res, S> Handler<((),), S> for F
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Res> + Send,
    Res: IntoResponse + DescribeAnswer,
    S: Send + Sync + 'static,
{
    fn describe(operation: &mut Operation) {
        Res::describe(operation);
    }
}

macro_rules! handler {
    ($($of:ident)*, $last:ident) => {
        impl<F, Fut, Res, S, M, $($of,)* $last> Handler<(M, $($of,)* $last,), S> for F
        where
            F: FnOnce($($of,)* $last,) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Res> + Send,
            Res: IntoResponse + DescribeAnswer,
            S: Send + Sync + 'static,
            $($of: FromRequestParts<S> + Describe + Send,)*
            $last: FromRequest<S, M> + Describe + Send,
        {
            fn describe(operation: &mut Operation) {
                $($of::describe(operation);)*
                $last::describe(operation);
                Res::describe(operation);
            }
        }
    };
}

handler!(, T1);
handler!(T1, T2);
handler!(T1 T2, T3);
handler!(T1 T2 T3, T4);
handler!(T1 T2 T3 T4, T5);
handler!(T1 T2 T3 T4 T5, T6);
handler!(T1 T2 T3 T4 T5 T6, T7);
handler!(T1 T2 T3 T4 T5 T6 T7, T8);
handler!(T1 T2 T3 T4 T5 T6 T7 T8, T9);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9, T10);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10, T11);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11, T12);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12, T13);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13, T14);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14, T15);
handler!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15, T16);
