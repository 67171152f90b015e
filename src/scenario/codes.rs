//! The codes of diagnostics. Stable: a code keeps its meaning for ever, and a new meaning gets a new number.
//!
//! | code | meaning |
//! |---|---|
//! | E0001 | the text is not TOML |
//! | E0002 | a key that nobody reads |
//! | E0003 | a value of another type |
//! | E0004 | a required key is missing |
//! | E0005 | not a duration |
//! | E0006 | not a percentage or a count |
//! | E0007 | a word that is none of the choices (`kind`, `pick`, phases, …) |
//! | E0008 | a number or duration outside its range |
//! | E0009 | not a name |
//! | E0010 | not a workload |
//! | E0011 | an empty or malformed selector or label |
//! | E0012 | not a Service port, a port or an address |
//! | E0013 | two keys or settings that exclude each other |
//! | E0014 | none of several keys, one of which is needed |
//! | E0015 | the same name twice |
//! | E0016 | timing of a fault: `every`, `times` and `hold` do not fit together |
//! | E0017 | objectives that contradict each other |
//! | E0018 | an objective for which nothing is measured |
//! | E0019 | not a bound |
//! | E0020 | not a quantity |
//! | E0021 | not a taint |
//! | E0022 | a node or zone that the embedded cluster does not have |
//! | E0023 | nothing is injected |
//! | E0024 | not a request |
//! | E0025 | a key that has no effect here |
//! | E0026 | a manifest that is not there |
//! | E0027 | a manifest that is not YAML |
//! | E0028 | a manifest that is not a Kubernetes object |
//! | E0029 | a workload that the store cannot run, or a claim that the workload cannot test |
//! | E0030 | a manifest that leaves the target's namespace without leave |
//! | E0031 | a kind that no supported cluster serves under this version |
//! | E0032 | an object that the API server refuses |
//! | E0033 | what the scenario names is not in its fixture |
//! | E0034 | an annotation that the embedded cluster does not know |

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What kind of mistake a diagnostic is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    /// The text is not TOML.
    Syntax = 1,
    /// A key that nobody reads.
    UnknownKey = 2,
    /// A value of another type.
    WrongType = 3,
    /// A required key is missing.
    MissingKey = 4,
    /// Not a duration.
    Duration = 5,
    /// Not a percentage or a count.
    Share = 6,
    /// A word that is none of the choices.
    UnknownWord = 7,
    /// Outside its range.
    Range = 8,
    /// Not a name.
    Name = 9,
    /// Not a workload.
    Workload = 10,
    /// An empty or malformed selector or label.
    Selector = 11,
    /// Not a Service port, a port or an address.
    Port = 12,
    /// Settings that exclude each other.
    Conflict = 13,
    /// None of several keys, one of which is needed.
    OneOf = 14,
    /// The same name twice.
    Duplicate = 15,
    /// `every`, `times` and `hold` do not fit together.
    Timing = 16,
    /// Objectives that contradict each other.
    Contradiction = 17,
    /// An objective for which nothing is measured.
    Unmeasured = 18,
    /// Not a bound.
    Bound = 19,
    /// Not a quantity.
    Quantity = 20,
    /// Not a taint.
    Taint = 21,
    /// A node or zone that the embedded cluster does not have.
    UnknownPlace = 22,
    /// Nothing is injected.
    NoFault = 23,
    /// Not a request.
    Request = 24,
    /// A key that has no effect here.
    NoEffect = 25,
    /// A manifest that is not there.
    MissingManifest = 26,
    /// A manifest that is not YAML.
    Yaml = 27,
    /// A manifest that is not a Kubernetes object.
    NotAnObject = 28,
    /// A workload that the store cannot run, or a claim that the workload cannot test.
    Capability = 29,
    /// A manifest that leaves the target's namespace without leave.
    LeavesNamespace = 30,
    /// A kind that no supported cluster serves under this version.
    NotServed = 31,
    /// An object that the API server refuses.
    Refused = 32,
    /// What the scenario names is not in its fixture.
    NotInFixture = 33,
    /// An annotation that the embedded cluster does not know.
    EmbeddedAnnotation = 34,
}

impl Code {
    /// Whether it is about something that was not found, which in a file with syntax errors may have been lost with them.
    pub(super) const fn is_about_absence(self) -> bool {
        matches!(self, Self::MissingKey | Self::OneOf | Self::Unmeasured | Self::NoFault | Self::Timing)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", *self as u16)
    }
}
