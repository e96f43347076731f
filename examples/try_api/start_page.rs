//! The start page of a run, between the app and the gateway.

use std::{ffi::OsString, fs};

use lexopt::Error;
use telenor_auth::{StartScript, TelenorAuthBuilder};

use crate::{
    explain::step,
    options::{or_variable, read},
};

const SCRIPT_URL: &str = "TELENOR_START_SCRIPT_URL";
const SCRIPT_FILE: &str = "TELENOR_START_SCRIPT_FILE";

/// The settings of the start page. Without an origin and a script, there is none.
#[derive(Debug, Default)]
pub(crate) struct StartPage {
    pub(crate) origin: Option<String>,
    /// A URL, or a file.
    pub(crate) script: Option<String>,
    /// Separated by commas or blanks.
    pub(crate) connect: Option<String>,
}

impl StartPage {
    /// Takes what is not given from the environment.
    pub(crate) fn or_environment(
        self,
        variable: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let script = match (
            self.script,
            read(variable, SCRIPT_URL)?,
            read(variable, SCRIPT_FILE)?,
        ) {
            (Some(script), ..) => Some(script),
            (None, Some(_), Some(_)) => {
                return Err(format!("{SCRIPT_URL} and {SCRIPT_FILE} are both set").into());
            }
            (None, url, file) => url.or(file),
        };
        let connect = or_variable(self.connect, variable, "TELENOR_START_SCRIPT_CONNECT")?;
        if script.is_none() && connect.is_some() {
            return Err("--start-connect needs --start-script".into());
        }
        Ok(Self {
            origin: or_variable(self.origin, variable, "TELENOR_HTTP_START")?,
            script,
            connect,
        })
    }

    pub(crate) fn add_to(
        &self,
        mut layer: TelenorAuthBuilder,
    ) -> Result<TelenorAuthBuilder, Error> {
        if let Some(origin) = &self.origin {
            step(
                "start page",
                format_args!("on {origin}, which has to lead to this machine"),
            );
            layer = layer.http_start(origin);
        }
        if let Some(script) = &self.script {
            step("start page", format_args!("with the script of {script}"));
            layer = layer.start_script(self.with_connect(load(script)?));
        }
        Ok(layer)
    }

    fn with_connect(&self, script: StartScript) -> StartScript {
        let connect = self.connect.as_deref().unwrap_or_default();
        let origins =
            connect.split(|character: char| character == ',' || character.is_whitespace());
        let origins = origins.filter(|origin| !origin.is_empty());
        origins.fold(script, StartScript::connect)
    }
}

fn load(script: &str) -> Result<StartScript, Error> {
    if script.starts_with("https://") || script.starts_with("http://") {
        return Ok(StartScript::external(script));
    }
    let text = fs::read_to_string(script)
        .map_err(|error| format!("--start-script: cannot read {script:?}: {error}"))?;
    Ok(StartScript::inline(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)], given: StartPage) -> Result<StartPage, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(set, _)| *set == name)?;
            Some(found.1.into())
        };
        let page = given.or_environment(&variable);
        page.map_err(|error| error.to_string())
    }

    #[test]
    fn options_go_before_the_environment() {
        let set = [
            ("TELENOR_HTTP_START", "http://env.example"),
            (SCRIPT_URL, "https://env.example/line.js"),
            ("TELENOR_START_SCRIPT_CONNECT", "https://env.example"),
        ];
        let page = from(&set, StartPage::default()).unwrap();
        assert_eq!(page.origin.as_deref(), Some("http://env.example"));
        assert_eq!(page.script.as_deref(), Some("https://env.example/line.js"));
        let given = StartPage {
            script: Some("line.js".to_owned()),
            ..StartPage::default()
        };
        let page = from(&set, given).unwrap();
        assert_eq!(page.script.as_deref(), Some("line.js"));
        assert_eq!(page.connect.as_deref(), Some("https://env.example"));
    }

    #[test]
    fn script_has_one_source_and_what_it_reaches_is_a_list_that_needs_it() {
        let both = [(SCRIPT_URL, "https://a.example"), (SCRIPT_FILE, "line.js")];
        let mistake = from(&both, StartPage::default()).unwrap_err();
        assert!(mistake.contains(SCRIPT_URL) && mistake.contains(SCRIPT_FILE));
        let connect = [("TELENOR_START_SCRIPT_CONNECT", "https://a.example")];
        let mistake = from(&connect, StartPage::default()).unwrap_err();
        assert!(mistake.contains("--start-script"), "{mistake}");
        let given = StartPage {
            connect: Some("https://a.example, https://b.example\thttps://c.example".to_owned()),
            ..StartPage::default()
        };
        let script = given.with_connect(StartScript::external("https://a.example"));
        let expected = StartScript::external("https://a.example")
            .connect("https://a.example")
            .connect("https://b.example")
            .connect("https://c.example");
        assert_eq!(format!("{script:?}"), format!("{expected:?}"));
        let mistake = load("/nowhere/line.js").unwrap_err().to_string();
        assert!(mistake.contains("--start-script"), "{mistake}");
    }
}
