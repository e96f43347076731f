//! The settings that differ between machines, from the environment.

use std::{env::VarError, fs};

use crate::{
    browser::start_script::StartScript,
    builder::TelenorAuthBuilder,
    error::{CLIENT_ID, ConfigError},
    gateway::endpoints::Endpoints,
    key::CookieKeys,
    layer::TelenorAuthLayer,
};

const ENDPOINTS: [&str; 5] = [
    "TELENOR_AUTHORIZATION_ENDPOINT",
    "TELENOR_TOKEN_ENDPOINT",
    "TELENOR_LOGOUT_ENDPOINT",
    "TELENOR_USER_INFO_ENDPOINT",
    "TELENOR_DEVICE_INFO_ENDPOINT",
];
const HTTP_START: &str = "TELENOR_HTTP_START";
const SCRIPT_FILE: &str = "TELENOR_START_SCRIPT_FILE";
const SCRIPT_URL: &str = "TELENOR_START_SCRIPT_URL";
const SCRIPT_CONNECT: &str = "TELENOR_START_SCRIPT_CONNECT";
#[cfg(feature = "mock")]
const ALLOW_PLAIN_HTTP: &str = "TELENOR_DANGEROUS_ALLOW_PLAIN_HTTP";
const KEYS: &str = "TELENOR_COOKIE_KEYS";
const KEYS_FILE: &str = "TELENOR_COOKIE_KEYS_FILE";

impl TelenorAuthLayer {
    /// Returns a builder with the settings that the environment holds.
    ///
    /// | variable | setting |
    /// | --- | --- |
    /// | `TELENOR_CLIENT_ID` | client id, required |
    /// | `TELENOR_CLIENT_SECRET` | client secret, required |
    /// | `TELENOR_REDIRECT_URI` | redirect URI, required |
    /// | `TELENOR_GATEWAY` | [`gateway`](TelenorAuthBuilder::gateway) |
    /// | `TELENOR_DANGEROUS_ALLOW_PLAIN_HTTP` | `dangerous_allow_plain_http`: `true` or `false`; not read without the feature `mock` |
    /// | `TELENOR_AUTHORIZATION_ENDPOINT` | [`Endpoints::with_authorization`] |
    /// | `TELENOR_TOKEN_ENDPOINT` | [`Endpoints::with_token`] |
    /// | `TELENOR_LOGOUT_ENDPOINT` | [`Endpoints::with_logout`] |
    /// | `TELENOR_USER_INFO_ENDPOINT` | [`Endpoints::with_user_info`] |
    /// | `TELENOR_DEVICE_INFO_ENDPOINT` | [`Endpoints::with_device_info`] |
    /// | `TELENOR_SCOPE` | [`scope`](TelenorAuthBuilder::scope) |
    /// | `TELENOR_HTTP_START` | [`http_start`](TelenorAuthBuilder::http_start) |
    /// | `TELENOR_START_SCRIPT_FILE` | [`start_script`](TelenorAuthBuilder::start_script), with the text of this file |
    /// | `TELENOR_START_SCRIPT_URL` | the same, loaded from this URL; set one of the two |
    /// | `TELENOR_START_SCRIPT_CONNECT` | [`StartScript::connect`], origins separated by commas or blanks |
    /// | `TELENOR_COOKIE_KEYS` | [`cookie_keys`](TelenorAuthBuilder::cookie_keys), by [`CookieKeys::from_env`] |
    /// | `TELENOR_COOKIE_KEYS_FILE` | the same, by [`CookieKeys::from_file`]; set one of the two |
    ///
    /// A variable that is empty or blank counts as not set. Without an app at Telenor, the program
    /// `mock_gateway` of this crate is a gateway, and prints the variables to set:
    ///
    /// ```sh
    /// cargo install telenor-auth --example mock_gateway --features mock
    /// mock_gateway
    /// ```
    ///
    /// The keys can follow their source, and can be shared with a store:
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use telenor_auth::{ConfigError, TelenorAuthLayer};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), ConfigError> {
    /// let auth = TelenorAuthLayer::from_env()?.optional(true);
    /// if let Some(keys) = auth.get_cookie_keys() {
    ///     tokio::spawn(keys.follow(Duration::from_secs(10)));
    /// }
    /// let auth = auth.build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::MissingVariable`], whose text for the client id says how to begin without
    /// one, [`ConfigError::VariableNotUnicode`], [`ConfigError::VariableNotBool`],
    /// [`ConfigError::ConflictingVariables`], [`ConfigError::InvalidStartScript`] for a file that
    /// cannot be read, and the errors of [`CookieKeys::from_file`].
    pub fn from_env() -> Result<TelenorAuthBuilder, ConfigError> {
        from(std::env::var)
    }
}

