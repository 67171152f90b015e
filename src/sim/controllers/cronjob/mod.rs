//! `CronJob`s: a Job each time that the schedule says, as far as the Jobs before allow it, and the end of old ones.
//! Never looks at pods: that is for `job`.

mod make;
mod schedule;
mod sync;
#[cfg(test)]
mod tests;

pub(super) use sync::sync;
