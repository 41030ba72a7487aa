//! Ten services in three layers, each of a type of its own, as the peers want them: the first four
//! need nothing, each other one needs three of the layer before it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::names::Svc;

/// A service of a type of its own.
pub(crate) struct Typed<const N: usize>(pub(crate) Svc);

/// What a container by hand is: the types of ten services, and each of them.
pub(crate) type Map = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// Puts ten services into a map by their types.
pub(crate) fn map() -> Map {
    fn put<const N: usize>(map: &mut Map) {
        map.insert(
            TypeId::of::<Typed<N>>(),
            Arc::new(Arc::new(Typed::<N>(Svc::new(N)))),
        );
    }
    let mut map = Map::new();
    put::<0>(&mut map);
    put::<1>(&mut map);
    put::<2>(&mut map);
    put::<3>(&mut map);
    put::<4>(&mut map);
    put::<5>(&mut map);
    put::<6>(&mut map);
    put::<7>(&mut map);
    put::<8>(&mut map);
    put::<9>(&mut map);
    map
}

/// Gives the service of a type.
pub(crate) fn of<const N: usize>(map: &Map) -> Option<&Arc<Typed<N>>> {
    map.get(&TypeId::of::<Typed<N>>())?.downcast_ref()
}

/// The graph as shaku takes it: interfaces and components, wired by the compiler.
#[allow(clippy::struct_field_names, reason = "the macro names them")]
pub(crate) mod shaku {
    use std::sync::Arc;

    use shaku::{Component, Interface, module};

    use crate::names::Svc;

    macro_rules! components {
        ($($service:ident: $interface:ident($at:literal) needs $($need:ident: $of:ident),*;)*) => {$(
            pub(crate) trait $interface: Interface {
                #[allow(dead_code, reason = "one of the ten is asked")]
                fn id(&self) -> u64;
            }

            #[derive(Component)]
            #[shaku(interface = $interface)]
            pub(crate) struct $service {
                $(
                    #[shaku(inject)]
                    #[allow(dead_code, reason = "a need is there to be held")]
                    $need: Arc<dyn $of>,
                )*
                #[shaku(default = Svc::new($at))]
                svc: Svc,
            }

            impl $interface for $service {
                fn id(&self) -> u64 {
                    self.svc.id
                }
            }
        )*};
    }

    components! {
        S0: T0(0) needs;
        S1: T1(1) needs;
        S2: T2(2) needs;
        S3: T3(3) needs;
        S4: T4(4) needs a: T0, b: T1, c: T2;
        S5: T5(5) needs a: T1, b: T2, c: T3;
        S6: T6(6) needs a: T2, b: T3, c: T0;
        S7: T7(7) needs a: T3, b: T0, c: T1;
        S8: T8(8) needs a: T4, b: T5, c: T6;
        S9: T9(9) needs a: T5, b: T6, c: T7;
    }

    module! {
        pub(crate) Ten {
            components = [S0, S1, S2, S3, S4, S5, S6, S7, S8, S9],
            providers = []
        }
    }
}

/// The graph as dill takes it: components whose needs it finds by their types when it is asked.
pub(crate) mod dill {
    use std::sync::Arc;

    use crate::names::Svc;

    macro_rules! components {
        ($($service:ident($at:literal) needs $($need:ident: $of:ident),*;)*) => {$(
            pub(crate) struct $service {
                $(
                    #[allow(dead_code, reason = "a need is there to be held")]
                    $need: Arc<$of>,
                )*
                #[allow(dead_code, reason = "one of the ten is asked")]
                pub(crate) svc: Svc,
            }

            #[dill::component(pub(crate))]
            #[dill::scope(dill::Singleton)]
            impl $service {
                pub(crate) fn new($($need: Arc<$of>),*) -> Self {
                    Self { $($need,)* svc: Svc::new($at) }
                }
            }
        )*};
    }

    components! {
        S0(0) needs;
        S1(1) needs;
        S2(2) needs;
        S3(3) needs;
        S4(4) needs a: S0, b: S1, c: S2;
        S5(5) needs a: S1, b: S2, c: S3;
        S6(6) needs a: S2, b: S3, c: S0;
        S7(7) needs a: S3, b: S0, c: S1;
        S8(8) needs a: S4, b: S5, c: S6;
        S9(9) needs a: S5, b: S6, c: S7;
    }

    /// Declares the ten.
    pub(crate) fn declared() -> dill::CatalogBuilder {
        let mut catalog = dill::Catalog::builder();
        catalog.add::<S0>();
        catalog.add::<S1>();
        catalog.add::<S2>();
        catalog.add::<S3>();
        catalog.add::<S4>();
        catalog.add::<S5>();
        catalog.add::<S6>();
        catalog.add::<S7>();
        catalog.add::<S8>();
        catalog.add::<S9>();
        catalog
    }

    /// Builds all ten: the last layer, and the one that nothing of it needs.
    pub(crate) fn all(catalog: &dill::Catalog) {
        std::hint::black_box((
            catalog.get_one::<S8>().is_ok(),
            catalog.get_one::<S9>().is_ok(),
        ));
    }
}

/// The graph as froodi takes it: functions, whose needs are their parameters.
pub(crate) mod froodi {
    use std::sync::Arc;

    use froodi::{Container, DefaultScope::App, Inject, InstantiateErrorKind, registry};

    use crate::names::Svc;

    macro_rules! services {
        ($($service:ident $make:ident($at:literal) needs $($need:ident: $of:ident),*;)*) => {$(
            #[derive(Debug)]
            pub(crate) struct $service {
                $(
                    #[allow(dead_code, reason = "a need is there to be held")]
                    $need: Arc<$of>,
                )*
                #[allow(dead_code, reason = "one of the ten is asked")]
                pub(crate) svc: Svc,
            }

            #[allow(clippy::unnecessary_wraps, reason = "what a factory returns there")]
            fn $make($(Inject($need): Inject<$of>),*) -> Result<$service, InstantiateErrorKind> {
                Ok($service { $($need,)* svc: Svc::new($at) })
            }
        )*};
    }

    services! {
        S0 s0(0) needs;
        S1 s1(1) needs;
        S2 s2(2) needs;
        S3 s3(3) needs;
        S4 s4(4) needs a: S0, b: S1, c: S2;
        S5 s5(5) needs a: S1, b: S2, c: S3;
        S6 s6(6) needs a: S2, b: S3, c: S0;
        S7 s7(7) needs a: S3, b: S0, c: S1;
        S8 s8(8) needs a: S4, b: S5, c: S6;
        S9 s9(9) needs a: S5, b: S6, c: S7;
    }

    /// Declares the ten, and checks them, which the container does when it is made.
    pub(crate) fn declared() -> Container {
        Container::new(registry! {
            provide(App, s0),
            provide(App, s1),
            provide(App, s2),
            provide(App, s3),
            provide(App, s4),
            provide(App, s5),
            provide(App, s6),
            provide(App, s7),
            provide(App, s8),
            provide(App, s9),
        })
    }

    /// Builds all ten.
    pub(crate) fn all(container: &Container) {
        std::hint::black_box((container.get::<S8>().is_ok(), container.get::<S9>().is_ok()));
    }
}
