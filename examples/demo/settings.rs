//! The settings, read from the environment.
//!
//! | variable | meaning | when unset |
//! | --- | --- | --- |
//! | `LISTEN` | address and port; port 0 takes a free one | `127.0.0.1:3000` |
//! | `TELENOR_CLIENT_ID`, `TELENOR_CLIENT_SECRET` | the app's credentials | a mock gateway |
//! | `TELENOR_GATEWAY` | base URL of the gateway | `https://api.telenor.no` |
//! | `TELENOR_AUTHORIZATION_ENDPOINT`, `TELENOR_TOKEN_ENDPOINT`, `TELENOR_LOGOUT_ENDPOINT`, `TELENOR_USER_INFO_ENDPOINT`, `TELENOR_DEVICE_INFO_ENDPOINT` | an endpoint that Telenor moved: a path on the gateway, or a full URL | Telenor's documented path |
//! | `TELENOR_REDIRECT_URI` | the registered one; ends in `/telenor/callback` | on `LISTEN` |
//! | `TELENOR_STRIPPED_PREFIX` | what a proxy takes away from each path; in the layer's addresses, not in the shop's links | nothing |
//! | `TELENOR_HTTP_START` | origin of a plain-http start page | none |
//! | `TELENOR_START_SCRIPT_FILE` | a file with the script of the start page, which is on https without `TELENOR_HTTP_START` | no script |
//! | `TELENOR_START_SCRIPT_URL` | the same, loaded from this URL; set one of the two | no script |
//! | `TELENOR_START_SCRIPT_CONNECT` | the origins that the script may reach, separated by commas or blanks | none |
//! | `TELENOR_AFTER_LOGOUT` | path of the page after a logout | the layer's page |
//! | `TELENOR_TOKEN_TO_SCRIPTS` | `true`: the page `/javascript` may get the access token | `false` |
//! | `TELENOR_COOKIE_KEYS` | keys in base64 or hex, separated by commas; the first seals | random |
//! | `TELENOR_COOKIE_KEYS_FILE` | a file with one key on each line, which may change | none |
//! | `TELENOR_SESSION_STORE` | `memory`, `cookie`, or a Redis URL (feature `redis`) | `memory` |

use std::{env, error::Error, ffi::OsString, fmt, fs, io};

use telenor_auth::{ConfigError, CookieKeys, Endpoints, StartScript, mock::MockGateway};

/// Moves one endpoint.
type WithEndpoint = fn(Endpoints, String) -> Endpoints;

/// Each with what it sets.
const ENDPOINTS: [(&str, WithEndpoint); 5] = [
    (
        "TELENOR_AUTHORIZATION_ENDPOINT",
        Endpoints::with_authorization,
    ),
    ("TELENOR_TOKEN_ENDPOINT", Endpoints::with_token),
    ("TELENOR_LOGOUT_ENDPOINT", Endpoints::with_logout),
    (USER_INFO, Endpoints::with_user_info),
    ("TELENOR_DEVICE_INFO_ENDPOINT", Endpoints::with_device_info),
];
const USER_INFO: &str = "TELENOR_USER_INFO_ENDPOINT";
const KEYS: &str = "TELENOR_COOKIE_KEYS";
const KEYS_FILE: &str = "TELENOR_COOKIE_KEYS_FILE";
const SCRIPT_FILE: &str = "TELENOR_START_SCRIPT_FILE";
const SCRIPT_URL: &str = "TELENOR_START_SCRIPT_URL";
const SCRIPT_CONNECT: &str = "TELENOR_START_SCRIPT_CONNECT";
const TOKEN_TO_SCRIPTS: &str = "TELENOR_TOKEN_TO_SCRIPTS";

/// Checked as far as possible without a socket.
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) client: Option<Client>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) stripped_prefix: Option<String>,
    pub(crate) http_start: Option<String>,
    pub(crate) start_script: Option<StartScript>,
    pub(crate) after_logout: Option<String>,
    pub(crate) token_to_scripts: bool,
    pub(crate) cookie_keys: Option<CookieKeys>,
    pub(crate) session_store: StoreChoice,
}

/// The app's registration at a gateway.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) gateway: Option<String>,
    pub(crate) endpoints: Endpoints,
    /// The one of the endpoints that a script may call.
    pub(crate) user_info: String,
}

const DOCUMENTED_USER_INFO: &str = "/user-info/v1/users";

