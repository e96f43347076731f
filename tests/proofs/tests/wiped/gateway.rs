//! A gateway whose tokens a test chooses, on a thread of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Less than a secret needs to be found by. So only what the layer makes of these pieces is found,
/// and not the buffers in which they arrive.
const CHUNK: usize = 7;

/// Answers each token request with the next of these bodies, and each other request with `{}`.
pub struct Gateway {
    pub base_url: String,
    token_requests: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    pub fn start(token_responses: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let token_requests = Arc::<Mutex<Vec<String>>>::default();
        let requests = Arc::clone(&token_requests);
        thread::spawn(move || {
            let responses = Arc::new(token_responses);
            for stream in listener.incoming() {
                let (requests, responses) = (Arc::clone(&requests), Arc::clone(&responses));
                thread::spawn(move || serve(stream.unwrap(), &requests, &responses));
            }
        });
        Self {
            base_url,
            token_requests,
        }
    }

    /// A parameter of a token request, as it was sent.
    pub fn parameter(&self, request: usize, name: &str) -> Option<String> {
        let requests = self.token_requests.lock().unwrap();
        let mut pairs = requests.get(request)?.split('&');
        let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    }
}

/// Serves one connection until the client closes it.
fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>, responses: &[String]) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let response = if head[0].starts_with("post /oauth/v2/token ") {
            let mut requests = requests.lock().unwrap();
            requests.push(String::from_utf8(body).unwrap());
            &responses[requests.len() - 1]
        } else {
            "{}"
        };
        let mut sent = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
            transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        for chunk in response.as_bytes().chunks(CHUNK) {
            write!(sent, "{:x}\r\n", chunk.len()).unwrap();
            sent.extend_from_slice(chunk);
            sent.extend_from_slice(b"\r\n");
        }
        sent.extend_from_slice(b"0\r\n\r\n");
        if stream.write_all(&sent).is_err() {
            return;
        }
    }
}
