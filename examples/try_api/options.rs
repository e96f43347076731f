//! What was asked for, on the command line and in the environment?

use std::{error::Error, ffi::OsString, fmt, time::Duration};

use url::{Position, Url};

const USER_INFO: &str = "/user-info/v1/users";
const DEVICE_INFO: &str = "/mobile-device-info/v1/device";

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Try(Box<Options>),
}

#[derive(Debug)]
pub(crate) struct Options {
    /// `None` stands for the mock gateway.
    pub(crate) client: Option<Client>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) scope: Option<String>,
    pub(crate) omit_redirect_uri: bool,
    pub(crate) raw_credentials: bool,
    pub(crate) pkce: bool,
    pub(crate) raw: bool,
    pub(crate) open_browser: bool,
    pub(crate) keep: bool,
    pub(crate) timeout: Duration,
    /// Paths on the gateway.
    pub(crate) calls: Vec<String>,
}

/// The app's registration at a gateway.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) gateway: String,
}

impl Command {
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter().map(OsString::into_string);
        let mut given = Given::default();
        let mut calls = Vec::new();
        let mut only_calls = false;
        while let Some(argument) = arguments.next() {
            let argument = argument.map_err(|_| UsageError::new("an argument is not UTF-8"))?;
            match argument.as_str() {
                call if only_calls || !call.starts_with('-') => calls.push(path(call)?),
                "--" => only_calls = true,
                "--help" | "-h" => return Ok(Self::Help),
                "--version" | "-V" => return Ok(Self::Version),
                option => given.take(option, || arguments.next()?.ok())?,
            }
        }
        if calls.is_empty() {
            calls.push(USER_INFO.to_owned());
        }
        let client = client(&given, &variable)?;
        Ok(Self::Try(Box::new(Options {
            client,
            redirect_uri: given.value_or("--redirect-uri", &variable, "TELENOR_REDIRECT_URI")?,
            port: given.number("--port", 0..=65_535)?,
            scope: given.value_or("--scope", &variable, "TELENOR_SCOPE")?,
            omit_redirect_uri: given.has("--omit-redirect-uri"),
            raw_credentials: given.has("--raw-credentials"),
            pkce: !given.has("--no-pkce"),
            raw: given.has("--raw"),
            open_browser: !given.has("--no-browser"),
            keep: given.has("--keep"),
            timeout: Duration::from_secs(given.number("--timeout", 1..=600)?.unwrap_or(300).into()),
            calls,
        })))
    }
}