/// Where sessions are kept.
#[derive(PartialEq)]
pub(crate) enum StoreChoice {
    Memory,
    Cookie,
    /// Its URL, which may hold a password.
    Redis(String),
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| env::var_os(name))
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let text = |name| match variable(name) {
            None => Ok(None),
            Some(value) => match value.into_string() {
                Err(_) => Err(SettingsError::NotUnicode(name)),
                Ok(value) if value.is_empty() => Err(SettingsError::Empty(name)),
                Ok(value) => Ok(Some(value)),
            },
        };

        let session_store = match text("TELENOR_SESSION_STORE")? {
            None => StoreChoice::Memory,
            Some(name) if name == "memory" => StoreChoice::Memory,
            Some(name) if name == "cookie" => StoreChoice::Cookie,
            Some(url) if is_redis(&url) => StoreChoice::Redis(url),
            Some(other) => return Err(SettingsError::SessionStore(other)),
        };
        let cookie_keys = match (text(KEYS)?, text(KEYS_FILE)?) {
            (Some(_), Some(_)) => return Err(SettingsError::Conflict(KEYS, KEYS_FILE)),
            (Some(keys), None) => Some((KEYS, CookieKeys::parse(&keys))),
            (None, Some(file)) => Some((KEYS_FILE, CookieKeys::from_file(file))),
            (None, None) => None,
        };
        let cookie_keys = cookie_keys
            .map(|(name, keys)| keys.map_err(|error| SettingsError::CookieKeys { name, error }))
            .transpose()?;
        if matches!(session_store, StoreChoice::Redis(_)) && cookie_keys.is_none() {
            // Sessions that are sealed with random keys cannot be read by another process.
            return Err(SettingsError::Needs {
                set: "TELENOR_SESSION_STORE",
                needed: KEYS,
            });
        }

        let mut endpoints = Vec::new();
        for (name, with) in ENDPOINTS {
            if let Some(endpoint) = text(name)? {
                endpoints.push((name, with, endpoint));
            }
        }

        Ok(Self {
            listen: text("LISTEN")?.unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            client: Client::read(
                text("TELENOR_CLIENT_ID")?,
                text("TELENOR_CLIENT_SECRET")?,
                text("TELENOR_GATEWAY")?,
                endpoints,
            )?,
            redirect_uri: match text("TELENOR_REDIRECT_URI")? {
                // The layer's other routes are siblings of this one, and the pages link to them.
                Some(uri) if !uri.ends_with("/telenor/callback") => {
                    return Err(SettingsError::RedirectUri(uri));
                }
                uri => uri,
            },
            stripped_prefix: text("TELENOR_STRIPPED_PREFIX")?,
            http_start: text("TELENOR_HTTP_START")?,
            start_script: start_script(
                text(SCRIPT_FILE)?,
                text(SCRIPT_URL)?,
                text(SCRIPT_CONNECT)?,
            )?,
            after_logout: text("TELENOR_AFTER_LOGOUT")?,
            token_to_scripts: match text(TOKEN_TO_SCRIPTS)?.as_deref() {
                Some("true") => true,
                None | Some("false") => false,
                Some(_) => return Err(SettingsError::NotBool(TOKEN_TO_SCRIPTS)),
            },
            cookie_keys,
            session_store,
        })
    }
}

fn start_script(
    file: Option<String>,
    url: Option<String>,
    connect: Option<String>,
) -> Result<Option<StartScript>, SettingsError> {
    let script = match (file, url) {
        (Some(_), Some(_)) => return Err(SettingsError::Conflict(SCRIPT_FILE, SCRIPT_URL)),
        (Some(file), None) => {
            let text = fs::read_to_string(&file);
            let text = text.map_err(|error| SettingsError::StartScript { file, error })?;
            StartScript::inline(text.trim())
        }
        (None, Some(url)) => StartScript::external(url),
        (None, None) if connect.is_some() => {
            return Err(SettingsError::Needs {
                set: SCRIPT_CONNECT,
                needed: SCRIPT_FILE,
            });
        }
        (None, None) => return Ok(None),
    };
    let connect = connect.unwrap_or_default();
    let origins = connect.split(|character: char| character == ',' || character.is_whitespace());
    let origins = origins.filter(|origin| !origin.is_empty());
    Ok(Some(origins.fold(script, StartScript::connect)))
}

fn is_redis(url: &str) -> bool {
    let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
    schemes.iter().any(|scheme| url.starts_with(scheme))
}

