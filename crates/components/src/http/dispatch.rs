//! From a plan of routes to one endpoint that answers for all of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::util::Oneshot;
use tower::{Layer, Service, ServiceExt as _};

use super::endpoint::{Endpoint, Middleware, endpoint};
use super::matched::{MatchedRoute, Route};
use super::stripped;
use crate::service::CallContext;
use crate::service_error::{ErrorKind, NO_ROUTE, ServiceError};

/// A route that is ready: what answers it, and what stands before that.
pub(super) struct Ready {
    /// `None` for everything under the path, which is stripped then.
    pub(super) method: Option<Method>,
    pub(super) path: Arc<str>,
    pub(super) endpoint: Endpoint,
    /// The outermost first.
    pub(super) layers: Vec<Middleware>,
}

/// Lays the first of the layers outermost.
pub(super) fn behind(layers: &[Middleware], endpoint: Endpoint) -> Endpoint {
    layers
        .iter()
        .rev()
        .fold(endpoint, |inner, layer| layer.layer(inner))
}

/// What answers for all routes, and these as what is measured.
pub(super) struct Dispatched {
    pub(super) endpoint: Endpoint,
    pub(super) routes: Vec<Arc<Route>>,
}

/// Makes one endpoint of all routes; `around` stands before all of them, and before the refusals of
/// what none of them answers.
///
/// # Errors
///
/// A path that the check let pass and the matcher does not take, with its reason.
pub(super) fn dispatch(routes: Vec<Ready>, around: &[Middleware]) -> Result<Dispatched, String> {
    let mut tables: BTreeMap<Arc<str>, Table> = BTreeMap::new();
    let mut whole = axum::Router::<()>::new();
    let mut foreseen = Foreseen::default();
    let mut measured = Vec::new();
    let mut otherwise = endpoint(tower::service_fn(|request: Request| async move {
        if request.method() == Method::OPTIONS && request.uri().path() == "*" {
            // It asks about the server as a whole (RFC 9110, section 9.3.7).
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Ok::<_, Infallible>(
            ServiceError::new(ErrorKind::NotFound, "there is nothing at this path")
                // What calls a service tells by this that it asked the wrong server.
                .with_code(NO_ROUTE)
                .into_response(),
        )
    }));
    for route in routes {
        let inside = |allow| {
            let inside = Inside {
                inner: route.endpoint,
                only: route.method.clone(),
                allow,
            };
            behind(&route.layers, endpoint(inside))
        };
        match &route.method {
            Some(method) => {
                let table = tables.entry(Arc::clone(&route.path)).or_default();
                let all = inside(Arc::clone(&table.allow));
                table.routes.push((method.clone(), all));
            }
            None if matches!(&*route.path, "" | "/") => {
                let one = Route::new("/".into());
                measured.push(Arc::clone(&one));
                foreseen.otherwise = Some(Arc::clone(&one));
                let all = inside(Arc::default());
                otherwise = endpoint(all.map_request(move |request| taken(request, &one)));
            }
            None => {
                let one = Route::new(Arc::clone(&route.path));
                measured.push(Arc::clone(&one));
                foreseen.below(&one);
                let all = inside(Arc::default())
                    .map_request(move |request| stripped::as_it_stands(taken(request, &one)));
                whole = added(&route.path, || whole.nest_service(&route.path, all))?;
            }
        }
    }
    for (path, table) in tables {
        table.tell_allowed();
        let one = Route::new(Arc::clone(&path));
        measured.push(Arc::clone(&one));
        foreseen.at(&path, &one);
        let by_method = ByMethod(Arc::new((one, table)));
        whole = added(&path, || whole.route_service(&path, by_method))?;
    }
    let mut whole = endpoint(whole.fallback_service(otherwise));
    if !around.is_empty() {
        // What stands before all routes may answer before one is chosen.
        let foreseen = Arc::new(foreseen);
        let all = behind(around, whole);
        whole = endpoint(all.map_request(move |request| foreseen.tell(request)));
    }
    Ok(Dispatched {
        endpoint: whole,
        routes: measured,
    })
}

/// Says which route is asked.
fn taken(request: Request, route: &Arc<Route>) -> Request {
    if let Some(matched) = request.extensions().get::<MatchedRoute>() {
        matched.take(route);
    }
    request
}

/// Where paths lead, known before that is asked.
#[derive(Default)]
struct Foreseen {
    routes: matchit::Router<Arc<Route>>,
    otherwise: Option<Arc<Route>>,
}

impl Foreseen {
    fn at(&mut self, path: &str, route: &Arc<Route>) {
        // Where two are in conflict, the router says so.
        let _ = self.routes.insert(path, Arc::clone(route));
    }

    /// Everything at a path and below it.
    fn below(&mut self, route: &Arc<Route>) {
        let base = route.path.trim_end_matches('/');
        for path in [base, &format!("{base}/"), &format!("{base}/{{*rest}}")] {
            self.at(path, route);
        }
    }

    fn tell(&self, mut request: Request) -> Request {
        let found = self.routes.at(request.uri().path());
        let route = found.map(|found| found.value).ok();
        if let Some(route) = route.or(self.otherwise.as_ref()) {
            let matched = request.extensions_mut();
            let matched = matched.get_or_insert_default::<MatchedRoute>();
            matched.foresee(route);
        }
        request
    }
}

/// Adds to a router; what that does not take, the check let pass.
fn added(path: &str, add: impl FnOnce() -> axum::Router) -> Result<axum::Router, String> {
    catch_unwind(AssertUnwindSafe(add)).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or_else(|| panic.downcast_ref::<&str>().copied());
        format!(
            "`{path}` cannot be routed: {}",
            why.unwrap_or("no reason is given")
        )
    })
}

