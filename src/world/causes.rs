//! Errors of libraries as one line for people. Knows no error type of ours.

/// An error with its causes, each once: the outermost one alone says hardly more than that there was one.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
