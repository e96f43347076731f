//! The command line and the environment, as the options of a run.

use std::{ffi::OsString, fmt, ops::RangeInclusive, time::Duration};

use lexopt::{
    Arg::{Long, Short, Value},
    Error, Parser, ValueExt,
};

use crate::{
    calls::{self, Call},
    endpoints::{Endpoint, Endpoints},
    start_page::StartPage,
};

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Run(Box<Options>),
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    /// `None` stands for the mock gateway.
    pub(crate) client: Option<Client>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) scope: Option<String>,
    pub(crate) omit_redirect_uri: bool,
    pub(crate) raw_credentials: bool,
    pub(crate) no_pkce: bool,
    pub(crate) raw: bool,
    pub(crate) no_browser: bool,
    pub(crate) keep: bool,
    pub(crate) start_page: StartPage,
    pub(crate) endpoints: Endpoints,
    pub(crate) timeout: Duration,
    pub(crate) calls: Vec<Call>,
}

/// The app's registration at a gateway.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) gateway: String,
}

impl Command {
    pub(crate) fn parse(
        arguments: Vec<OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let mut options = Options {
            timeout: Duration::from_secs(300),
            ..Options::default()
        };
        let (mut client_id, mut gateway) = (None, None);
        let mut given = Vec::new();
        let mut endpoint = |parser: &mut Parser, endpoint: Endpoint| {
            let place = text(parser, endpoint.option())?;
            options.endpoints.set(endpoint, place);
            Ok::<_, Error>(())
        };
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            if let Long(option) = argument {
                if given.iter().any(|given| given == option) {
                    return Err(format!("--{option} is given twice").into());
                }
                given.push(option.to_owned());
            }
            match argument {
                Value(call) => options.calls.push(calls::parse(call.string()?)?),
                Long("client-id") => client_id = Some(text(&mut parser, "--client-id")?),
                Long("gateway") => gateway = Some(text(&mut parser, "--gateway")?),
                Long("redirect-uri") => {
                    options.redirect_uri = Some(text(&mut parser, "--redirect-uri")?);
                }
                Long("port") => options.port = Some(number(&mut parser, "--port", 0..=65_535)?),
                Long("scope") => options.scope = Some(text(&mut parser, "--scope")?),
                Long("http-start") => {
                    options.start_page.origin = Some(text(&mut parser, "--http-start")?);
                }
                Long("start-script") => {
                    options.start_page.script = Some(text(&mut parser, "--start-script")?);
                }
                Long("start-connect") => {
                    options.start_page.connect = Some(text(&mut parser, "--start-connect")?);
                }
                Long("authorization-endpoint") => {
                    endpoint(&mut parser, Endpoint::Authorization)?;
                }
                Long("token-endpoint") => endpoint(&mut parser, Endpoint::Token)?,
                Long("logout-endpoint") => endpoint(&mut parser, Endpoint::Logout)?,
                Long("user-info-endpoint") => endpoint(&mut parser, Endpoint::UserInfo)?,
                Long("device-info-endpoint") => endpoint(&mut parser, Endpoint::DeviceInfo)?,
                Long("timeout") => {
                    let seconds = number(&mut parser, "--timeout", 1..=600)?;
                    options.timeout = Duration::from_secs(seconds.into());
                }
                Long("omit-redirect-uri") => options.omit_redirect_uri = true,
                Long("raw-credentials") => options.raw_credentials = true,
                Long("no-pkce") => options.no_pkce = true,
                Long("raw") => options.raw = true,
                Long("no-browser") => options.no_browser = true,
                Long("keep") => options.keep = true,
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                Long(secret @ ("client-secret" | "secret")) => {
                    return Err(format!(
                        "--{secret} does not exist, because others can read a command line: set \
                         TELENOR_CLIENT_SECRET, and renew the secret if it was a real one"
                    )
                    .into());
                }
                unknown => return Err(unknown.unexpected()),
            }
        }
        if options.calls.is_empty() {
            options.calls.push(Call::Endpoint(Endpoint::UserInfo));
        }
        let redirect_uri = options.redirect_uri;
        options.redirect_uri = or_variable(redirect_uri, &variable, "TELENOR_REDIRECT_URI")?;
        options.scope = or_variable(options.scope, &variable, "TELENOR_SCOPE")?;
        options.start_page = options.start_page.or_environment(&variable)?;
        options.endpoints = options.endpoints.or_environment(&variable)?;
        options.client = client(
            or_variable(client_id, &variable, "TELENOR_CLIENT_ID")?,
            read(&variable, "TELENOR_CLIENT_SECRET")?,
            or_variable(gateway, &variable, "TELENOR_GATEWAY")?,
        )?;
        if options.client.is_none()
            && let Some(set) = options.endpoints.any()
        {
            let option = set.option();
            let mistake = format!(
                "{option} needs --client-id; without both, a mock gateway with Telenor's paths is \
                 started"
            );
            return Err(mistake.into());
        }
        Ok(Self::Run(Box::new(options)))
    }
}

