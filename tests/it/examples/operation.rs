//! The examples of an app in operation: behind_nginx and kubernetes, with their files.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::Router;
use http::StatusCode;
use telenor_auth::mock::MockGateway;
use tokio::net::UnixStream;

use super::program::{Program, at, between, command};
use crate::support::{Browser, browser::navigation, remote::through, tls::Authority};

/// Says on the terminal, past the capture of the tests, what was not tried.
fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}

fn example(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(file);
    fs::read_to_string(path).unwrap()
}

/// nginx in a folder of its own, on sockets there in place of the ports.
struct Nginx {
    process: Child,
    folder: PathBuf,
}

impl Nginx {
    /// `None` where nginx is not installed.
    async fn start(app: &str, authority: &Authority) -> Option<Self> {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let version = Command::new("nginx").env("PATH", &path).arg("-v").output();
        if !version.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let folder = format!("telenor-auth-nginx-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir(&folder).unwrap();
        let (certificate, key) = authority.issue("shop.example");
        fs::write(folder.join("cert.pem"), certificate).unwrap();
        fs::write(folder.join("key.pem"), key).unwrap();
        let at = folder.display().to_string();
        let server = example("behind_nginx.conf")
            .replace("listen 443 ssl", &format!("listen unix:{at}/https ssl"))
            .replace("listen 80", &format!("listen unix:{at}/http"))
            .replace("/etc/shop/", &format!("{at}/"))
            .replace("/var/log/nginx/", &format!("{at}/"))
            .replace("127.0.0.1:3000", app);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .concat();
        let user =
            match fs::metadata("/proc/self").map(|it| std::os::unix::fs::MetadataExt::uid(&it)) {
                Ok(0) => "user root;",
                _ => "",
            };
        let config = format!(
            "{user}\ndaemon off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{server}}}\n"
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let nginx = || {
            let mut nginx = Command::new("nginx");
            let config = folder.join("nginx.conf");
            nginx
                .env("PATH", &path)
                .arg("-e")
                .arg(folder.join("error.log"));
            nginx.arg("-p").arg(&folder).arg("-c").arg(config);
            nginx
        };
        let test = nginx().arg("-t").output().unwrap();
        assert!(
            test.status.success(),
            "{}",
            String::from_utf8_lossy(&test.stderr)
        );
        let process = nginx().stderr(Stdio::null()).spawn().unwrap();
        let nginx = Self { process, folder };
        let is_up = async {
            while UnixStream::connect(nginx.folder.join("https"))
                .await
                .is_err()
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), is_up)
            .await
            .expect("nginx starts");
        Some(nginx)
    }

    fn browser(&self, authority: &Authority) -> Browser {
        self.visitor("https", authority)
    }

    fn visitor(&self, scheme: &str, authority: &Authority) -> Browser {
        let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([root])
            .unix_socket(self.folder.join(scheme))
            .build()
            .unwrap();
        let router: Router = through(client, &format!("{scheme}://shop.example"));
        Browser {
            router,
            jar: Vec::new(),
        }
    }

    fn logs(&self) -> String {
        let files = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let logs = files.filter(|path| path.extension().is_some_and(|it| it == "log"));
        logs.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        // A master that is killed would leave its workers behind.
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_logs_in_over_https_and_no_log_has_the_code() {
    let gateway = MockGateway::start().await.unwrap();
    let mut settings = at(&gateway);
    settings.retain(|(name, _)| *name != "TELENOR_REDIRECT_URI");
    let mut without = command("behind_nginx");
    let without = without.env("LISTEN", "127.0.0.1:0").output().unwrap();
    let error = String::from_utf8_lossy(&without.stderr);
    assert!(
        !without.status.success() && error.contains("TELENOR_CLIENT_ID"),
        "no mock takes the place of a lost variable: {error}"
    );
    let redirect_uri = "https://shop.example/telenor/callback".to_owned();
    settings.push(("TELENOR_REDIRECT_URI", redirect_uri));
    let mut app = Program::start("behind_nginx", &settings);
    assert_eq!(app.visitor().open("/healthz").await.body, "ok");
    let authority = Authority::generate();
    let address = app.base.replace("http://", "");
    let Some(nginx) = Nginx::start(&address, &authority).await else {
        return skip("behind_nginx.conf", "nginx is not installed");
    };
    let mut browser = nginx.browser(&authority);
    let callback = browser.callback_url(&gateway, "/account").await;
    let done = browser
        .open(callback.trim_start_matches("https://shop.example"))
        .await;
    assert_eq!(done.location(), "https://shop.example/account");
    let account = browser.open("/account").await;
    assert_eq!(account.body, "Du er logget inn");
    let hsts = account.header("strict-transport-security");
    assert_eq!(hsts, Some("max-age=31536000"));
    assert_eq!(browser.open("/healthz").await.status, StatusCode::NOT_FOUND);
    let code = crate::support::query(&callback, "code").unwrap();
    // The name is nginx's own, also where a client sends another one.
    let mut plain = navigation(&format!("/telenor/callback?code={code}"));
    let headers = plain.headers_mut();
    headers.insert("host", "elsewhere.example".parse().unwrap());
    let secure = nginx.visitor("http", &authority).send(plain).await;
    assert_eq!(
        (secure.status, secure.location()),
        (
            StatusCode::PERMANENT_REDIRECT,
            format!("https://shop.example/telenor/callback?code={code}")
        )
    );
    let logs = nginx.logs();
    let lines = logs.matches("\"GET /telenor/callback\"").count();
    assert_eq!(lines, 2, "{logs}");
    assert!(!logs.contains(&code), "{logs}");
    app.terminate();
    assert!(app.ended().success(), "SIGTERM ends it in order");
}

/// `{ name: NAME, value: VALUE }` of the manifest.
fn variables(manifest: &str) -> Vec<(String, String)> {
    let lines = manifest.lines().map(str::trim);
    let entries = lines.filter_map(|line| line.strip_prefix("- { name: ")?.split_once(", value: "));
    entries
        .map(|(name, value)| {
            let value = value.trim_end_matches(" }").trim_matches('"');
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn kubernetes_runs_with_the_variables_and_the_probes_of_its_manifest() {
    let manifest = example("kubernetes/app.yaml");
    let gateway = MockGateway::start().await.unwrap();
    let mut redis = crate::support::redis::Redis::with(&[]).await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let password = ["SET", "requirepass", "canary-of-a-password"];
    let set = redis::cmd("CONFIG").arg(&password).exec(&mut connection);
    set.unwrap();
    let file = std::env::temp_dir().join(format!("telenor-auth-{:016x}", rand::random::<u64>()));
    fs::write(&file, super::program::KEYS).unwrap();

    let mut program = command("kubernetes");
    let variables = variables(&manifest);
    assert_eq!(variables.len(), 5, "{variables:?}");
    for (name, value) in &variables {
        program.env(name, value);
    }
    // Of these, the secret and this machine have the values.
    program
        .env("TELENOR_CLIENT_ID", gateway.client_id())
        .env("TELENOR_CLIENT_SECRET", gateway.client_secret())
        .env("TELENOR_GATEWAY", gateway.base_url());
    for name in [
        "TELENOR_CLIENT_ID",
        "TELENOR_CLIENT_SECRET",
        "REDIS_PASSWORD",
    ] {
        assert!(manifest.contains(&format!("- name: {name}\n")), "{name}");
    }
    let url = variables.iter().find(|(name, _)| name == "REDIS_URL");
    let url = url.unwrap().1.replace("$(REDIS_PASSWORD)", password[2]);
    let url = url.replace("redis:6379", &redis.address().to_string());
    for (name, here) in [
        ("LISTEN", "127.0.0.1:0"),
        ("LISTEN_PROBES", "127.0.0.1:0"),
        ("REDIS_URL", &url),
        ("TELENOR_COOKIE_KEYS_FILE", file.to_str().unwrap()),
    ] {
        assert!(variables.iter().any(|(known, _)| known == name), "{name}");
        program.env(name, here);
    }
    let mut app = Program::spawn(&mut program, "probes on ");
    let mut probes = app.visitor();
    let line = app.line_with("listening on ");
    app.base = format!("http://{}", between(&line, "listening on ", "/"));
    let mut browser = app.visitor();
    let callback = browser.callback_url(&gateway, "/account").await;
    browser
        .open(callback.trim_start_matches("https://shop.example"))
        .await;
    assert_eq!(browser.open("/account").await.body, "Du er logget inn");

    let probe = |name: &str| between(&manifest, &format!("{name}:\n"), "port: probes");
    let path = |name: &str| between(&probe(name), "path: ", ",");
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(
            probes.open(&path(name)).await.status,
            StatusCode::OK,
            "{name}"
        );
        let public = app.visitor().open(&path(name)).await.status;
        assert_eq!(public, StatusCode::NOT_FOUND, "{name}");
    }
    redis.kill();
    let not_ready = async {
        // The store is asked once a second.
        while probes.open(&path("startupProbe")).await.status == StatusCode::OK {}
    };
    let not_ready = tokio::time::timeout(Duration::from_secs(10), not_ready).await;
    not_ready.expect("Redis is away");
    let live = probes.open(&path("livenessProbe")).await;
    assert_eq!(
        live.status,
        StatusCode::OK,
        "an outage of Redis ends no pod"
    );

    app.terminate();
    assert!(app.ended().success(), "SIGTERM ends it in order");
    fs::remove_file(file).unwrap();
}

#[test]
fn kubernetes_manifests_name_each_other_and_the_keys_of_the_secret() {
    let (app, redis) = (
        example("kubernetes/app.yaml"),
        example("kubernetes/redis.yaml"),
    );
    let program = example("kubernetes/main.rs");
    for key in [
        "client-id",
        "client-secret",
        "cookie-keys",
        "redis-password",
    ] {
        assert!(app.contains(&format!("key: {key}")), "{key}");
        assert!(program.contains(key), "{key}");
    }
    assert!(redis.contains("key: redis-password"));
    for service in ["name: redis\n", "port: 6379"] {
        assert!(redis.contains(service), "{service}");
    }
    assert_eq!(app.matches("httpGet: {").count(), 3);
    assert_eq!(app.matches(", port: probes }").count(), 3);
    let service = between(&app, "kind: Service\n", "---");
    assert!(!service.contains("probes"), "{service}");
    // What docs/upgrading.md asks for.
    let seconds = |before: &str| between(&app, before, "\n").replace(" } }", "");
    let seconds = |before: &str| seconds(before).parse::<u32>().unwrap();
    let grace = seconds("terminationGracePeriodSeconds: ");
    assert_eq!(grace, seconds("preStop: { sleep: { seconds: ") + 35);
    for rule in [
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "drop: [ALL]",
    ] {
        assert!(app.contains(rule) && redis.contains(rule), "{rule}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes");
    let Ok(output) = Command::new("kubectl")
        .arg("kustomize")
        .arg(folder)
        .output()
    else {
        return skip("the syntax of the manifests", "kubectl is not installed");
    };
    let built = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for kind in [
        "Deployment",
        "Ingress",
        "PodDisruptionBudget",
        "Service",
        "StatefulSet",
    ] {
        assert!(
            built.contains(&format!("\nkind: {kind}\n")),
            "{kind}: {built}"
        );
    }
}

#[test]
fn dockerfile_pins_its_images_and_runs_as_no_root() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = example("kubernetes/Dockerfile");
    let images: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
        .collect();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let rust = between(&manifest, "rust-version = \"", "\"");
    assert!(
        images[0].starts_with(&format!("rust:{rust}-")),
        "{images:?}"
    );
    assert!(
        images
            .iter()
            .all(|image| image.contains(':') && !image.contains(":latest"))
    );
    assert!(text.contains("\nUSER 65532:65532\n"));
    assert!(text.contains("--locked"));
    match Command::new("hadolint")
        .arg(root.join("examples/kubernetes/Dockerfile"))
        .output()
    {
        Ok(lint) => {
            let findings = String::from_utf8_lossy(&lint.stdout);
            assert!(lint.status.success(), "{findings}");
        }
        Err(_) => skip("hadolint of the Dockerfile", "hadolint is not installed"),
    }
}

/// It takes minutes, and the network for its images.
#[test]
#[ignore = "scripts/test-image runs it"]
fn dockerfile_builds_where_a_builder_is_at_hand() {
    let root = env!("CARGO_MANIFEST_DIR");
    let can_build = |program: &&str| {
        let info = Command::new(program).arg("info").output();
        info.is_ok_and(|output| output.status.success())
    };
    let Some(builder) = ["docker", "podman", "buildah"].into_iter().find(can_build) else {
        return skip(
            "a build of the Dockerfile",
            "no docker, podman or buildah answers",
        );
    };
    let file = "examples/kubernetes/Dockerfile";
    let mut build = Command::new(builder);
    build.current_dir(root).args([
        "build",
        "--file",
        file,
        "--tag",
        "telenor-auth-example",
        ".",
    ]);
    assert!(build.status().unwrap().success());
}
