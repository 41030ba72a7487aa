//! A trait that is described by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use byname_components::service::{
    Answering, Arguments, Convention, Interface, Method, Overrides, Plan, plan,
};
use byname_components::{Problems, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) trait Things: Send + Sync {}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Thing {
    name: String,
}

/// A method without arguments, which is described and not called.
pub(crate) fn method(name: &'static str) -> Method {
    let call = |_: Arc<dyn Things>, _: Arguments| -> Answering<_> {
        Box::pin(async { Ok::<(), ServiceError>(()) })
    };
    Method::new::<dyn Things, ()>(name, call)
}

/// `get_order(id: u64)`, say.
pub(crate) fn with_id(name: &'static str) -> Method {
    method(name).argument::<u64>("id")
}

pub(crate) fn interface(methods: impl IntoIterator<Item = Method>) -> Arc<Interface> {
    let client = |_| -> Arc<dyn Things> {
        struct None;
        impl Things for None {}
        Arc::new(None)
    };
    let interface = Interface::new::<dyn Things>("Orders", client);
    Arc::new(methods.into_iter().fold(interface, Interface::method))
}

pub(crate) fn planned(
    methods: impl IntoIterator<Item = Method>,
    convention: &dyn Convention,
    overrides: &Overrides,
) -> Result<Plan, Problems> {
    plan(&interface(methods), convention, "given", overrides)
}

/// The routes, by method.
pub(crate) fn routes(plan: &Plan) -> BTreeMap<&'static str, String> {
    let routes = plan.routes();
    routes
        .map(|(name, verb, path)| (name, format!("{verb} {path}")))
        .collect()
}

/// The route of one method.
pub(crate) fn route(method: Method, convention: &dyn Convention) -> Result<String, String> {
    let plan = planned([method], convention, &Overrides::default());
    let plan = plan.map_err(|problems| problems.to_string())?;
    routes(&plan).into_values().next().ok_or_else(String::new)
}

/// The messages of what is wrong.
pub(crate) fn messages(problems: Result<Plan, Problems>) -> Vec<String> {
    let problems = problems.expect_err("problems");
    let messages = problems.iter().map(|problem| problem.message().to_owned());
    messages.collect()
}