fn from(
    read: impl Fn(&'static str) -> Result<String, VarError> + Send + 'static,
) -> Result<TelenorAuthBuilder, ConfigError> {
    let read = move |name: &'static str| match read(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        // Its value must not count as missing: production would take the place of a test gateway,
        // and a random key that of a shared one.
        Err(VarError::NotUnicode(_)) => Err(ConfigError::VariableNotUnicode(name)),
    };
    let needed = |name: &'static str| read(name)?.ok_or(ConfigError::MissingVariable(name));
    let mut builder = TelenorAuthLayer::builder(
        needed(CLIENT_ID)?,
        needed("TELENOR_CLIENT_SECRET")?,
        needed("TELENOR_REDIRECT_URI")?,
    );
    if let Some(gateway) = read("TELENOR_GATEWAY")? {
        builder = builder.gateway(gateway);
    }
    #[cfg(feature = "mock")]
    match read(ALLOW_PLAIN_HTTP)?.as_deref().map(str::trim) {
        Some("true") => builder = builder.dangerous_allow_plain_http(true),
        None | Some("false") => {}
        Some(_) => return Err(ConfigError::VariableNotBool(ALLOW_PLAIN_HTTP)),
    }
    builder = builder.endpoints(endpoints(&read)?);
    if let Some(scope) = read("TELENOR_SCOPE")? {
        builder = builder.scope(scope);
    }
    if let Some(origin) = read(HTTP_START)? {
        builder = builder.http_start(origin);
    }
    if let Some(script) = start_script(&read)? {
        builder = builder.start_script(script);
    }
    let keys = match (read(KEYS)?, read(KEYS_FILE)?) {
        (None, None) => return Ok(builder),
        (Some(_), Some(_)) => return Err(ConfigError::ConflictingVariables(KEYS, KEYS_FILE)),
        (None, Some(file)) => CookieKeys::from_file(file)?,
        (Some(_), None) => {
            let again = move || read(KEYS)?.ok_or(ConfigError::MissingVariable(KEYS));
            CookieKeys::from_source(Box::new(again))?
        }
    };
    Ok(builder.cookie_keys(keys))
}

fn start_script(
    read: impl Fn(&'static str) -> Result<Option<String>, ConfigError>,
) -> Result<Option<StartScript>, ConfigError> {
    let script = match (read(SCRIPT_FILE)?, read(SCRIPT_URL)?) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::ConflictingVariables(SCRIPT_FILE, SCRIPT_URL));
        }
        (Some(file), None) => {
            let text = fs::read_to_string(&file).map_err(|error| {
                ConfigError::InvalidStartScript(format!(
                    "cannot be read from {file} ({error}), so put it there"
                ))
            })?;
            // A line break at the end of a file is of no use to the script.
            Some(StartScript::inline(text.trim()))
        }
        (None, url) => url.map(StartScript::external),
    };
    let connect = read(SCRIPT_CONNECT)?;
    let Some(script) = script else {
        return match connect {
            Some(_) => Err(ConfigError::MissingVariable(SCRIPT_FILE)),
            None => Ok(None),
        };
    };
    let connect = connect.unwrap_or_default();
    let origins = connect.split(|character: char| character == ',' || character.is_whitespace());
    let origins = origins.filter(|origin| !origin.is_empty());
    Ok(Some(origins.fold(script, StartScript::connect)))
}

