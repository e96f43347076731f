//! Measures telenor-auth beside other login and session layers for axum.
//!
//! Each subject guards the same app: `/plain` answers at once, and `/user` reads the access token
//! of the user. Their sessions hold the same: an access token of 40 characters, a scope, a time of
//! expiry. Each is set up as its own documentation says.

pub mod app;
pub mod browser;
pub mod case;
pub mod child;
pub mod facts;
pub mod measure;
pub mod provider;
pub mod report;
pub mod rows;
pub mod subjects;
