//! One node: a Patroni, and the PostgreSQL server that it starts.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::settings::Ports;

/// What a node answers within, or does not count.
const ANSWER: Duration = Duration::from_secs(2);

/// As whom and where programs of the cluster run, and where they write what they have to say.
pub(super) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) logs: PathBuf,
    /// PostgreSQL's own programs.
    pub(super) bin: PathBuf,
    pub(super) as_user: Option<(u32, u32)>,
}

impl Ground {
    /// A program that inherits nothing that could tell it something else.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.as_user {
            command.uid(uid).gid(gid);
        }
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C").env("HOME", &self.folder);
        command.current_dir(&self.folder);
        command
    }

    /// Starts a program that stays, as the leader of a group, with its process id in `NAME.pid` for whoever clears up.
    pub(super) fn begin(&self, name: &str, program: &str, args: &[String]) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.logs.join(format!("{name}.log")))?;
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", r#"echo $$ >"$1"; shift; exec "$@""#, "start"]);
        command.arg(self.folder.join(format!("{name}.pid"))).arg(program).args(args);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        command.spawn().with_context(|| format!("{program} cannot be started"))
    }
}

/// A node of the cluster.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) ports: Ports,
    patroni: Option<Child>,
}

impl Node {
    /// One whose configuration is written, and that does not run yet.
    pub(super) fn new(name: String, ports: Ports) -> Self {
        Self { name, ports, patroni: None }
    }

    /// Starts Patroni, unless it runs.
    pub(super) fn start(&mut self, ground: &Ground) -> Result<()> {
        if let Some(patroni) = &mut self.patroni
            && patroni.try_wait()?.is_none()
        {
            return Ok(());
        }
        let configuration = ground.folder.join(format!("{}.yml", self.name)).display().to_string();
        self.patroni = Some(ground.begin(&self.name, "patroni", &[configuration])?);
        Ok(())
    }

    /// Takes note of a Patroni that was killed.
    pub(super) fn gone(&mut self) -> Result<()> {
        if let Some(mut patroni) = self.patroni.take() {
            patroni.wait()?;
        }
        Ok(())
    }

    /// How Patroni ended, if it did so by itself.
    pub(super) fn ended(&mut self) -> Result<Option<String>> {
        let Some(patroni) = &mut self.patroni else { return Ok(None) };
        Ok(patroni.try_wait()?.map(|status| status.to_string()))
    }

    /// Patroni's process.
    pub(super) fn patroni(&self) -> Result<u32> {
        self.patroni.as_ref().map(Child::id).with_context(|| format!("no Patroni runs at {}", self.name))
    }

    /// The server's first process, and those that it started.
    pub(super) fn server(&self, ground: &Ground) -> Result<(u32, Vec<u32>)> {
        let file = ground.folder.join(&self.name).join("postmaster.pid");
        let first = std::fs::read_to_string(&file).with_context(|| format!("no server runs at {}", self.name))?;
        let postmaster: u32 = first.lines().next().unwrap_or_default().trim().parse().context(file.display().to_string())?;
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        Ok((postmaster, children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()))
    }

    /// What this node's Patroni says of the cluster; an error where it says nothing.
    pub(super) fn view(&self) -> Result<Value> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.rest)), ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(b"GET /cluster HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        Ok(serde_json::from_str(body)?)
    }

    /// Runs SQL in a database of this node, and gives what it answers, a row per line.
    ///
    /// # Errors
    /// When it is refused, or not answered in time.
    pub(super) fn sql(&self, ground: &Ground, database: &str, sql: &str) -> Result<String> {
        let mut psql = ground.command(Path::new("timeout"));
        psql.arg(format!("{}", ANSWER.as_secs_f32())).arg(ground.bin.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-d",
            database,
            "-c",
            sql,
        ]);
        let output = psql.arg("-p").arg(self.ports.postgres.to_string()).output()?;
        if !output.status.success() {
            bail!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