fn endpoints(
    read: impl Fn(&'static str) -> Result<Option<String>, ConfigError>,
) -> Result<Endpoints, ConfigError> {
    let mut endpoints = Endpoints::new();
    for (name, endpoint) in [
        (ENDPOINTS[0], &mut endpoints.authorization),
        (ENDPOINTS[1], &mut endpoints.token),
        (ENDPOINTS[2], &mut endpoints.logout),
        (ENDPOINTS[3], &mut endpoints.user_info),
        (ENDPOINTS[4], &mut endpoints.device_info),
    ] {
        if let Some(value) = read(name)? {
            *endpoint = value;
        }
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        fs,
        sync::{Arc, Mutex},
    };

    use super::*;

    const GOOD: &str = "5f1d8f0c6f4e1b7a9c3d2e8b7f6a5d4c3b2a190817f6e5d4c3b2a1f0e9d8c7b6";
    const BETTER: &str = "6b7c8d9e0f1a2b3c4d5e6f718091a2b3c4d5a6f7b8e2d3c9a7b1e4f6c0f8d1f5";

    fn with(settings: &[(&'static str, &str)]) -> Result<TelenorAuthBuilder, ConfigError> {
        let settings: HashMap<_, _> = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        from(move |name| settings.get(name).cloned().ok_or(VarError::NotPresent))
    }

    const NEEDED: [(&str, &str); 3] = [
        ("TELENOR_CLIENT_ID", "id"),
        ("TELENOR_CLIENT_SECRET", "secret"),
        (
            "TELENOR_REDIRECT_URI",
            "https://shop.example/telenor/callback",
        ),
    ];

    #[test]
    fn three_variables_suffice() {
        assert!(with(&NEEDED).unwrap().build().is_ok());
    }

    #[test]
    fn first_error_names_the_portal_and_the_mock() {
        let error = with(&[]).unwrap_err();
        assert_eq!(error, ConfigError::MissingVariable(CLIENT_ID));
        let text = error.to_string();
        for (name, _) in NEEDED {
            assert!(text.contains(name), "{text}");
        }
        for step in [
            "developer.telenor.no",
            "cargo install telenor-auth --example mock_gateway --features mock",
        ] {
            assert!(text.contains(step), "{text}");
        }
        // A developer with a client id knows where the rest is.
        let text = with(&NEEDED[..1]).unwrap_err().to_string();
        assert!(!text.contains("mock"), "{text}");
    }

    #[cfg(feature = "mock")]
    #[test]
    fn plain_http_is_allowed_by_a_variable_that_says_dangerous() {
        let lan = ("TELENOR_GATEWAY", "http://192.168.1.20:4000");
        let build = |allow| {
            let settings = [&NEEDED[..], &[lan, (ALLOW_PLAIN_HTTP, allow)]].concat();
            with(&settings).and_then(TelenorAuthBuilder::build)
        };
        assert!(ALLOW_PLAIN_HTTP.contains("DANGEROUS"));
        assert!(build("true").is_ok() && build(" true\n").is_ok());
        for not in ["false", " "] {
            assert_eq!(build(not).unwrap_err(), ConfigError::InsecureGateway);
        }
        for neither in ["1", "yes", "TRUE", "canary"] {
            let error = build(neither).unwrap_err();
            assert_eq!(error, ConfigError::VariableNotBool(ALLOW_PLAIN_HTTP));
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[cfg(feature = "mock")]
    #[test]
    fn variable_that_allows_plain_http_allows_no_mix_of_a_mock_and_telenor() {
        const LAN: &str = "http://192.168.1.20:4000";
        let build = |redirect_uri, gateway, moved: Option<(&'static str, &'static str)>| {
            let mut settings = NEEDED.to_vec();
            settings[2].1 = redirect_uri;
            settings.push((ALLOW_PLAIN_HTTP, "true"));
            settings.push(("TELENOR_GATEWAY", gateway));
            settings.extend(moved);
            with(&settings).and_then(TelenorAuthBuilder::build)
        };
        let phone = "http://192.168.1.20:3000/telenor/callback";
        let real = NEEDED[2].1;
        assert!(build(phone, LAN, None).is_ok());
        for name in ENDPOINTS {
            let at_telenor = Some((name, "https://api.telenor.no/moved"));
            let error = build(phone, LAN, at_telenor).unwrap_err();
            assert_eq!(error, ConfigError::InsecureRedirectUri, "{name}");
            for (gateway, url) in [
                ("https://api.telenor.no", "http://192.168.1.20:4000/moved"),
                (LAN, "http://api.telenor.no/moved"),
            ] {
                let error = build(real, gateway, Some((name, url))).unwrap_err();
                let is_endpoint = matches!(error, ConfigError::InvalidEndpoint { .. });
                assert!(is_endpoint, "{name}: {error}");
            }
        }
        for redirect_uri in [real, phone] {
            let error = build(redirect_uri, "http://api.telenor.no", None).unwrap_err();
            assert!(error.to_string().contains("Telenor's gateway"), "{error}");
        }
    }

    #[test]
    fn missing_variable_is_named() {
        for (at, (missing, _)) in NEEDED.iter().enumerate() {
            let mut settings = NEEDED.to_vec();
            settings[at].1 = " ";
            let error = with(&settings).unwrap_err();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn blank_variable_counts_as_not_set() {
        let names = ["TELENOR_GATEWAY", "TELENOR_SCOPE", KEYS, KEYS_FILE];
        let start = [HTTP_START, SCRIPT_FILE, SCRIPT_URL, SCRIPT_CONNECT];
        for name in names.into_iter().chain(ENDPOINTS).chain(start) {
            let settings = [&NEEDED[..], &[(name, " \n")]].concat();
            let built = with(&settings).unwrap();
            assert!(built.get_cookie_keys().is_none());
            assert!(built.build().is_ok(), "{name}");
        }
    }

    #[test]
    fn variable_that_is_not_utf8_is_an_error() {
        let all = ["TELENOR_GATEWAY", "TELENOR_SCOPE", KEYS, KEYS_FILE];
        for bad in NEEDED
            .map(|(name, _)| name)
            .into_iter()
            .chain(all)
            .chain(ENDPOINTS)
            .chain([HTTP_START, SCRIPT_FILE, SCRIPT_URL, SCRIPT_CONNECT])
        {
            let built = from(
                move |name| match NEEDED.iter().find(|(known, _)| *known == name) {
                    _ if name == bad => Err(VarError::NotUnicode("canary".into())),
                    Some((_, value)) => Ok((*value).to_owned()),
                    None => Err(VarError::NotPresent),
                },
            );
            let error = built.unwrap_err();
            assert_eq!(error, ConfigError::VariableNotUnicode(bad));
            assert!(error.to_string().contains(bad) && !error.to_string().contains("canary"));
        }
    }

    #[test]
    fn every_variable_reaches_its_setting() {
        for (name, bad) in [
            ("TELENOR_GATEWAY", "http://gateway.example"),
            ("TELENOR_SCOPE", "a\"b"),
            (HTTP_START, "https://start.example"),
            (SCRIPT_FILE, "/no/such/file"),
            (SCRIPT_URL, "http://line.example/line.js"),
            (KEYS, "00"),
            (KEYS_FILE, "/no/such/file"),
        ] {
            let settings = [&NEEDED[..], &[(name, bad)]].concat();
            let built = with(&settings).and_then(TelenorAuthBuilder::build);
            assert!(built.is_err(), "{name} is read");
        }
        for name in ENDPOINTS {
            let settings = [&NEEDED[..], &[(name, "http://elsewhere.example/")]].concat();
            let built = with(&settings).and_then(TelenorAuthBuilder::build);
            let Err(ConfigError::InvalidEndpoint { endpoint, .. }) = built else {
                panic!("{name} is read");
            };
            let named = endpoint.replace(' ', "_").to_uppercase();
            assert_eq!(name, format!("TELENOR_{named}_ENDPOINT"));
        }
    }

    #[test]
    fn start_script_comes_from_a_file_or_a_url_with_what_it_reaches() {
        let with = |more: &[(&'static str, &str)]| with(&[&NEEDED[..], more].concat());
        let name = format!("telenor-auth-env-script-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "alert(1)\n").unwrap();
        let path = file.to_str().unwrap();
        let connect = (
            SCRIPT_CONNECT,
            "https://a.example, https://b.example\thttps://c.example\n",
        );
        let built = with(&[(SCRIPT_FILE, path), connect]).unwrap();
        let policy = built.start_script.as_ref().unwrap().policy();
        let expected = StartScript::inline("alert(1)")
            .connect("https://a.example")
            .connect("https://b.example")
            .connect("https://c.example");
        assert_eq!(policy, expected.policy());
        assert!(built.build().is_ok());
        let url = (SCRIPT_URL, "https://line.example/line.js");
        let built = with(&[url]).unwrap();
        let policy = built.start_script.as_ref().unwrap().policy();
        assert_eq!(policy, StartScript::external(url.1).policy());

        let both = with(&[(SCRIPT_FILE, path), url]).unwrap_err();
        let conflict = ConfigError::ConflictingVariables(SCRIPT_FILE, SCRIPT_URL);
        assert_eq!(both, conflict);
        let alone = with(&[connect]).unwrap_err();
        assert_eq!(alone, ConfigError::MissingVariable(SCRIPT_FILE));
        let missing = with(&[(SCRIPT_FILE, "/no/such/file")]).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("cannot be read from /no/such/file")
        );
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn keys_come_from_one_source_alone() {
        let both = [&NEEDED[..], &[(KEYS, GOOD), (KEYS_FILE, "/no/such/file")]].concat();
        let expected = ConfigError::ConflictingVariables(KEYS, KEYS_FILE);
        assert_eq!(with(&both).unwrap_err(), expected);
        let one = [&NEEDED[..], &[(KEYS, GOOD), (KEYS_FILE, " ")]].concat();
        assert!(with(&one).unwrap().get_cookie_keys().is_some());
        assert!(with(&NEEDED).unwrap().get_cookie_keys().is_none());
    }

    #[test]
    fn keys_are_read_again_from_variable_and_file() {
        let variable = Arc::new(Mutex::new(GOOD));
        let read = {
            let variable = Arc::clone(&variable);
            move |name| match name {
                KEYS => Ok((*variable.lock().unwrap()).to_owned()),
                _ => match NEEDED.iter().find(|(known, _)| *known == name) {
                    Some((_, value)) => Ok((*value).to_owned()),
                    None => Err(VarError::NotPresent),
                },
            }
        };
        let name = format!("telenor-auth-env-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, GOOD).unwrap();
        let path = file.to_str().unwrap();
        let from_file = with(&[&NEEDED[..], &[(KEYS_FILE, path)]].concat()).unwrap();
        let from_variable = from(read).unwrap();
        let rings = [&from_variable, &from_file].map(|builder| builder.get_cookie_keys().unwrap());
        assert_eq!(rings.map(CookieKeys::reload), [Ok(false), Ok(false)]);
        *variable.lock().unwrap() = BETTER;
        fs::write(&file, BETTER).unwrap();
        assert_eq!(rings.map(CookieKeys::reload), [Ok(true), Ok(true)]);
        fs::remove_file(file).unwrap();
    }
}