/// Half a registration never falls back to the mock: whoever gave it means the real gateway.
fn client(
    given: &Given,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Client>, UsageError> {
    let id = given.value_or("--client-id", variable, "TELENOR_CLIENT_ID")?;
    let gateway = given.value_or("--gateway", variable, "TELENOR_GATEWAY")?;
    match (id, read(variable, "TELENOR_CLIENT_SECRET")?) {
        (Some(id), Some(secret)) => Ok(Some(Client {
            id,
            secret,
            gateway: gateway.unwrap_or_else(|| "https://api.telenor.no".to_owned()),
        })),
        (Some(_), None) => Err(UsageError::new(
            "--client-id needs the client secret, in the environment variable TELENOR_CLIENT_SECRET",
        )),
        (None, Some(_)) => Err(UsageError::new(
            "TELENOR_CLIENT_SECRET is set, so --client-id or TELENOR_CLIENT_ID is needed too",
        )),
        (None, None) if gateway.is_some() => Err(UsageError::new(
            "--gateway needs --client-id; without both, a mock gateway is started",
        )),
        (None, None) => Ok(None),
    }
}

/// A call that a mistyped path would spoil is better refused before the login than after it.
fn path(call: &str) -> Result<String, UsageError> {
    let kept = |path: &str| {
        let url = Url::parse(&format!("https://gateway.example{path}"));
        url.is_ok_and(|url| url[Position::BeforePath..] == *path)
    };
    match call {
        "user-info" => Ok(USER_INFO.to_owned()),
        "device-info" => Ok(DEVICE_INFO.to_owned()),
        path if !path.starts_with('/') => Err(UsageError(format!(
            "{path:?} is neither user-info, device-info nor a path that starts with a slash"
        ))),
        path if path.starts_with("//") || path.contains('#') || !kept(path) => {
            Err(UsageError(format!(
                "the path {path:?} leads off the gateway or has characters that need percent-encoding"
            )))
        }
        path => Ok(path.to_owned()),
    }
}

/// A variable that is set to nothing counts as not set, as for `TelenorAuthLayer::from_env`.
fn read(
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &str,
) -> Result<Option<String>, UsageError> {
    let value = variable(name).map(OsString::into_string).transpose();
    let value = value.map_err(|_| UsageError(format!("{name} is not UTF-8")))?;
    Ok(value.filter(|value| !value.trim().is_empty()))
}

/// Options in the order they were given.
#[derive(Default)]
struct Given(Vec<(&'static str, String)>);

impl Given {
    fn take(
        &mut self,
        option: &str,
        next: impl FnOnce() -> Option<String>,
    ) -> Result<(), UsageError> {
        let (name, attached) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        if matches!(name, "--client-secret" | "--secret") {
            return Err(UsageError(format!(
                "{name} does not exist, because others can read a command line: set TELENOR_CLIENT_SECRET, and renew the secret if it was a real one"
            )));
        }
        let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        let (name, value) = if let Some(flag) = known(FLAGS) {
            if attached.is_some() {
                return Err(UsageError(format!("{flag} takes no value")));
            }
            (flag, String::new())
        } else if let Some(option) = known(VALUES) {
            let value = attached.or_else(|| next().filter(|value| !value.starts_with("--")));
            let value = value.filter(|value| !value.trim().is_empty());
            let missing = || UsageError(format!("{option} needs a value"));
            (option, value.ok_or_else(missing)?)
        } else {
            return Err(UsageError(format!("there is no option {name:?}")));
        };
        if self.has(name) {
            return Err(UsageError(format!("{name} is given twice")));
        }
        self.0.push((name, value));
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| value.as_str())
    }

    fn value_or(
        &self,
        name: &str,
        variable: &impl Fn(&str) -> Option<OsString>,
        instead: &str,
    ) -> Result<Option<String>, UsageError> {
        match self.value(name) {
            Some(value) => Ok(Some(value.to_owned())),
            None => read(variable, instead),
        }
    }

    fn number(
        &self,
        name: &str,
        allowed: std::ops::RangeInclusive<u16>,
    ) -> Result<Option<u16>, UsageError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let number = value.parse().ok().filter(|number| allowed.contains(number));
        let wrong = || {
            let (least, most) = (allowed.start(), allowed.end());
            UsageError(format!("{name} is a number from {least} to {most}"))
        };
        number.map(Some).ok_or_else(wrong)
    }
}

const FLAGS: &[&str] = &[
    "--omit-redirect-uri",
    "--raw-credentials",
    "--no-pkce",
    "--raw",
    "--no-browser",
    "--keep",
];
const VALUES: &[&str] = &[
    "--client-id",
    "--gateway",
    "--redirect-uri",
    "--port",
    "--scope",
    "--timeout",
];

/// A mistake on the command line; the text names the option.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for UsageError {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Command, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(set, _)| *set == name)?;
            Some(found.1.into())
        };
        Command::parse(arguments.iter().map(OsString::from), variable)
            .map_err(|error| error.to_string())
    }

    fn options(arguments: &[&str], variables: &[(&str, &str)]) -> Options {
        match parse(arguments, variables) {
            Ok(Command::Try(options)) => *options,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn nothing_given_means_user_info_of_the_mock() {
        let options = options(&[], &[("TELENOR_CLIENT_ID", "")]);
        assert!(options.client.is_none() && options.pkce && options.open_browser && !options.keep);
        assert_eq!(options.calls, ["/user-info/v1/users"]);
        assert_eq!(options.timeout, Duration::from_secs(300));
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let set = [
            ("TELENOR_CLIENT_ID", "from-env"),
            ("TELENOR_CLIENT_SECRET", "secret"),
            ("TELENOR_GATEWAY", "https://env.example"),
            ("TELENOR_SCOPE", "env"),
        ];
        let options = options(
            &[
                "--client-id=a=b",
                "--scope",
                "line",
                "device-info",
                "--",
                "/a?b=c",
            ],
            &set,
        );
        let client = options.client.unwrap();
        assert_eq!(
            (client.id.as_str(), client.secret.as_str()),
            ("a=b", "secret")
        );
        assert_eq!(client.gateway, "https://env.example");
        assert_eq!(options.scope.as_deref(), Some("line"));
        assert_eq!(options.calls, ["/mobile-device-info/v1/device", "/a?b=c"]);
    }

    #[test]
    fn mistakes_name_the_option() {
        for (arguments, says) in [
            (&["--verbose=x"][..], "--verbose"),
            (&["--gateway"], "--gateway"),
            (&["--gateway", "--raw"], "--gateway"),
            (&["--gateway", "https://a.example"], "--client-id"),
            (&["--raw", "--raw"], "--raw"),
            (&["--raw=yes"], "--raw"),
            (&["--port", "70000"], "--port"),
            (&["--timeout", "0"], "--timeout"),
            (&["--client-id", "id"], "TELENOR_CLIENT_SECRET"),
            (&["userinfo"], "userinfo"),
            (&["//evil.example"], "//evil.example"),
            (&["/a/../b"], "/a/../b"),
            (&["/a b"], "/a b"),
            (&["/a#b"], "/a#b"),
        ] {
            let mistake = parse(arguments, &[]).unwrap_err();
            assert!(mistake.contains(says), "{arguments:?}: {mistake}");
            assert_eq!(mistake.lines().count(), 1);
        }
        let half = parse(&[], &[("TELENOR_CLIENT_SECRET", "canary")]).unwrap_err();
        assert!(
            half.contains("--client-id") && !half.contains("canary"),
            "{half}"
        );
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for arguments in [
            &["--client-secret=canary"][..],
            &["--client-secret", "canary"],
        ] {
            let mistake = parse(arguments, &[]).unwrap_err();
            assert!(mistake.contains("TELENOR_CLIENT_SECRET"), "{mistake}");
            assert!(!mistake.contains("canary"), "{mistake}");
        }
    }

    #[test]
    fn help_names_every_option_and_exit_code() {
        use crate::exit::Exit;
        let help = include_str!("help.txt");
        for option in FLAGS.iter().chain(VALUES) {
            assert!(help.contains(&format!("\n  {option} ")), "{option}");
        }
        for exit in [
            Exit::Fine,
            Exit::Api,
            Exit::Usage,
            Exit::Login,
            Exit::TimedOut,
            Exit::Unreachable,
        ] {
            assert!(help.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
        }
        assert!(help.lines().all(|line| line.len() <= 80));
        assert!(matches!(
            parse(&["-h", "--nonsense"], &[]),
            Ok(Command::Help)
        ));
        assert!(matches!(parse(&["--version"], &[]), Ok(Command::Version)));
    }

    #[test]
    fn debug_hides_the_secret() {
        let set = [("TELENOR_CLIENT_SECRET", "canary")];
        let options = options(&["--client-id", "id"], &set);
        assert!(!format!("{options:?}").contains("canary"));
    }
}
