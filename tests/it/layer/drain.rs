//! A request that the layer answers itself has its body read before the answer goes out.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    response::IntoResponse,
};
use http::{Method, Request, Response, StatusCode, Version, header};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use telenor_auth::{
    PlainHttp, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    session::{Fault, FaultyStore, MemoryStore},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tower::ServiceExt;

use crate::support::{self, Hits};

const SESSION: &str = "__Host-telenor-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const MIB: usize = 1024 * 1024;
static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];

fn builder() -> TelenorAuthBuilder {
    TelenorAuthLayer::builder("client", "secret", "https://app.test/telenor/callback")
}

fn app(auth: TelenorAuthBuilder) -> Router {
    support::routes(&Hits::default()).layer(auth.build().unwrap())
}

/// A store behind a network: the session cookie is looked up before the answer is known.
fn remote_store() -> FaultyStore<MemoryStore> {
    let store = FaultyStore::new(MemoryStore::new());
    store.set(Fault::Slow);
    store
}

/// Serves the app, and connects to it.
async fn connect(app: Router) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    TcpStream::connect(address).await.unwrap()
}

fn head(target: &str, lines: &str) -> String {
    format!("{target} HTTP/1.1\r\nhost: app.test\r\naccept: text/html\r\n{lines}\r\n")
}

/// Reads one answer, and whether the server closes the connection after it.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text.into_owned();
            }
        }
        let count = stream.read_buf(&mut read).await.expect("no reset");
        assert!(count > 0, "closed inside the answer");
    }
}

