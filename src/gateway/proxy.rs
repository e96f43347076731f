//! An egress proxy: it connects to the gateway on request (CONNECT, RFC 9110 section 9.3.6), and
//! sees nothing of what is inside TLS.

use std::net::Ipv6Addr;

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::{Host, Url};

/// No answer to CONNECT is longer than this.
const MAX_HEAD: usize = 8 * 1024;

/// It has no `Debug`, since it holds a password.
pub(crate) struct Proxy {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// Whether the connection to the proxy itself uses TLS.
    pub(super) https: bool,
    /// The header with user and password, or nothing.
    authorization: String,
}

impl Proxy {
    /// Reads `http://user:password@proxy.example:3128`. An error says what is wrong with the URL,
    /// and shows nothing of it, since it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let url = Url::parse(url).map_err(|_| "is not a URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("does not begin with http:// or https://");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("has a path, a query or a fragment");
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("has no host"),
        };
        Ok(Self {
            host: host.into(),
            port: url.port_or_known_default().ok_or("has no port")?,
            https: url.scheme() == "https",
            authorization: authorization(&url)?,
        })
    }

    #[cfg(test)]
    pub(crate) fn address(&self) -> (String, u16) {
        (self.host.to_string(), self.port)
    }

    /// Makes a connection to the proxy one to `host`. An error is a text for the log.
    pub(super) async fn open_tunnel<S>(
        &self,
        stream: &mut S,
        host: &str,
        port: u16,
    ) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let broken = |error: std::io::Error| format!("the proxy broke the connection: {error}");
        let authority = match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{port}"),
            Err(_) => format!("{host}:{port}"),
        };
        let authorization = &self.authorization;
        let request =
            format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let head = read_head(stream).await?;
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(
                "the proxy refused the connection with 407: check user and password \
                              in its URL"
                    .to_owned(),
            ),
            Some(status) => Err(format!(
                "the proxy refused the connection with {status}: allow {authority} there"
            )),
            None => Err("the proxy did not answer in HTTP".to_owned()),
        }
    }
}

/// RFC 9110 section 11.7.2.
fn authorization(url: &Url) -> Result<String, &'static str> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return Ok(String::new());
    }
    let user: Vec<u8> = percent_decode_str(user).collect();
    if user.contains(&b':') {
        return Err("has a colon in the user name, which HTTP Basic cannot send");
    }
    let password: Vec<u8> = percent_decode_str(password.unwrap_or_default()).collect();
    let pair = BASE64_STANDARD.encode([&user[..], b":", &password].concat());
    Ok(format!("Proxy-Authorization: Basic {pair}\r\n"))
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, String> {
    let mut stream = stream.take(MAX_HEAD as u64);
    let mut head = Vec::new();
    loop {
        let read = stream.read_buf(&mut head).await;
        let read = read.map_err(|error| format!("the proxy broke the connection: {error}"))?;
        let end = head.windows(4).position(|end| end == b"\r\n\r\n");
        match end {
            // The gateway says nothing before the client does. What a proxy says after a refusal is
            // not read.
            Some(end) if end + 4 < head.len() && matches!(status(&head), Some(200..=299)) => {
                return Err("the proxy sent more than its answer".to_owned());
            }
            Some(_) => return Ok(head),
            None if stream.limit() == 0 => {
                return Err("the proxy's answer is too long".to_owned());
            }
            None if read == 0 => return Err("the proxy closed the connection".to_owned()),
            None => {}
        }
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?.get(1..)?;
    let digits = rest.strip_prefix(b" ")?.first_chunk::<3>()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_decoded() {
        for (url, expected) in [
            ("http://proxy.example:3128", String::new()),
            ("http://u%40x:p%3A%2F%25@proxy.example", basic("u@x:p:/%")),
            ("https://u@proxy.example/", basic("u:")),
        ] {
            assert_eq!(Proxy::parse(url).ok().unwrap().authorization, expected);
        }
    }

    fn basic(pair: &str) -> String {
        let pair = BASE64_STANDARD.encode(pair);
        format!("Proxy-Authorization: Basic {pair}\r\n")
    }

    #[test]
    fn host_and_port_are_read() {
        for (url, host, port, https) in [
            ("http://proxy.example:3128", "proxy.example", 3128, false),
            ("http://proxy.example", "proxy.example", 80, false),
            ("https://proxy.example", "proxy.example", 443, true),
            ("http://[::1]:8080", "::1", 8080, false),
        ] {
            let proxy = Proxy::parse(url).ok().unwrap();
            assert_eq!((&*proxy.host, proxy.port, proxy.https), (host, port, https));
        }
    }

    #[test]
    fn invalid_url_is_refused_without_being_shown() {
        for url in [
            "",
            "proxy.example:3128",
            "canary:secret@proxy.example:3128",
            "socks5://canary@proxy.example",
            "http://canary:secret@proxy.example/path",
            "http://canary@proxy.example?x",
            "http://canary:secret@",
            "http://can%3Aary:secret@proxy.example",
        ] {
            let error = Proxy::parse(url).err().unwrap();
            assert!(
                !error.contains("canary") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    /// What is read of an answer that comes in these pieces.
    async fn read(first: &[u8], rest: &[u8]) -> Result<Vec<u8>, String> {
        read_head(&mut first.chain(rest)).await
    }

    #[tokio::test]
    async fn answer_may_come_in_pieces() {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        for at in 0..head.len() {
            let (first, rest) = head.split_at(at);
            assert_eq!(read(first, rest).await.unwrap(), head);
        }
        let error = read(b"HTTP/1.1 200 OK\r\n", b"\r").await.unwrap_err();
        assert_eq!(error, "the proxy closed the connection");
    }

    #[tokio::test]
    async fn answer_is_read_up_to_its_longest_length() {
        let start = "HTTP/1.1 200 OK\r\nX: ";
        let longest = format!("{start}{}\r\n\r\n", "x".repeat(MAX_HEAD - start.len() - 4));
        let head = read(longest.as_bytes(), b"").await.unwrap();
        assert_eq!(head.len(), MAX_HEAD);
        let longer = longest.replacen('x', "xx", 1);
        let error = read(longer.as_bytes(), b"").await.unwrap_err();
        assert_eq!(error, "the proxy's answer is too long");
    }

    #[test]
    fn status_is_that_of_http() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for head in [
            &b""[..],
            b"HTTP/2 200",
            b"SSH-2.0-x",
            b"HTTP/1.1 2",
            b"HTTP/1.1 abc",
        ] {
            assert_eq!(status(head), None);
        }
    }
}