/// What a path allows, as the header of that name tells it.
type Allow = Arc<OnceLock<HeaderValue>>;

/// The methods of one path.
#[derive(Default)]
struct Table {
    allow: Allow,
    routes: Vec<(Method, Endpoint)>,
}

impl Table {
    fn of(&self, method: &Method) -> Option<&Endpoint> {
        let of = |method: &Method| self.routes.iter().find(|(one, _)| one == method);
        let found = of(method).or_else(|| match *method {
            // What answers GET answers HEAD; what sends the answer leaves its content out.
            Method::HEAD => of(&Method::GET),
            _ => None,
        });
        found.map(|(_, endpoint)| endpoint)
    }

    /// The method whose route a request is for: that which a browser asks for beforehand, if it does
    /// (the Fetch standard, CORS-preflight request).
    fn meant(&self, request: &Request) -> Option<&Endpoint> {
        if let Some(endpoint) = self.of(request.method()) {
            return Some(endpoint);
        }
        let headers = request.headers();
        if request.method() != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
            return None;
        }
        let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        self.of(&Method::from_bytes(asked.as_bytes()).ok()?)
    }

    fn tell_allowed(&self) {
        let mut methods: Vec<&str> = self
            .routes
            .iter()
            .map(|(method, _)| method.as_str())
            .collect();
        if methods.contains(&"GET") && !methods.contains(&"HEAD") {
            methods.push("HEAD");
        }
        if !methods.contains(&"OPTIONS") {
            methods.push("OPTIONS");
        }
        // Names of methods are tokens.
        if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
            let _ = self.allow.set(allow);
        }
    }
}

/// Asks the route of the method. A clone is the same: it is cloned with each request, the routes are not.
#[derive(Clone)]
struct ByMethod(Arc<(Arc<Route>, Table)>);

impl Service<Request> for ByMethod {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Oneshot<Endpoint, Request>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The endpoint is chosen, and waited for, with the request.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (route, table) = &*self.0;
        let request = taken(request, route);
        let meant = table.meant(&request).cloned();
        let meant = meant.unwrap_or_else(|| {
            let allow = Arc::clone(&table.allow);
            endpoint(tower::service_fn(move |request: Request| {
                let refusal = refusal(request.method(), &allow);
                std::future::ready(Ok::<_, Infallible>(refusal))
            }))
        });
        meant.oneshot(request)
    }
}

/// Says which methods a path has.
fn refusal(method: &Method, allow: &Allow) -> Response<Body> {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let message = format!("this path does not answer {method}");
        ServiceError::new(ErrorKind::MethodNotAllowed, message)
            .with_code(NO_ROUTE)
            .into_response()
    };
    if let Some(allow) = allow.get() {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// The innermost of a route: it answers its method, in the context of the request.
#[derive(Clone)]
struct Inside {
    inner: Endpoint,
    only: Option<Method>,
    allow: Allow,
}

impl Inside {
    fn answers(&self, method: &Method) -> bool {
        match &self.only {
            None => true,
            Some(only) => only == method || (*only == Method::GET && *method == Method::HEAD),
        }
    }
}

impl Service<Request> for Inside {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Inner;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Inner {
        if !self.answers(request.method()) {
            let refusal = refusal(request.method(), &self.allow);
            return Inner::Refused {
                response: Some(refusal),
            };
        }
        let context = CallContext::read(request.headers(), request.extensions());
        Inner::Asked {
            answering: context.around(self.inner.call(request)),
            allow: Arc::clone(&self.allow),
        }
    }
}

pin_project! {
    /// The answer of a route, on its way.
    #[project = Way]
    enum Inner {
        Asked {
            #[pin]
            answering: TaskLocalFuture<CallContext, <Endpoint as Service<Request>>::Future>,
            allow: Allow,
        },
        Refused { response: Option<Response<Body>> },
    }
}

impl Future for Inner {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Asked { answering, allow } => {
                let Ok(mut response) = ready!(answering.poll(cx));
                // What a handler refuses so says how its path can be asked (RFC 9110, section 15.5.6).
                if response.status() == StatusCode::METHOD_NOT_ALLOWED
                    && let Some(allow) = allow.get()
                {
                    let headers = response.headers_mut();
                    headers.entry(header::ALLOW).or_insert(allow.clone());
                }
                Poll::Ready(Ok(response))
            }
            // A future that has answered is not polled again.
            Way::Refused { response } => response
                .take()
                .map_or(Poll::Pending, |it| Poll::Ready(Ok(it))),
        }
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
