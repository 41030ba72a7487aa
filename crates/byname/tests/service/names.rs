//! Names, and who says them: what several tests publish and ask for.

use std::sync::Arc;

use byname::{App, BoxError, Registrar, ServiceError, need, value};

#[byname::service]
pub(crate) trait Names {
    /// Finds a name.
    async fn get_name(&self, id: String) -> Result<String, ServiceError>;
}

/// Says who it is, so that a test sees who was asked.
struct Named(String);

#[byname::service]
impl Names for Named {
    async fn get_name(&self, id: String) -> Result<String, ServiceError> {
        Ok(format!("{id} by {}", self.0))
    }
}

/// Something that needs names.
pub(crate) struct Asking(pub(crate) Arc<dyn Names>);

/// One server of a file whose names are said by the value `by`.
pub(crate) fn app(file: &str, server: &str) -> App {
    App::from_text(file)
        .server(server)
        .register(|registrar: &mut Registrar<'_>| {
            registrar.interface::<dyn Names>();
            registrar.factory("names", (value("by"),), |(): (), by| async {
                let names: Arc<dyn Names> = Arc::new(Named(by));
                Ok::<_, BoxError>(names)
            });
            registrar.factory("asking", (need("names"),), |(): (), names| async {
                Ok::<_, BoxError>(Arc::new(Asking(names)))
            });
        })
}
