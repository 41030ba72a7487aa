//! What one route takes and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;

use super::{Describe, DescribeAnswer};
use crate::http::bind::{Check, Checked, Checks, Schema};
use crate::service_error::{ErrorKind, FieldPlace};

/// What one route takes and answers, and what is said about it.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    pub(super) id: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) deprecated: bool,
    pub(super) hidden: bool,
    /// One of these is enough.
    pub(super) security: Vec<Security>,
    /// Each of these is asked for besides.
    pub(super) guards: BTreeSet<Security>,
    pub(super) parameters: Vec<Parameter>,
    /// The parameters of the path that are taken in their order, whatever their names.
    pub(super) positions: Option<Vec<Parameter>>,
    pub(super) body: Option<Body>,
    /// By status, a range of them (`2XX`) or `default`.
    pub(super) answers: BTreeMap<String, Answer>,
    /// The kinds of errors that it is known to answer with.
    pub(super) refusals: BTreeSet<ErrorKind>,
    /// Whether it may answer with errors of any kind.
    pub(super) fails: bool,
    checks: Arc<Checks>,
    faults: Vec<String>,
}

/// How whoever asks shows who they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Security {
    /// A bearer token (RFC 6750).
    Bearer,
    /// A name and a password (RFC 7617).
    Basic,
    /// A key in the header field of this name.
    Key(String),
}

/// A parameter of a request.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) place: FieldPlace,
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
}

/// The content of a request.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) content_type: String,
    pub(super) required: bool,
    pub(super) schema: Option<Schema>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) description: String,
    /// By content type.
    pub(super) contents: BTreeMap<String, Option<Schema>>,
    /// By name, in lower case.
    pub(super) headers: BTreeMap<String, Header>,
}

/// A header field of an answer.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) description: String,
    pub(super) required: bool,
    pub(super) schema: Schema,
}

impl Operation {
    /// Names the operation for programs. Without this it is named after its method and path.
    pub fn id(&mut self, id: impl Into<String>) -> &mut Self {
        self.id = Some(id.into());
        self
    }

    /// Says in a few words what it does.
    pub fn summary(&mut self, summary: impl Into<String>) -> &mut Self {
        self.summary = Some(summary.into());
        self
    }

    /// Says at length what it does, in `CommonMark`.
    pub fn description(&mut self, description: impl Into<String>) -> &mut Self {
        self.description = Some(description.into());
        self
    }

    /// Puts it into a group, beside those it is in.
    pub fn tag(&mut self, tag: impl Into<String>) -> &mut Self {
        self.tags.push(tag.into());
        self
    }

    /// Says that it should not be used any more.
    pub fn deprecated(&mut self) -> &mut Self {
        self.deprecated = true;
        self
    }

    /// Keeps it out of the document. It is routed all the same.
    pub fn hidden(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }

    /// Says how whoever asks shows who they are, beside other ways that were said. It checks nothing: a
    /// middleware does.
    pub fn security(&mut self, security: Security) -> &mut Self {
        self.security.push(security);
        self
    }

    /// Says what whoever asks has to show in any case: of each of these, and of [one of the
    /// others](Self::security) if any were said. It checks nothing: a middleware that does [says
    /// so](crate::Registrar::describe_middleware).
    pub fn guarded_by(&mut self, security: Security) -> &mut Self {
        self.guards.insert(security);
        self.refuses(ErrorKind::Unauthenticated)
    }

    /// Adds what an extractor takes, as if the handler had it as an argument.
    pub fn takes<D: Describe>(&mut self) -> &mut Self {
        D::describe(self);
        self
    }

    /// Adds what an answer is, as if the handler returned it.
    pub fn gives<A: DescribeAnswer>(&mut self) -> &mut Self {
        A::describe(self);
        self
    }

    /// Says what the content of the request is, and whether there must be one.
    pub fn body<T: JsonSchema>(&mut self, content_type: &str, required: bool) -> &mut Self {
        self.set_body(content_type, required, Some(Schema::read::<T>()))
    }

    /// Adds an answer without content; `status` is one (`204`), a range (`2XX`) or `default`. Answers of
    /// one status are one, with the description that was said first.
    pub fn answer(&mut self, status: &str, description: &str) -> &mut Self {
        self.entry(status, description);
        self
    }

