//! The site by axum, hyper-util's server and layers of tower-http, with the settings that Byname has.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path};
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, Request};
use axum::routing::get;
use axum::{Json, Router};
use byname::BoxError;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use super::{Before, ORIGIN, User, tell};

/// Identities of 128 bits from a generator that asks nobody, as Byname's.
#[derive(Clone, Copy)]
struct Ids;

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(0x5eed) };
}

fn draw() -> u64 {
    let seed = SEED.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    SEED.set(seed);
    let mut mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl MakeRequestId for Ids {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = format!("{:016x}{:016x}", draw(), draw());
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

const ID: HeaderName = HeaderName::from_static("x-request-id");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn behind_five(router: Router) -> Router {
    let set =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let cors = CorsLayer::new()
        .allow_origin([HeaderValue::from_static(ORIGIN)])
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .max_age(Duration::from_mins(10));
    let log = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_request(())
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let five = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(ID, Ids))
        .layer(PropagateRequestIdLayer::new(ID))
        .layer(log)
        .layer(set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(X_FRAME_OPTIONS, "DENY"))
        .layer(set(
            CONTENT_SECURITY_POLICY,
            "base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
        ))
        .layer(set(REFERRER_POLICY, "strict-origin-when-cross-origin"))
        .layer(set(PERMISSIONS, "camera=(), geolocation=(), microphone=()"))
        .layer(set(OPENER, "same-origin"))
        .layer(set(RESOURCE, "same-origin"))
        .layer(cors)
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(2 << 20));
    router.layer(five)
}

pub(super) async fn serve(before: Before, port: u16) -> Result<(), BoxError> {
    let user = async |Path(id): Path<u64>| Json(User::of(id));
    let router = Router::new().route("/users/{id}", get(user));
    let router = match before {
        Before::Nothing => router,
        Before::Five => behind_five(router),
        Before::Readiness => router.route("/readyz", get(async || "ready")),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    tell(listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            server
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(15));
            let io = TokioIo::new(stream);
            let _ = server.serve_connection_with_upgrades(io, service).await;
        });
    }
}
