//! Who is looking at the page?

use telenor_auth::{TelenorUser, UserInfo};

/// What every page says about the session at its top. Showing the number, even masked, is what
/// lets people notice that they are about to order in someone else's name.
pub(crate) enum Visitor {
    Anonymous,
    SignedIn { masked_number: Option<String> },
}

impl Visitor {
    /// For pages that must open even when the Mobile User API does not answer.
    pub(crate) async fn of(user: Option<TelenorUser>) -> Self {
        let Some(user) = user else {
            return Self::Anonymous;
        };
        match user.info().await {
            Ok(info) => Self::known(&info),
            Err(error) => {
                tracing::warn!(%error, "page shown without the number");
                Self::SignedIn {
                    masked_number: None,
                }
            }
        }
    }

    pub(crate) fn known(info: &UserInfo) -> Self {
        Self::SignedIn {
            masked_number: info.mobile_number().map(ToString::to_string),
        }
    }
}
