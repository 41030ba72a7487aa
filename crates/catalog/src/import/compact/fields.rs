//! The fields of each kind of line, in the order in which they stand.

macro_rules! fields {
    ($name:ident { $($field:ident = $text:literal,)* }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum $name {
            $($field,)*
        }

        impl $name {
            pub(super) const ALL: &[(&str, Self)] = &[$(($text, Self::$field),)*];

            pub(super) fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(text, _)| *text == name).map(|(_, field)| *field)
            }
        }
    };
}

fields! {
    ProviderField {
        Name = "name",
        Doc = "doc",
        Api = "api",
        Env = "env",
    }
}

fields! {
    OfferingField {
        Name = "name",
        Family = "family",
        Mode = "mode",
        Status = "status",
        Context = "context",
        Input = "input",
        Output = "output",
        Takes = "takes",
        Gives = "gives",
        Can = "can",
        Release = "release",
        Updated = "updated",
        Knowledge = "knowledge",
        Listed = "listed",
        Deprecation = "deprecation",
        Price = "price",
    }
}
