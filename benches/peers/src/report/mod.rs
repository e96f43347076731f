//! Makes the tables and charts of `docs/performance.md` from the figures.

pub mod bars;
pub mod figures;
pub mod growth;
pub mod lines;
pub mod machine;
pub mod page;
mod svg;
pub mod tables;
