//! EDN: tokens with their places, and values made of them. Knows nothing of histories.

mod lexer;
mod scalar;
mod value;

pub(crate) use lexer::{Bracket, Lexer, Token};
pub(super) use value::{skip, value};
