//! What was said, and what counts where nothing was.

use std::time::Duration;

use crate::{
    browser::{cookie::CookiePrefix, start_script::StartScript},
    clock::Clock,
    events::Hook,
    key::CookieKeys,
    response::page::Language,
};

const PRODUCTION: &str = "https://api.telenor.no";
const HOUR: Duration = Duration::from_secs(3600);

/// As said, not checked yet.
pub(crate) struct Settings {
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
    pub gateway: String,
    pub gateway_ca: Option<Vec<u8>>,
    pub scope: Option<String>,
    pub parameters: Vec<(String, String)>,
    pub omit_redirect_uri: bool,
    pub pkce: bool,
    pub raw_credentials: bool,
    pub cookie_keys: Option<CookieKeys>,
    pub cookie_name: String,
    pub cookie_prefix: CookiePrefix,
    pub optional: bool,
    pub login_page: bool,
    pub app_name: Option<String>,
    pub purposes: Vec<(Language, String)>,
    pub home: String,
    pub after_logout: Option<String>,
    pub continue_without: Option<String>,
    pub login_timeout: Duration,
    pub session_max: Duration,
    pub idle_timeout: Option<Duration>,
    pub refresh_tokens: bool,
    pub exchanges: usize,
    pub http_start: Option<String>,
    pub start_script: Option<StartScript>,
    pub nested_at: Option<String>,
    pub profile: Option<Duration>,
    pub script_api: bool,
    pub on_event: Option<Hook>,
    pub clock: Clock,
}

impl Settings {
    pub(crate) fn new(client_id: String, client_secret: String, redirect_uri: String) -> Self {
        Self {
            client_id,
            client_secret,
            redirect_uri,
            gateway: PRODUCTION.to_owned(),
            gateway_ca: None,
            scope: None,
            parameters: Vec::new(),
            omit_redirect_uri: false,
            pkce: true,
            raw_credentials: false,
            cookie_keys: None,
            cookie_name: "telenor".to_owned(),
            cookie_prefix: CookiePrefix::default(),
            optional: false,
            login_page: false,
            app_name: None,
            purposes: Vec::new(),
            home: "/".to_owned(),
            after_logout: None,
            continue_without: None,
            login_timeout: Duration::from_secs(300),
            session_max: 8 * HOUR,
            idle_timeout: None,
            refresh_tokens: false,
            exchanges: 64,
            http_start: None,
            start_script: None,
            nested_at: None,
            profile: None,
            script_api: false,
            on_event: None,
            clock: Clock::default(),
        }
    }
}
