//! The endpoints of the gateway, of which Telenor may have moved one.

use std::{collections::BTreeMap, ffi::OsString};

use lexopt::Error;
use telenor_auth::{Endpoints as LayerEndpoints, TelenorAuthBuilder};

use crate::options::or_variable;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Authorization,
    Token,
    Logout,
    UserInfo,
    DeviceInfo,
}

impl Endpoint {
    const ALL: [Self; 5] = [
        Self::Authorization,
        Self::Token,
        Self::Logout,
        Self::UserInfo,
        Self::DeviceInfo,
    ];

    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Authorization => "--authorization-endpoint",
            Self::Token => "--token-endpoint",
            Self::Logout => "--logout-endpoint",
            Self::UserInfo => "--user-info-endpoint",
            Self::DeviceInfo => "--device-info-endpoint",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Authorization => "TELENOR_AUTHORIZATION_ENDPOINT",
            Self::Token => "TELENOR_TOKEN_ENDPOINT",
            Self::Logout => "TELENOR_LOGOUT_ENDPOINT",
            Self::UserInfo => "TELENOR_USER_INFO_ENDPOINT",
            Self::DeviceInfo => "TELENOR_DEVICE_INFO_ENDPOINT",
        }
    }

    const fn documented(self) -> &'static str {
        match self {
            Self::Authorization => "/oauth/v2/authorize",
            Self::Token => "/oauth/v2/token",
            Self::Logout => "/oauth/v2/logout",
            Self::UserInfo => "/user-info/v1/users",
            Self::DeviceInfo => "/mobile-device-info/v1/device",
        }
    }

    /// The settings of the endpoint that the library gives this name.
    pub(crate) fn settings(name: &str) -> Option<String> {
        let option = format!("--{}-endpoint", name.replace(' ', "-"));
        let endpoint = Self::ALL.into_iter().find(|all| all.option() == option)?;
        Some(format!("{option} or {}", endpoint.variable()))
    }
}

/// The endpoints that are set. The others are at Telenor's documented paths.
#[derive(Debug, Default)]
pub(crate) struct Endpoints(BTreeMap<Endpoint, String>);

impl Endpoints {
    pub(crate) fn set(&mut self, endpoint: Endpoint, place: String) {
        self.0.insert(endpoint, place);
    }

    /// A path on the gateway, or a full URL.
    pub(crate) fn get(&self, endpoint: Endpoint) -> &str {
        let set = self.0.get(&endpoint).map(String::as_str);
        set.unwrap_or(endpoint.documented())
    }

    /// One that is set.
    pub(crate) fn any(&self) -> Option<Endpoint> {
        self.0.keys().next().copied()
    }

    /// Takes what is not given from the environment.
    pub(crate) fn or_environment(
        mut self,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        for endpoint in Endpoint::ALL {
            let given = self.0.remove(&endpoint);
            if let Some(place) = or_variable(given, variable, endpoint.variable())? {
                self.set(endpoint, place);
            }
        }
        Ok(self)
    }

    pub(crate) fn add_to(&self, layer: TelenorAuthBuilder) -> TelenorAuthBuilder {
        layer.endpoints(self.of_layer())
    }

    fn of_layer(&self) -> LayerEndpoints {
        LayerEndpoints::new()
            .with_authorization(self.get(Endpoint::Authorization))
            .with_token(self.get(Endpoint::Token))
            .with_logout(self.get(Endpoint::Logout))
            .with_user_info(self.get(Endpoint::UserInfo))
            .with_device_info(self.get(Endpoint::DeviceInfo))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_is_the_option_or_the_variable_or_the_documented_one() {
        for endpoint in Endpoint::ALL {
            let variable = |name: &str| (name == endpoint.variable()).then(|| "/variable".into());
            let mut given = Endpoints::default();
            assert_eq!(given.get(endpoint), endpoint.documented());
            let read = Endpoints::default().or_environment(&variable).unwrap();
            assert_eq!(read.get(endpoint), "/variable");
            assert_eq!(read.any(), Some(endpoint));
            given.set(endpoint, "/option".to_owned());
            let read = given.or_environment(&variable).unwrap();
            assert_eq!(read.get(endpoint), "/option");
        }
    }

    #[test]
    fn documented_endpoints_are_those_of_the_layer() {
        assert_eq!(Endpoints::default().of_layer(), LayerEndpoints::new());
    }
}
