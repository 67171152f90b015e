//! Independent.
