//! The visitor, as every page shows them.

use telenor_auth::{TelenorUser, UserInfo};

/// The session, as shown at the top of every page. The masked number lets users notice that they
/// are about to order in another person's name.
pub(crate) enum Visitor {
    Anonymous,
    SignedIn { masked_number: Option<String> },
}

impl Visitor {
    /// For pages that must open even when the Mobile User API fails.
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
