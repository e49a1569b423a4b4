//! Enums with explicit numbers that later versions may extend.

/// An enum of named numbers and `Other` for the rest, so that a number of a later version is kept
/// and never an error.
macro_rules! open_codes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $repr:ty { $( $(#[$doc:meta])* $variant:ident = $number:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$doc])* $variant, )+
            /// A number that this version does not know.
            Other($repr),
        }

        impl $name {
            /// All that have a name, in ascending order of number.
            pub const NAMED: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            pub const fn code(self) -> $repr {
                match self {
                    $( Self::$variant => $number, )+
                    Self::Other(code) => code,
                }
            }

            /// What the number stands for.
            pub const fn from_code(code: $repr) -> Self {
                match code {
                    $( $number => Self::$variant, )+
                    other => Self::Other(other),
                }
            }
        }
    };
}

pub(crate) use open_codes;
