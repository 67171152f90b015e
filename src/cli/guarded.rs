//! A defect of Driftproof in one scenario must not cost the others their reports: a panic becomes that scenario's error.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use super::print;

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Lets every panic be told in one line, with a backtrace when `RUST_BACKTRACE` asks for it.
pub(super) fn tell_panics() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        print::tell(&format!("defect: panicked at {place}: {}", message(info.payload())));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            print::tell(&trace.to_string());
        }
        PLACE.with(|last| last.replace(place));
    }));
}

/// Does something.
///
/// # Errors
/// When it panicked: where, and what it said.
pub(super) fn guarded<T>(part: impl FnOnce() -> T) -> Result<T, String> {
    // What the part held is dropped with it; nothing of it is looked at again.
    panic::catch_unwind(AssertUnwindSafe(part)).map_err(|payload| {
        let place = PLACE.with(RefCell::take);
        let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
        format!("driftproof itself panicked{at}: {}; please report this defect", message(&*payload))
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(guarded(|| 7), Ok(7));
        let told = guarded(|| panic!("worker {} is gone", 3)).expect_err("panicked");
        assert!(told.contains("worker 3 is gone") && told.contains("report this defect"), "{told}");
    }
}