    /// Adds an answer with content of the type `T`.
    pub fn answer_with<T: JsonSchema>(
        &mut self,
        status: &str,
        description: &str,
        content_type: &str,
    ) -> &mut Self {
        let schema = Schema::written::<T>();
        self.set_answer(status, description, content_type, Some(schema))
    }

    /// Adds a header field of the type `T` to an answer, which is described by then; whether every such
    /// answer has it is said by `required`.
    pub fn answer_header<T: JsonSchema>(
        &mut self,
        status: &str,
        name: &str,
        description: &str,
        required: bool,
    ) -> &mut Self {
        let header = Header {
            description: description.to_owned(),
            required,
            schema: Schema::written::<T>(),
        };
        let answer = self.entry(status, "An answer");
        answer.headers.insert(name.to_lowercase(), header);
        self
    }

    /// Says that it may refuse with an error of this kind, as problem details (RFC 9457).
    pub fn refuses(&mut self, kind: ErrorKind) -> &mut Self {
        self.refusals.insert(kind);
        self
    }

    /// Whether it is kept out of the document.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    pub(crate) fn set_body(
        &mut self,
        content_type: &str,
        required: bool,
        schema: Option<Schema>,
    ) -> &mut Self {
        self.body = Some(Body {
            content_type: content_type.to_owned(),
            required,
            schema,
        });
        self
    }

    pub(crate) fn set_answer(
        &mut self,
        status: &str,
        description: &str,
        content_type: &str,
        schema: Option<Schema>,
    ) -> &mut Self {
        let answer = self.entry(status, description);
        answer.contents.insert(content_type.to_owned(), schema);
        self
    }

    /// Says that content, if any was described, need not be there.
    pub(super) fn body_is_optional(&mut self) {
        if let Some(body) = &mut self.body {
            body.required = false;
        }
    }

    /// Takes over what another answers when all is well, under another status.
    pub(super) fn take_answers(&mut self, other: Self, status: &str) {
        for (_, answer) in other.answers {
            let entry = self.entry(status, &answer.description);
            entry.contents.extend(answer.contents);
            entry.headers.extend(answer.headers);
        }
    }

    /// Says that it may answer with problem details of any status.
    pub(crate) fn may_fail(&mut self) {
        self.fails = true;
    }

    fn entry(&mut self, status: &str, description: &str) -> &mut Answer {
        let answer = self.answers.entry(status.to_owned());
        answer.or_insert_with(|| Answer {
            description: description.to_owned(),
            ..Answer::default()
        })
    }

    pub(crate) fn push_parameter(&mut self, parameter: Parameter) {
        self.parameters.push(parameter);
    }

    pub(crate) fn set_positions(&mut self, positions: Vec<Parameter>) {
        self.positions = Some(positions);
    }

    /// Compiles the check of an extractor of this route, or keeps why that cannot be.
    pub(crate) fn check<E: Checked>(&mut self) -> Option<Arc<Check>> {
        match self.checks.of::<E>() {
            Ok(check) => Some(Arc::clone(check)),
            Err(fault) => {
                self.faults.push(fault.to_string());
                None
            }
        }
    }

    /// What is compiled for the route.
    pub(crate) fn checks(&self) -> &Arc<Checks> {
        &self.checks
    }

    /// What is wrong with it, on a route whose path has parameters of these names.
    pub(crate) fn faults(&self, names: &[&str]) -> Vec<String> {
        let mut faults = self.faults.clone();
        for parameter in &self.parameters {
            let name = &*parameter.name;
            if parameter.place == FieldPlace::Path && parameter.required && !names.contains(&name) {
                faults.push(format!(
                    "its handler takes the parameter `{name}`, which the path does not have{}",
                    byname_registry::suggestion(&nearest(name, names))
                ));
            }
        }
        if let Some(positions) = &self.positions
            && positions.len() != names.len()
        {
            faults.push(format!(
                "its handler takes {} of the path's {} parameters by their order; it takes all or \
                 names them",
                positions.len(),
                names.len()
            ));
        }
        faults
    }
}

fn nearest(name: &str, names: &[&str]) -> Vec<String> {
    byname_registry::nearest(names.iter(), name)
}
