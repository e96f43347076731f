//! Inputs that look like a message of HTTP: a first line, header lines, a blank line, a body.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// Stands for what must not be shown. The seeds and dictionaries have it where a secret would be.
pub(super) const CANARY: &str = "canary";

pub(super) struct Message<'d> {
    pub start: &'d [u8],
    pub headers: HeaderMap,
    pub body: &'d [u8],
}

impl<'d> Message<'d> {
    /// Lines that are no header lines are left out.
    pub(super) fn parse(data: &'d [u8]) -> Self {
        let (start, mut rest) = next_line(data);
        let mut headers = HeaderMap::new();
        while !rest.is_empty() {
            let (line, after) = next_line(rest);
            rest = after;
            if line.is_empty() {
                break;
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                let _ = headers.try_append(name, value);
            }
        }
        Self {
            start: start.trim_ascii(),
            headers,
            body: rest,
        }
    }

    /// The message as a response, whose first line is its status.
    pub(super) fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body.to_vec());
        *response.status_mut() = StatusCode::from_bytes(self.start).unwrap_or(StatusCode::OK);
        *response.headers_mut() = self.headers;
        response
    }
}

fn next_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
