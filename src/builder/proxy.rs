//! The egress proxy to the gateway: the one that was set, or the environment's.

use std::ffi::OsString;

use ::url::Url;

use super::TelenorAuthBuilder;
use crate::{error::ConfigError, gateway::proxy::Proxy};

/// The first one that is set counts, as for curl.
const PROXY: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

impl TelenorAuthBuilder {
    /// Returns the proxy for this gateway. A mock on plain http is on this machine, and has none.
    pub(super) fn proxy(
        &self,
        gateway: &Url,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Proxy>, ConfigError> {
        let given = self.gateway_proxy.as_deref().map(|url| {
            let invalid = |why| ConfigError::InvalidProxy(format!("in gateway_proxy {why}"));
            Proxy::parse(url).map_err(invalid)
        });
        let given = given.transpose()?;
        if gateway.scheme() != "https" || given.is_some() {
            return Ok(given.filter(|_| gateway.scheme() == "https"));
        }
        let Some((variable, value)) = first(&PROXY, &environment) else {
            return Ok(None);
        };
        let exceptions = first(&NO_PROXY, &environment);
        if let Some((variable, list)) = &exceptions
            && self.gateway_proxy_from_env
            && list.to_str().is_none()
        {
            return Err(ConfigError::VariableNotUnicode(variable));
        }
        let exceptions = exceptions.unwrap_or_default().1;
        if is_excepted(gateway, &exceptions.to_string_lossy()) {
            return Ok(None);
        }
        if !self.gateway_proxy_from_env {
            tracing::info!(
                variable,
                "the environment names a proxy, which is ignored: set gateway_proxy_from_env(true) \
                 to use it for the gateway, or gateway_proxy(url)"
            );
            return Ok(None);
        }
        let unreadable = ConfigError::VariableNotUnicode(variable);
        let value = value.to_str().ok_or(unreadable)?.trim();
        let url = match value.contains("://") {
            true => value.to_owned(),
            false => format!("http://{value}"),
        };
        let invalid = |why| ConfigError::InvalidProxy(format!("in {variable} {why}"));
        Proxy::parse(&url).map(Some).map_err(invalid)
    }
}

/// The first variable that is set and not blank.
fn first(
    names: &[&'static str],
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<(&'static str, OsString)> {
    let mut set = names
        .iter()
        .filter_map(|name| Some((*name, environment(name)?)));
    set.find(|(_, value)| !value.to_string_lossy().trim().is_empty())
}

/// Whether the list, as in `NO_PROXY`, names the host of the gateway.
fn is_excepted(gateway: &Url, list: &str) -> bool {
    let host = gateway.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let port = gateway.port_or_known_default();
    list.split([',', ' ']).any(|entry| {
        let entry = entry.trim().to_ascii_lowercase();
        let (name, only) = split_port(&entry);
        let name = name.trim_start_matches("*.").trim_start_matches('.');
        let name = name.trim_end_matches('.');
        let below = host
            .strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'));
        let is_name = name == "*" || (!name.is_empty() && (host == name || below));
        is_name && only.is_none_or(|only| Some(only) == port)
    })
}

/// Splits `name:port`. An IPv6 address has no port without brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (
            address,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    // What follows the first colon of an IPv6 address is no number.
    let split = entry.split_once(':');
    let split = split.and_then(|(name, port)| Some((name, port.parse().ok()?)));
    split.map_or((entry, None), |(name, port)| (name, Some(port)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::layer::TelenorAuthLayer;

    const NOTHING: &[(&str, &str)] = &[];

    fn chosen(
        builder: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
        gateway: &str,
        environment: &[(&str, impl AsRef<OsStr>)],
    ) -> Result<Option<(String, u16)>, ConfigError> {
        let layer = TelenorAuthLayer::builder("id", "secret", "https://shop.example/cb");
        let gateway = Url::parse(gateway).unwrap();
        let proxy = builder(layer).proxy(&gateway, |name| {
            let set = environment.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| value.as_ref().to_owned())
        });
        Ok(proxy?.map(|proxy| proxy.address()))
    }

    const GATEWAY: &str = "https://api.telenor.no";

    fn from_env(environment: &[(&str, &str)]) -> Option<String> {
        let proxy = chosen(
            |layer| layer.gateway_proxy_from_env(true),
            GATEWAY,
            environment,
        );
        proxy.unwrap().map(|(host, _)| host)
    }

    #[test]
    fn environment_is_ignored_unless_asked_for() {
        let environment = [("HTTPS_PROXY", "http://env.example")];
        assert_eq!(chosen(|layer| layer, GATEWAY, &environment), Ok(None));
        assert_eq!(from_env(&environment).as_deref(), Some("env.example"));
        let both = |layer: TelenorAuthBuilder| {
            layer
                .gateway_proxy("http://set.example:3128")
                .gateway_proxy_from_env(true)
        };
        let set = chosen(both, GATEWAY, &[environment[0], ("no_proxy", "*")]);
        assert_eq!(set, Ok(Some(("set.example".to_owned(), 3128))));
    }

    #[test]
    fn variables_are_read_as_curl_reads_them() {
        for (environment, expected) in [
            (
                &[("https_proxy", "http://a"), ("HTTPS_PROXY", "http://b")][..],
                Some("a"),
            ),
            (
                &[("https_proxy", " "), ("HTTPS_PROXY", "b:3128")],
                Some("b"),
            ),
            (&[("HTTPS_PROXY", "https://b")], Some("b")),
            (
                &[("HTTP_PROXY", "http://c"), ("ALL_PROXY", "http://d")],
                None,
            ),
            (&[("HTTPS_PROXY", "")], None),
        ] {
            assert_eq!(
                from_env(environment).as_deref(),
                expected,
                "{environment:?}"
            );
        }
    }

    #[test]
    fn no_proxy_excepts_hosts_and_what_is_below_them() {
        for (list, excepted) in [
            ("api.telenor.no", true),
            ("telenor.no", true),
            (".telenor.no", true),
            ("*.telenor.no", true),
            ("TELENOR.NO.", true),
            ("localhost, telenor.no:443", true),
            ("localhost api.telenor.no", true),
            ("*", true),
            ("telenor.no:8443", false),
            ("nor.no", false),
            ("i.telenor.no", false),
            ("api.telenor.no.example", false),
            ("", false),
            (",", false),
            (".", false),
        ] {
            let set = [("HTTPS_PROXY", "http://a"), ("NO_PROXY", list)];
            assert_eq!(from_env(&set).is_none(), excepted, "{list:?}");
        }
        let six = Url::parse("https://[2001:db8::1]:8443").unwrap();
        assert!(is_excepted(&six, "2001:db8::1") && is_excepted(&six, "[2001:db8::1]:8443"));
        assert!(!is_excepted(&six, "[2001:db8::1]:443"));
        let short = Url::parse("https://[1::2]").unwrap();
        assert!(is_excepted(&short, "1::2") && is_excepted(&short, "[1::2]"));
    }

    #[test]
    fn plain_http_needs_no_proxy() {
        let set = |layer: TelenorAuthBuilder| layer.gateway_proxy("http://set.example");
        assert_eq!(chosen(set, "http://127.0.0.1:9000", NOTHING), Ok(None));
    }

    /// A list that is read in part could send calls past the proxy, or to it.
    #[cfg(unix)]
    #[test]
    fn variable_that_is_not_utf_8_is_an_error_where_it_is_used() {
        use std::os::unix::ffi::OsStrExt;
        let good = OsStr::new("http://a");
        let bad = OsStr::from_bytes(b"internal,caf\xe9.example");
        let asked = |layer: TelenorAuthBuilder| layer.gateway_proxy_from_env(true);
        for name in PROXY.into_iter().chain(NO_PROXY) {
            let environment = match name {
                "https_proxy" | "HTTPS_PROXY" => [(name, bad), ("no_proxy", OsStr::new(""))],
                _ => [("HTTPS_PROXY", good), (name, bad)],
            };
            let error = Err(ConfigError::VariableNotUnicode(name));
            assert_eq!(chosen(asked, GATEWAY, &environment), error);
            assert_eq!(chosen(|layer| layer, GATEWAY, &environment), Ok(None));
        }
        let unused = [("NO_PROXY", bad)];
        assert_eq!(
            chosen(asked, GATEWAY, &unused),
            Ok(None),
            "no proxy to except from"
        );
    }

    #[test]
    fn invalid_proxy_is_an_error_that_does_not_show_it() {
        let socks = |layer: TelenorAuthBuilder| layer.gateway_proxy("socks5://canary:x@proxy");
        let error = chosen(socks, GATEWAY, NOTHING).unwrap_err().to_string();
        assert!(
            error.contains("in gateway_proxy") && error.contains("http://"),
            "{error}"
        );
        assert!(!error.contains("canary"));
        let asked = |layer: TelenorAuthBuilder| layer.gateway_proxy_from_env(true);
        let environment = [("HTTPS_PROXY", "socks5://canary:x@proxy")];
        let error = chosen(asked, GATEWAY, &environment)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("in HTTPS_PROXY") && !error.contains("canary"),
            "{error}"
        );
    }
}