/// The name of its variable, what sets it, and where it is.
type SetEndpoint = (&'static str, WithEndpoint, String);

impl Client {
    fn read(
        id: Option<String>,
        secret: Option<String>,
        gateway: Option<String>,
        set: Vec<SetEndpoint>,
    ) -> Result<Option<Self>, SettingsError> {
        match (id, secret, gateway) {
            (None, None, None) => match set.first() {
                None => Ok(None),
                Some(&(set, ..)) => Err(SettingsError::Needs {
                    set,
                    needed: "TELENOR_CLIENT_ID",
                }),
            },
            (Some(id), Some(secret), gateway) => {
                let mut client = Self {
                    id,
                    secret,
                    gateway,
                    endpoints: Endpoints::new(),
                    user_info: DOCUMENTED_USER_INFO.to_owned(),
                };
                for (name, with, endpoint) in set {
                    if name == USER_INFO {
                        client.user_info.clone_from(&endpoint);
                    }
                    client.endpoints = with(client.endpoints, endpoint);
                }
                Ok(Some(client))
            }
            (Some(_), None, _) => Err(SettingsError::Needs {
                set: "TELENOR_CLIENT_ID",
                needed: "TELENOR_CLIENT_SECRET",
            }),
            // A fallback to the mock would let any visitor log in to a shop meant for customers.
            (None, Some(_), _) => Err(SettingsError::Needs {
                set: "TELENOR_CLIENT_SECRET",
                needed: "TELENOR_CLIENT_ID",
            }),
            (None, None, Some(_)) => Err(SettingsError::Needs {
                set: "TELENOR_GATEWAY",
                needed: "TELENOR_CLIENT_ID",
            }),
        }
    }

    pub(crate) fn of_mock(mock: &MockGateway) -> Self {
        Self {
            id: mock.client_id().to_owned(),
            secret: mock.client_secret().to_owned(),
            gateway: Some(mock.base_url()),
            endpoints: Endpoints::new(),
            user_info: DOCUMENTED_USER_INFO.to_owned(),
        }
    }
}

/// A setting that the shop cannot start with. Values are shown only where they cannot be secret.
#[derive(Debug)]
pub(crate) enum SettingsError {
    NotUnicode(&'static str),
    Empty(&'static str),
    NotBool(&'static str),
    Needs {
        set: &'static str,
        needed: &'static str,
    },
    RedirectUri(String),
    CookieKeys {
        name: &'static str,
        error: ConfigError,
    },
    Conflict(&'static str, &'static str),
    SessionStore(String),
    StartScript {
        file: String,
        error: io::Error,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnicode(name) => write!(f, "{name} is not valid UTF-8"),
            Self::Empty(name) => write!(f, "{name} is empty; give it a value or unset it"),
            Self::NotBool(name) => write!(f, "{name} must be \"true\" or \"false\""),
            Self::Needs { set, needed } => write!(f, "{set} is set, so {needed} must be set too"),
            Self::RedirectUri(value) => write!(
                f,
                "TELENOR_REDIRECT_URI must end in /telenor/callback, unlike {value:?}"
            ),
            Self::CookieKeys { name, error } => write!(f, "{name}: {error}"),
            Self::Conflict(one, other) => {
                write!(f, "{one} and {other} are both set; set one of them")
            }
            Self::StartScript { file, error } => {
                write!(f, "{SCRIPT_FILE}: cannot read {file:?}: {error}")
            }
            Self::SessionStore(value) => write!(
                f,
                "TELENOR_SESSION_STORE must be \"memory\", \"cookie\" or a URL like redis://host:6379, not {value:?}"
            ),
        }
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::CookieKeys { error, .. } => Some(error),
            Self::StartScript { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            let (_, value) = variables.iter().find(|(set, _)| *set == name)?;
            Some(value.into())
        })
        .map_err(|error| error.to_string())
    }

    fn refusal(variables: &[(&str, &str)]) -> String {
        read(variables).err().expect("these settings are refused")
    }

    #[test]
    fn an_empty_environment_means_the_mock_gateway() {
        let settings = read(&[]).expect("everything has a default");
        assert!(settings.client.is_none());
        assert_eq!(settings.listen, "127.0.0.1:3000");
        assert!(settings.session_store == StoreChoice::Memory);
        assert!(!settings.token_to_scripts);
    }

    #[test]
    fn half_a_registration_never_falls_back_to_the_mock() {
        for set in [
            "TELENOR_CLIENT_ID",
            "TELENOR_CLIENT_SECRET",
            "TELENOR_GATEWAY",
        ]
        .into_iter()
        .chain(ENDPOINTS.map(|(name, _)| name))
        {
            let message = refusal(&[(set, "something")]);
            assert!(message.starts_with(set), "{message}");
            assert!(!message.contains("something"), "{message}");
        }
    }

    #[test]
    fn an_empty_setting_is_a_mistake() {
        assert!(refusal(&[("TELENOR_CLIENT_ID", "")]).contains("is empty"));
    }

    #[test]
    fn scripts_get_the_token_only_where_that_is_said_in_one_way() {
        let set = |value| read(&[("TELENOR_TOKEN_TO_SCRIPTS", value)]);
        assert!(set("true").is_ok_and(|settings| settings.token_to_scripts));
        assert!(set("false").is_ok_and(|settings| !settings.token_to_scripts));
        for value in ["yes", "1", "TRUE"] {
            assert!(set(value).is_err(), "{value}");
        }
    }

    #[test]
    fn the_redirect_uri_must_be_where_the_pages_expect_the_layer() {
        let set = |uri| read(&[("TELENOR_REDIRECT_URI", uri)]);
        assert!(set("https://shop.example/telenor/callback").is_ok());
        assert!(set("https://shop.example/auth/callback").is_err());
    }

    #[test]
    fn an_unknown_session_store_is_named_in_one_line() {
        let message = refusal(&[("TELENOR_SESSION_STORE", "re\ndis")]);
        assert!(message.contains(r#""re\ndis""#), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[test]
    fn cookie_keys_come_from_one_place() {
        let keys = ("TELENOR_COOKIE_KEYS", "anything");
        let file = ("TELENOR_COOKIE_KEYS_FILE", "/nowhere/keys");
        assert!(refusal(&[keys, file]).contains("both set"));
        let message = refusal(&[file]);
        assert!(
            message.starts_with("TELENOR_COOKIE_KEYS_FILE: "),
            "{message}"
        );
        assert!(message.contains("/nowhere/keys"), "{message}");
    }

    #[test]
    fn redis_needs_keys_that_last_and_its_password_is_not_repeated() {
        let store = ("TELENOR_SESSION_STORE", "redis://shop:hunter2@127.0.0.1");
        let message = refusal(&[store]);
        assert!(message.contains("TELENOR_COOKIE_KEYS"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        let key = rand::random::<[u8; 32]>();
        let keys: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let keys = ("TELENOR_COOKIE_KEYS", &*keys);
        assert!(read(&[store, keys]).is_ok());
        assert!(read(&[("TELENOR_SESSION_STORE", "valkeys://127.0.0.1"), keys]).is_ok());
    }

    #[test]
    fn each_endpoint_is_where_its_variable_says() {
        let client = [
            ("TELENOR_CLIENT_ID", "id"),
            ("TELENOR_CLIENT_SECRET", "secret"),
        ];
        let set = ENDPOINTS.map(|(name, _)| (name, name));
        let settings = read(&[&client[..], &set].concat()).expect("each has a value");
        let client = settings.client.expect("a registration is given");
        let expected = Endpoints::new()
            .with_authorization("TELENOR_AUTHORIZATION_ENDPOINT")
            .with_token("TELENOR_TOKEN_ENDPOINT")
            .with_logout("TELENOR_LOGOUT_ENDPOINT")
            .with_user_info(USER_INFO)
            .with_device_info("TELENOR_DEVICE_INFO_ENDPOINT");
        assert_eq!(client.endpoints, expected);
        assert_eq!(client.user_info, USER_INFO);
    }

    #[test]
    fn start_script_has_one_source_that_can_be_read() {
        let connect = ("TELENOR_START_SCRIPT_CONNECT", "https://line.example");
        assert!(refusal(&[connect]).contains("TELENOR_START_SCRIPT_FILE"));
        let message = refusal(&[("TELENOR_START_SCRIPT_FILE", "/nowhere/line.js"), connect]);
        assert!(message.contains("/nowhere/line.js"), "{message}");
        let url = ("TELENOR_START_SCRIPT_URL", "https://line.example/line.js");
        let both = refusal(&[("TELENOR_START_SCRIPT_FILE", "/nowhere/line.js"), url]);
        assert!(both.contains("TELENOR_START_SCRIPT_FILE and TELENOR_START_SCRIPT_URL"));
        let connect = (
            "TELENOR_START_SCRIPT_CONNECT",
            "https://a.example, https://b.example\thttps://c.example",
        );
        let script = read(&[url, connect]).expect("a URL is enough").start_script;
        let expected = StartScript::external("https://line.example/line.js")
            .connect("https://a.example")
            .connect("https://b.example")
            .connect("https://c.example");
        assert_eq!(format!("{script:?}"), format!("{:?}", Some(expected)));
    }

    #[test]
    fn unusable_cookie_keys_are_not_repeated() {
        let message = refusal(&[("TELENOR_COOKIE_KEYS", "hunter2")]);
        assert!(message.starts_with("TELENOR_COOKIE_KEYS: "), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