#[tokio::test]
async fn large_body_is_read_before_the_answer() {
    for (auth, target, more, status) in [
        (builder(), "POST /form", "", "303"),
        (builder(), "PUT /form", "", "401"),
        (builder(), "POST /telenor/login", "", "405"),
        (builder(), "POST /telenor/logout", "", "403"),
        // The extractor of the handler finds out that a login is needed.
        (builder().optional(true), "POST /name", "", "303"),
        (
            builder().session_store(remote_store()),
            "POST /form",
            &format!("cookie: {SESSION}\r\n"),
            "303",
        ),
    ] {
        let mut stream = connect(app(auth)).await;
        for round in 0..2 {
            let length = format!("content-length: {}\r\n{more}", 8 * MIB);
            stream
                .write_all(head(target, &length).as_bytes())
                .await
                .unwrap();
            for _ in 0..8 * MIB / PIECE.len() {
                stream.write_all(&PIECE).await.expect("no reset");
            }
            let answer = read_answer(&mut stream).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{target}: {answer}"
            );
            // The connection is good for another request.
            assert!(
                !answer.contains("connection: close"),
                "{target}, {round}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn chunked_body_is_read_before_the_answer() {
    let mut stream = connect(app(builder())).await;
    let head = head("POST /form", "transfer-encoding: chunked\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..2 * MIB / PIECE.len() {
        stream
            .write_all(format!("{:x}\r\n", PIECE.len()).as_bytes())
            .await
            .unwrap();
        stream.write_all(&PIECE).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 303") && !answer.contains("connection: close"));
}

#[tokio::test]
async fn body_beyond_the_limit_closes_the_connection() {
    let stream = connect(app(builder())).await;
    let (mut reading, mut writing) = stream.into_split();
    let head = head("POST /form", &format!("content-length: {}\r\n", 17 * MIB));
    let sending = tokio::spawn(async move {
        writing.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..17 * MIB / PIECE.len() {
            if writing.write_all(&PIECE).await.is_err() {
                break;
            }
        }
        writing
    });
    let mut read = Vec::new();
    while !read.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        assert!(reading.read_buf(&mut read).await.expect("no reset") > 0);
    }
    let answer = String::from_utf8(read).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    drop(sending);
}

#[tokio::test]
async fn client_that_waits_for_continue_is_answered_at_once() {
    for expect in ["100-continue", "100-Continue"] {
        let mut stream = connect(app(builder())).await;
        let lines = format!("content-length: 1000\r\nexpect: {expect}\r\n");
        stream
            .write_all(head("POST /form", &lines).as_bytes())
            .await
            .unwrap();
        let answer = read_answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{expect}: {answer}");
        assert!(
            answer.contains("connection: close\r\n"),
            "the body is not awaited"
        );
    }
}

#[tokio::test]
async fn body_over_http2_is_read_before_the_answer() {
    let stream = connect(app(builder())).await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = Request::post("http://app.test/form")
        .version(Version::HTTP_2)
        .header(header::ACCEPT, "text/html");
    let (response, mut body) = client
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    let mut left = 4 * MIB;
    while left > 0 {
        body.reserve_capacity(left.min(PIECE.len()));
        let capacity = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
        let capacity = capacity
            .unwrap()
            .expect("the stream is not reset")
            .min(left);
        left -= capacity;
        body.send_data(Bytes::from(vec![b'x'; capacity]), left == 0)
            .unwrap();
    }
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(!response.headers().contains_key(header::CONNECTION));
}

/// A body of frames that come at these intervals, and then nothing more, or its end.
struct Slow {
    every: Duration,
    frames: usize,
    ends: bool,
    next: Option<Pin<Box<tokio::time::Sleep>>>,
    polled: Arc<AtomicUsize>,
}

impl Slow {
    fn new(every: u64, frames: usize, ends: bool) -> Self {
        Self {
            every: Duration::from_secs(every),
            frames,
            ends,
            next: None,
            polled: Arc::default(),
        }
    }
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.polled.fetch_add(1, Ordering::SeqCst);
        if self.frames == 0 {
            return if self.ends {
                Poll::Ready(None)
            } else {
                Poll::Pending
            };
        }
        if !self.every.is_zero() {
            let every = self.every;
            let next = self
                .next
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
            std::task::ready!(next.as_mut().poll(cx));
            self.next = None;
        }
        self.frames -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

fn post(body: Body) -> Request<Body> {
    let request = Request::post("/form").header(header::ACCEPT, "text/html");
    request.body(body).unwrap()
}

fn closes(response: &Response<Body>) -> bool {
    let connection = response.headers().get(header::CONNECTION);
    connection.is_some_and(|value| value == "close")
}

#[tokio::test(start_paused = true)]
async fn client_that_sends_slowly_is_answered_after_ten_seconds() {
    let app = app(builder());
    for (body, seconds, closed) in [
        (Slow::new(1, usize::MAX, false), 10, true),
        (Slow::new(0, 3, false), 10, true),
        (Slow::new(1, 4, true), 4, false),
    ] {
        let begun = Instant::now();
        let response = app.clone().oneshot(post(Body::new(body))).await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(begun.elapsed().as_secs(), seconds);
        assert_eq!(closes(&response), closed, "{seconds}");
    }
    let mut request = post(Body::new(Slow::new(1, usize::MAX, false)));
    *request.version_mut() = Version::HTTP_2;
    let response = app.oneshot(request).await.unwrap();
    assert!(
        !response.headers().contains_key(header::CONNECTION),
        "HTTP/2 has no such header"
    );
}

#[tokio::test]
async fn answer_to_a_head_request_has_its_length_and_no_body() {
    let request = |method| {
        let request = Request::builder().method(method).uri("/telenor/callback");
        let request = request.header(header::ACCEPT, "text/html");
        app(builder()).oneshot(request.body(Body::empty()).unwrap())
    };
    let head = request(Method::HEAD).await.unwrap();
    assert_eq!(head.status(), StatusCode::METHOD_NOT_ALLOWED);
    let length = head.headers()[header::CONTENT_LENGTH].to_str().unwrap();
    let length: usize = length.parse().unwrap();
    assert!(length > 0);
    let body = head.into_body().collect().await.unwrap().to_bytes();
    assert!(body.is_empty());
    let put = request(Method::PUT).await.unwrap();
    let body = put.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        body.len(),
        length,
        "the length of the answer to other methods"
    );
}

/// A service without axum's routes, whose handler finds that a login is needed.
#[tokio::test]
async fn answer_of_a_handler_to_a_head_request_has_no_body_either() {
    let service = tower::service_fn(async |request: Request<Body>| {
        let user = TelenorUser::of_request(&request);
        let response = user.map(|_| Response::new(Body::empty()));
        Ok::<_, Infallible>(response.unwrap_or_else(IntoResponse::into_response))
    });
    let auth = builder().optional(true).build().unwrap();
    let request = Request::head("/private").header(header::ACCEPT, "text/html");
    let request = request.body(Body::empty()).unwrap();
    let response = tower::Layer::layer(&auth, service)
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers().contains_key(header::CONTENT_LENGTH));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.is_empty());
}

/// Axum empties the body of an answer to HEAD. A body of unknown length leaves no length behind.
#[tokio::test]
async fn answer_to_a_head_request_that_has_lost_its_body_gets_no_length() {
    let service = tower::service_fn(async |request: Request<Body>| {
        let user = TelenorUser::of_request(&request);
        let mut response = user.map(drop).unwrap_err().into_response();
        *response.body_mut() = Body::empty();
        Ok::<_, Infallible>(response)
    });
    let auth = builder().optional(true).build().unwrap();
    let request = Request::head("/private").header(header::ACCEPT, "text/html");
    let request = request.body(Body::empty()).unwrap();
    let answered = tower::Layer::layer(&auth, service).oneshot(request);
    let response = answered.await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
}

