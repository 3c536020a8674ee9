//! Real processes for the tests: started on free ports, spoken to over HTTP, killed when the test ends.

#![expect(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use transom_testing::Postgres;

/// How long one thing may take that should take milliseconds: machines are busy, and hanging is worse than waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test, without anything of this machine's own configuration.
pub(crate) fn transom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_transom"));
    for (name, _) in std::env::vars() {
        if name.starts_with("TRANSOM_") || name.starts_with("META_") {
            command.env_remove(name);
        }
    }
    command
}

/// A command of the binary's on a folder: its own store, or the database that stands for it.
pub(crate) fn at(dir: &Path, args: &[&str]) -> Command {
    let mut command = transom();
    command.args(args).arg("--dir").arg(dir);
    let Some(url) = database_of(dir) else { return command };
    command.env("TRANSOM_SEAL_KEY", KEY);
    if args.first() == Some(&"dev") {
        // A desk takes no settings from the environment.
        command.args(["--store", &url]);
    } else {
        command.env("TRANSOM_STORE__URL", url);
    }
    command
}

/// The sealing key of houses whose store is not in their folder.
pub(crate) const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Which database stands for the store of a folder; none where it has one of its own, as it does unless
/// `TRANSOM_TEST_STORE=postgres` is set. This is the one place that chooses.
pub(crate) fn database_of(dir: &Path) -> Option<String> {
    static DATABASES: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    match std::env::var("TRANSOM_TEST_STORE").as_deref() {
        Err(_) | Ok("" | "sqlite") => None,
        Ok("postgres") => {
            // The operator's commands are led to a desk's folder as well as to the gateway's inside it.
            let dir = if dir.ends_with("gateway") { dir.parent().unwrap_or(dir) } else { dir }.to_owned();
            Some(DATABASES.lock().unwrap().entry(dir).or_insert_with(|| Postgres::shared().database()).clone())
        }
        Ok(other) => panic!("TRANSOM_TEST_STORE={other}: write sqlite or postgres"),
    }
}

/// Runs a command to its end: its exit code, and what it said on standard error.
pub(crate) fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = run(command);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// Runs a command that must succeed, and gives what it printed as JSON.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{command:?} printed no JSON ({why}): {said}"))
}

/// A port that is free now; for processes that must come back on the same one.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that runs until the test ends.
pub(crate) struct Running {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts it; its log goes to the test's own standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::with_log(command, Stdio::inherit())
    }

    /// Starts it; its log goes to a file.
    pub(crate) fn start_logging(command: &mut Command, log: &Path) -> Self {
        Self::with_log(command, std::fs::File::create(log).unwrap().into())
    }

    fn with_log(command: &mut Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// Reads what it prints up to a line that begins with `begin`, and gives that line.
    pub(crate) fn until(&mut self, begin: &str) -> String {
        let output = self.output.as_mut().unwrap();
        loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).unwrap();
            assert!(read > 0, "the process ended before it printed {begin:?}");
            if line.starts_with(begin) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Reads one JSON object, printed over several lines.
    pub(crate) fn object(&mut self) -> Value {
        let output = self.output.as_mut().unwrap();
        let mut text = String::new();
        while !text.ends_with("}\n") || text.lines().last() != Some("}") {
            assert!(output.read_line(&mut text).unwrap() > 0, "the process ended before it printed JSON: {text}");
        }
        serde_json::from_str(&text).unwrap()
    }

    /// Reads lines as they come, from now on in the background.
    pub(crate) fn lines(&mut self) -> Arc<Mutex<Vec<String>>> {
        let (output, lines) = (self.output.take().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        lines
    }

    /// Reads nothing more of what it prints.
    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// Asks it to stop, waits, and says whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        self.signal("TERM");
        self.child.wait().unwrap().success()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `dev.env` as a map.
pub(crate) fn env_file(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// A client for one base address, perhaps under a key.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Api {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, base: base.to_owned(), key: key.to_owned() }
    }

    /// Calls; none when nobody answered.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency: Option<&str>,
    ) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).header("x-api-key", &self.key);
        if let Some(key) = idempotency {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_call(method, path, body, None).await.unwrap_or_else(|| panic!("{path} was not answered"))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, json) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, json) = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&status), "{path}: HTTP {status} {json}");
        json
    }
}

/// A running `transom dev`, on free ports.
pub(crate) struct Dev {
    pub(crate) running: Running,
    /// What its `dev.env` says.
    pub(crate) env: BTreeMap<String, String>,
    /// The gateway, as the business.
    pub(crate) api: Api,
    /// The simulator.
    pub(crate) desk: Api,
}

impl Dev {
    /// Starts it in a folder, or starts it again, and waits until it is ready.
    pub(crate) fn open(dir: &Path) -> Self {
        Self::open_at(dir, [0, 0])
    }

    /// As [`Dev::open`], with ports of gateway and simulator for those who are to find it there again.
    pub(crate) fn open_at(dir: &Path, ports: [u16; 2]) -> Self {
        let [gateway, simulator] = ports.map(|port| port.to_string());
        Self::of(dir, &mut at(dir, &["dev", "--port", &gateway, "--simulator-port", &simulator]))
    }

    /// As [`Dev::open`], by a command of its own.
    pub(crate) fn of(dir: &Path, command: &mut Command) -> Self {
        let mut running = Running::start(command);
        running.until("Transom is ready");
        let env = env_file(&dir.join("dev.env"));
        let api = Api::new(&env["TRANSOM_URL"], &env["TRANSOM_API_KEY"]);
        let desk = Api::new(&env["SIMULATOR_URL"], "");
        Self { running, env, api, desk }
    }

    /// A path of its business.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}{rest}", self.env["TRANSOM_BUSINESS"])
    }

    /// The phone of a customer that every desk has: Ana, who has written, or Bo, who has not.
    pub(crate) async fn phone_of(&self, name: &str) -> String {
        let people = self.desk.get("/sim/v1/customers").await;
        let found = people["data"].as_array().unwrap().iter().find(|customer| customer["name"] == name).unwrap();
        found["phone"].as_str().unwrap().to_owned()
    }
}

/// Looks again and again until something is there.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    until_seen(what, || {
        let looked = look();
        async { looked.await.ok_or("nothing") }
    })
    .await
}

/// Looks again and again until something is there; if it never is, says what was seen last.
pub(crate) async fn until_seen<T, S: std::fmt::Display, F: Future<Output = Result<T, S>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let mut pulse = tokio::time::interval(Duration::from_millis(20));
    let mut seen = None;
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            pulse.tick().await;
            match look().await {
                Ok(found) => return found,
                Err(instead) => seen = Some(instead),
            }
        }
    });
    let found = found.await;
    found.unwrap_or_else(|_| {
        panic!("{what} did not happen; seen last: {}", seen.map_or_else(String::new, |seen| seen.to_string()))
    })
}