/// Half a registration is an error, not a reason for the mock: a real gateway is meant.
fn client(
    id: Option<String>,
    secret: Option<String>,
    gateway: Option<String>,
) -> Result<Option<Client>, Error> {
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Some(Client {
            id,
            secret,
            gateway: gateway.unwrap_or_else(|| "https://api.telenor.no".to_owned()),
        })),
        (Some(_), None) => Err(
            "--client-id needs the client secret, in the environment variable \
             TELENOR_CLIENT_SECRET"
                .into(),
        ),
        (None, Some(_)) => Err(
            "TELENOR_CLIENT_SECRET is set, so --client-id or TELENOR_CLIENT_ID is needed too"
                .into(),
        ),
        (None, None) if gateway.is_some() => {
            Err("--gateway needs --client-id; without both, a mock gateway is started".into())
        }
        (None, None) => Ok(None),
    }
}

/// An option's value. One that starts with a dash needs `=`: it is probably the next option.
fn text(parser: &mut Parser, option: &str) -> Result<String, Error> {
    let value = parser.values()?.next().unwrap_or_default().string()?;
    if value.trim().is_empty() {
        return Err(format!("{option} needs a value").into());
    }
    Ok(value)
}

fn number(parser: &mut Parser, option: &str, allowed: RangeInclusive<u16>) -> Result<u16, Error> {
    let value = text(parser, option)?.parse().ok();
    value
        .filter(|value| allowed.contains(value))
        .ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            format!("{option} is a number from {least} to {most}").into()
        })
}

/// The option, or else the variable.
pub(crate) fn or_variable(
    option: Option<String>,
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &str,
) -> Result<Option<String>, Error> {
    match option {
        Some(value) => Ok(Some(value)),
        None => read(variable, name),
    }
}

/// An empty variable counts as not set, as for `TelenorAuthLayer::from_env`.
pub(crate) fn read(
    variable: &impl Fn(&str) -> Option<OsString>,
    name: &str,
) -> Result<Option<String>, Error> {
    let value = variable(name).map(OsString::into_string).transpose();
    let value = value.map_err(|_| format!("{name} is not UTF-8"))?;
    Ok(value.filter(|value| !value.trim().is_empty()))
}

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
        let arguments = arguments.iter().map(OsString::from).collect();
        Command::parse(arguments, variable).map_err(|error| error.to_string())
    }

    fn options(arguments: &[&str], variables: &[(&str, &str)]) -> Options {
        match parse(arguments, variables) {
            Ok(Command::Run(options)) => *options,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn nothing_given_means_user_info_of_the_mock() {
        let options = options(&[], &[("TELENOR_CLIENT_ID", "")]);
        assert!(
            options.client.is_none() && !(options.no_pkce || options.no_browser || options.keep)
        );
        assert_eq!(options.calls, [Call::Endpoint(Endpoint::UserInfo)]);
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
        let path = Call::Path("/a?b=c".to_owned());
        assert_eq!(options.calls, [Call::Endpoint(Endpoint::DeviceInfo), path]);
    }

    #[test]
    fn mistakes_name_the_option() {
        for (arguments, says) in [
            (&["--verbose=x"][..], "--verbose"),
            (&["--gateway"], "--gateway"),
            (&["--gateway", "--raw"], "--gateway"),
            (&["--gateway", "https://a.example"], "--client-id"),
            (&["--token-endpoint", "/token"], "--client-id"),
            (&["--logout-endpoint"], "--logout-endpoint"),
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
        for option in [
            "--client-id ID",
            "--gateway URL",
            "--redirect-uri URI",
            "--port PORT",
            "--scope SCOPE",
            "--omit-redirect-uri",
            "--raw-credentials",
            "--no-pkce",
            "--raw",
            "--no-browser",
            "--keep",
            "--timeout SECONDS",
            "--http-start ORIGIN",
            "--start-script SCRIPT",
            "--start-connect ORIGINS",
            "--authorization-endpoint ENDPOINT",
            "--token-endpoint ENDPOINT",
            "--logout-endpoint ENDPOINT",
            "--user-info-endpoint ENDPOINT",
            "--device-info-endpoint ENDPOINT",
        ] {
            let mut lines = help.lines().filter_map(|line| line.strip_prefix("  "));
            let named = |line: &str| line == option || line.starts_with(&format!("{option} "));
            assert!(lines.any(named), "{option}");
            let name = option.split(' ').next().unwrap();
            let mistake = parse(&[&format!("{name}=")], &[]).unwrap_err();
            assert!(!mistake.contains("invalid option"), "{mistake}");
        }
        for exit in [
            Exit::Success,
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
