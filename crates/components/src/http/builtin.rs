//! What every application may name without a module that brings it.

use std::sync::Arc;

use super::{Mounted, admin, files, middleware};
use crate::config::Checked;
use crate::context::Context;
use crate::made::BoxError;
use crate::need::context;
use crate::registrar::Registrar;
use crate::service::{Rest, Rpc};

/// Registers the middleware, the kinds of routes and the conventions that come with this crate.
pub(crate) fn module(registrar: &mut Registrar<'_>) {
    middleware::module(registrar);
    registrar.route_kind(
        "files",
        (),
        |Checked(settings): Checked<files::Settings>| async {
            let files = files::serve(settings).await?;
            Ok::<_, BoxError>(Arc::new(Mounted::new(files)))
        },
    );
    let needs = (context(),);
    registrar.guarded_route_kind(
        "admin",
        needs,
        |Checked(settings): Checked<admin::Settings>, context: Context| async {
            let admin = admin::admin(settings, context)?;
            Ok::<_, BoxError>(Arc::new(Mounted::new(admin.router())))
        },
    );
    registrar.route_kind(
        "health",
        (context(),),
        |_: admin::HealthSettings, context: Context| async move {
            Ok::<_, BoxError>(Arc::new(Mounted::new(admin::probes(&context))))
        },
    );
    registrar.guarded_route_kind(
        "metrics",
        (context(),),
        |Checked(settings): Checked<admin::MetricsSettings>, context: Context| async {
            let measurements = admin::measurements(settings, context);
            Ok::<_, BoxError>(Arc::new(Mounted::new(measurements)))
        },
    );
    registrar.convention("rest", Rest);
    registrar.convention("rpc", Rpc);
}