#[tokio::test(start_paused = true)]
async fn endless_body_that_never_waits_is_left_at_the_limit() {
    /// Frames without data.
    struct Empty;
    impl http_body::Body for Empty {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
        }
    }
    let ticks = async {
        // Time goes on by itself only while nothing is left to do.
        for _ in 0..11 {
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    let answered = app(builder()).oneshot(post(Body::new(Empty)));
    let (response, ()) = tokio::join!(answered, ticks);
    assert!(closes(&response.unwrap()));
}

#[tokio::test]
async fn body_that_fails_does_not_hold_the_answer_back() {
    struct Broken;
    impl http_body::Body for Broken {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Ready(Some(Err(std::io::Error::other("broken"))))
        }
    }
    let response = app(builder())
        .oneshot(post(Body::new(Broken)))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(closes(&response), "the rest of the body is unread");
}

#[test]
fn without_a_runtime_the_answer_does_not_wait() {
    let body = Body::new(Slow::new(0, 3, false));
    let mut answer = pin!(app(builder()).oneshot(post(body)));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(response) = answer.as_mut().poll(&mut cx) else {
        panic!("answered at once")
    };
    assert!(closes(&response.unwrap()));
}

#[tokio::test]
async fn body_that_is_not_to_be_read_is_not_polled() {
    for (method, version, expect, polls) in [
        (Method::POST, Version::HTTP_11, Some("100-continue"), false),
        (Method::POST, Version::HTTP_2, Some(" 100-CONTINUE "), false),
        (Method::POST, Version::HTTP_10, Some("100-continue"), true),
        (Method::POST, Version::HTTP_11, Some("100"), true),
        (Method::POST, Version::HTTP_11, None, true),
        (Method::CONNECT, Version::HTTP_2, None, false),
    ] {
        let body = Slow::new(0, 1, true);
        let polled = Arc::clone(&body.polled);
        let mut request = post(Body::new(body));
        *request.method_mut() = method.clone();
        *request.version_mut() = version;
        if let Some(expect) = expect {
            request
                .headers_mut()
                .insert(header::EXPECT, expect.parse().unwrap());
        }
        let response = app(builder()).oneshot(request).await.unwrap();
        assert_eq!(
            polled.load(Ordering::SeqCst) > 0,
            polls,
            "{method} {version:?} {expect:?}"
        );
        assert_eq!(closes(&response), !polls && version < Version::HTTP_2);
    }
}

#[tokio::test]
async fn plain_http_and_a_failing_store_are_answered_after_the_body() {
    let store = FaultyStore::new(MemoryStore::new());
    store.set(Fault::Error);
    let failing = app(builder().session_store(store));
    let plain = app(builder()).layer(Extension(PlainHttp));
    for (app, status) in [(failing, 503), (plain, 401)] {
        let body = Slow::new(0, 1, true);
        let polled = Arc::clone(&body.polled);
        let mut request = post(Body::new(body));
        request
            .headers_mut()
            .insert(header::COOKIE, SESSION.parse().unwrap());
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(polled.load(Ordering::SeqCst), 2, "read to its end");
    }
}

#[tokio::test]
async fn handler_of_an_optional_layer_gets_the_whole_body() {
    let read = async |body: Bytes| body.len().to_string();
    let routes = Router::new().route("/read", axum::routing::post(read));
    let app = routes.layer(builder().optional(true).build().unwrap());
    let mut stream = connect(app).await;
    for _ in 0..2 {
        let length = format!("content-length: {MIB}\r\n");
        let head = head("POST /read", &length);
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..MIB / PIECE.len() {
            stream.write_all(&PIECE).await.unwrap();
        }
        let answer = read_answer(&mut stream).await;
        assert!(answer.ends_with(&MIB.to_string()), "{answer}");
    }
}

/// A handler that passes a request on needs both.
#[tokio::test]
async fn body_of_an_anonymous_request_has_its_length_and_its_end() {
    let service = tower::service_fn(async |request: Request<Body>| {
        let mut body = request.into_body();
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(!body.is_end_stream());
        let read = (&mut body).collect().await.unwrap().to_bytes();
        assert_eq!(&read[..], b"form");
        assert!(body.is_end_stream());
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let auth = builder().optional(true).build().unwrap();
    let answered = tower::Layer::layer(&auth, service).oneshot(post(Body::from("form")));
    assert_eq!(answered.await.unwrap().status(), StatusCode::OK);
}
