//! What tests of several crates start beside them: a PostgreSQL server of their own, Debian's, in a folder that goes with it. It ends with
//! the process that started it, however that ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long a server may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it has begun.
const PULSE: Duration = Duration::from_millis(5);
/// What a server for tests is started with: durable against its own death, not against the machine's.
const SETTINGS: &[&str] = &["listen_addresses=", "fsync=off", "max_connections=400", "shared_buffers=64MB"];

/// Starts, kills and ends the server as it is told, and takes it and the folder along when nobody is there any more to tell.
const KEEPER: &str = r#"
program=$1; folder=$2; shift 2
start() { "$program" -D "$folder/data" -k "$folder" "$@" >>"$folder/log" 2>&1 & server=$!; }
while read -r word; do
  case $word in
    start) start "$@" ;;
    kill) kill -KILL $server; wait $server ;;
    stop) kill -INT $server; wait $server ;;
    there) if kill -0 $server 2>/dev/null; then echo yes; else echo no; fi; continue ;;
  esac
  echo done
done
kill -QUIT $server; wait $server; rm -rf "$folder"
"#;

/// A PostgreSQL server. Whoever is on this machine may enter as `transom`, by a socket in the folder.
pub struct Postgres {
    folder: PathBuf,
    bin: PathBuf,
    as_user: Option<(u32, u32)>,
    keeper: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: Child,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Postgres {
    /// The one that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(&[]))
    }

    /// One of its own, with further settings (`name=value`).
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not begin.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), settings)
    }

    /// As [`Postgres::start`], with its folder inside another, such as one on the disk that is to be measured. Where this process is
    /// root's, PostgreSQL's user must be able to enter it.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    #[must_use]
    pub fn start_in(place: &Path, settings: &[&str]) -> Self {
        let (bin, as_user) = (programs(), user());
        let folder = tempfile::Builder::new().prefix("transom-postgres").tempdir_in(place).unwrap().keep();
        if let Some((uid, gid)) = as_user {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let mut init = command(&bin.join("initdb"), as_user);
        init.args(["-A", "trust", "-U", "transom", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(folder.join("data"));
        done(&mut init);
        let mut keeper = command(Path::new("/bin/sh"), as_user);
        keeper.args(["-c", KEEPER, "keeper"]).arg(bin.join("postgres")).arg(&folder);
        for setting in SETTINGS.iter().chain(settings) {
            keeper.args(["-c", setting]);
        }
        // Away from this one's terminal, so that a ctrl-c leaves it time to clean up.
        keeper.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut process = keeper.spawn().unwrap();
        let keeper = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let server = Self { folder, bin, as_user, keeper: Mutex::new(keeper), _process: process };
        server.begin();
        server
    }

    fn tell(&self, word: &str) -> String {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.0, "{word}").unwrap();
        let mut answer = String::new();
        keeper.1.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// Starts it again after [`Postgres::kill`] or [`Postgres::stop`], and waits until it takes work.
    ///
    /// # Panics
    /// When it does not begin.
    pub fn begin(&self) {
        let begun = Instant::now();
        self.tell("start");
        let mut ready = command(&self.bin.join("pg_isready"), self.as_user);
        ready.arg("-q").arg("-h").arg(&self.folder);
        loop {
            if UnixStream::connect(self.folder.join(".s.PGSQL.5432")).is_ok() && ready.status().unwrap().success() {
                return;
            }
            let log = self.folder.join("log");
            assert!(
                begun.elapsed() < PATIENCE,
                "PostgreSQL does not begin: {}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            // After a kill the processes of the former one may hold its memory for a moment.
            if self.tell("there") == "no" {
                self.tell("start");
            }
            std::thread::sleep(PULSE);
        }
    }

    /// `kill -9` of the server; its own processes end when they see it.
    pub fn kill(&self) {
        self.tell("kill");
    }

    /// Ends it as an operator does who restarts it: connections are ended.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// The address of a database that nobody has used yet.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("transom{}", NEXT.fetch_add(1, Ordering::Relaxed));
        done(self.tool("createdb").arg(&name));
        self.address(&name)
    }

    /// The address of a database of it.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        format!("postgres://transom@{}/{database}", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// One of PostgreSQL's own programs, such as `pg_dump`, led to this server.
    #[must_use]
    pub fn tool(&self, name: &str) -> Command {
        let mut tool = command(&self.bin.join(name), self.as_user);
        tool.current_dir(&self.folder).arg("-h").arg(&self.folder).args(["-U", "transom"]);
        tool
    }

    /// Runs SQL in a database, and gives what it answers, a line per row.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        done(self.tool("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]))
    }

    /// The id of its first process, the parent of all others.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process(&self) -> u32 {
        let told = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        told.lines().next().unwrap().trim().parse().unwrap()
    }

    /// Its folder: the server's user can write there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Runs a program that must succeed, and gives what it printed.
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Where Debian has PostgreSQL's own programs, those of the newest version; none where it is not installed.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|one| one.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect();
    found.sort();
    found.pop()
}

fn programs() -> PathBuf {
    installed().expect("PostgreSQL is not installed; on Debian: apt-get install postgresql")
}

/// As whom (user, group) it runs, where this process is root's: PostgreSQL refuses to run as root.
///
/// # Panics
/// When the machine's users cannot be read.
#[must_use]
pub fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}

fn command(program: &Path, as_user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = as_user {
        command.uid(uid).gid(gid);
    }
    command
}
