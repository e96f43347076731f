//! The test kit: logins without a browser, and test users without a gateway.

mod browser;
mod headless;
mod offline;
mod sign_in;
mod signed_in_layer;
mod test_user;

pub use self::{
    sign_in::SignedIn,
    signed_in_layer::{SignedInLayer, SignedInService},
    test_user::TestUser,
};
