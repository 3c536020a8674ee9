//! Three PostgreSQL nodes under Patroni, with etcd, all on loopback and in a folder that goes with them. Whatever ends the process that
//! started them, ends them.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::node::{Ground, Node};
use super::settings::{self, Ports, SETTINGS};

const NODES: usize = 3;
/// Until all is as it should be, at the start and after a node came back: copies are made meanwhile, on a machine that has other work.
const WELL: Duration = Duration::from_secs(180);
/// Between two looks.
const PULSE: Duration = Duration::from_millis(100);
/// Below those that the system gives out by itself, so that what was free stays so.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

const KEEPER: &str = include_str!("keeper.sh");

/// How a primary is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    /// The server dies; its Patroni sees that.
    Postmaster,
    /// Both die at once, as they do with their machine.
    PostmasterAndPatroni,
    /// Patroni dies: the server goes on with nobody to stop it while another takes over.
    Patroni,
    /// Both stand still and keep their connections, as a machine does that hangs; they go on where they were once they are revived.
    Freeze,
}

impl Kill {
    pub(crate) const ALL: [Self; 4] = [Self::Postmaster, Self::PostmasterAndPatroni, Self::Patroni, Self::Freeze];

    /// In words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Postmaster => "the server of the primary is killed",
            Self::PostmasterAndPatroni => "the server of the primary and its Patroni are killed",
            Self::Patroni => "the Patroni of the primary is killed, its server goes on",
            Self::Freeze => "the server of the primary and its Patroni stand still",
        }
    }
}

/// What was lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Killed {
    /// Which node it was.
    pub(crate) node: usize,
    /// Right before the signal.
    pub(crate) at: Instant,
    how: Kill,
}

/// The cluster. It ends when it is dropped.
pub(crate) struct Cluster {
    ground: Ground,
    nodes: Vec<Node>,
    etcd: Child,
    keeper: Child,
}

/// Says which of Debian's packages is missing.
///
/// # Errors
/// When one is.
pub(crate) fn tools() -> Result<()> {
    let there =
        |program: &str| ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|dir| Path::new(dir).join(program).exists());
    let mut missing: Vec<&str> = [("etcd", "etcd-server"), ("patroni", "patroni")]
        .iter()
        .filter(|(program, _)| !there(program))
        .map(|(_, package)| *package)
        .collect();
    if transom_testing::installed().is_none() {
        missing.push("postgresql");
    }
    if !missing.is_empty() {
        bail!(
            "not installed; on Debian: apt-get install --no-install-recommends {} (and stop the services it starts)",
            missing.join(" ")
        );
    }
    Ok(())
}

/// So many ports that are free.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    // Two runs at once begin at different ones.
    let length = PORTS.end - PORTS.start;
    let first = u16::try_from(u64::from(std::process::id()) * 16 % u64::from(length)).unwrap_or(0);
    let found: Vec<u16> = (0..length)
        .map(|n| PORTS.start + (first + n) % length)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .take(count)
        .collect();
    if found.len() < count { bail!("no free ports between {} and {}", PORTS.start, PORTS.end) } else { Ok(found) }
}

/// Asks again until it is so, for so long.
fn until<T>(within: Duration, what: &str, logs: &Path, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(why) if begun.elapsed() > within => {
                return Err(why.context(format!(
                    "{what} did not come in {} s; see the logs in {}",
                    within.as_secs(),
                    logs.display()
                )));
            }
            Err(_) => std::thread::sleep(PULSE),
        }
    }
}

/// Whether all of them were there to be told.
fn signal(name: &str, processes: &[u32]) -> Result<bool> {
    let output = Command::new("kill").arg(format!("-{name}")).args(processes.iter().map(u32::to_string)).output()?;
    Ok(output.status.success())
}

impl Cluster {
    /// Starts all of it, with an empty database `transom` of the user `transom`, and waits until there are a primary, a synchronous
    /// standby and a third node that streams. Logs go into a folder.
    ///
    /// # Errors
    /// When a program is missing, or that does not come.
    pub(crate) fn start(logs: &Path) -> Result<Self> {
        tools()?;
        let folder = tempfile::Builder::new().prefix("transom-cluster").tempdir()?.keep();
        let bin = transom_testing::installed().context("PostgreSQL is not installed")?;
        let ground = Ground { folder: folder.clone(), logs: logs.to_owned(), bin, as_user: transom_testing::user() };
        if let Some((uid, gid)) = ground.as_user {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid))?;
        }
        // Before anything else: it clears up.
        let mut keeper = ground.command(Path::new("/bin/sh"));
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Away from this one's terminal, so that a ctrl-c leaves it time for that.
        let keeper = keeper.process_group(0).spawn()?;

        let ports = free_ports(2 + 2 * NODES)?;
        let (client, peer) = (ports.first().copied().unwrap_or_default(), ports.get(1).copied().unwrap_or_default());
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let args = [
            ("--name", "etcd".to_owned()),
            ("--data-dir", folder.join("etcd").display().to_string()),
            ("--listen-client-urls", url(client)),
            ("--advertise-client-urls", url(client)),
            ("--listen-peer-urls", url(peer)),
            ("--initial-advertise-peer-urls", url(peer)),
            ("--initial-cluster", format!("etcd={}", url(peer))),
            ("--enable-v2", "true".to_owned()),
        ];
        let args: Vec<String> = args.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let etcd = ground.begin("etcd", "etcd", &args)?;
        let mut nodes = Vec::new();
        for (n, pair) in ports.get(2..).unwrap_or_default().chunks_exact(2).enumerate() {
            if let [rest, postgres] = *pair {
                let node = Node::new(format!("node{n}"), Ports { rest, postgres });
                let text = settings::of_node(&folder, &ground.bin, &node.name, node.ports, client);
                std::fs::write(folder.join(format!("{}.yml", node.name)), text)?;
                nodes.push(node);
            }
        }
        let mut cluster = Self { ground, nodes, etcd, keeper };
        for node in &mut cluster.nodes {
            node.start(&cluster.ground)?;
        }
        let primary = cluster.until_well("a primary with two standbys")?;
        let node = cluster.node(primary)?;
        node.sql(&cluster.ground, "postgres", "CREATE ROLE transom LOGIN")?;
        node.sql(&cluster.ground, "postgres", "CREATE DATABASE transom OWNER transom")?;
        node.sql(&cluster.ground, "postgres", "CREATE TABLE pulse (beat bigint NOT NULL)")?;
        node.sql(&cluster.ground, "postgres", "INSERT INTO pulse VALUES (0)")?;
        Ok(cluster)
    }

    fn node(&self, n: usize) -> Result<&Node> {
        self.nodes.get(n).context("no such node")
    }

    /// What `store.url` is for all replicas: every node, whichever of them is the primary.
    pub(crate) fn address(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.ports.postgres)).collect();
        format!("postgres://transom@{}/transom", hosts.join(","))
    }

    /// Which node leads, as those say who answer: not one that was killed, which may still believe it does.
    fn leader(&self, but: Option<usize>) -> Result<usize> {
        let mut why = None;
        for (n, node) in self.nodes.iter().enumerate().filter(|(n, _)| Some(*n) != but) {
            match node.view() {
                Ok(view) => {
                    let members = view["members"].as_array().cloned().unwrap_or_default();
                    let leader =
                        members.iter().find(|member| member["role"] == "leader").and_then(|member| member["name"].as_str());
                    let found = self.nodes.iter().position(|node| Some(node.name.as_str()) == leader);
                    return found
                        .filter(|found| Some(*found) != but)
                        .with_context(|| format!("node {n} knows of no leader: {view}"));
                }
                Err(error) => why = Some(error),
            }
        }
        Err(why.unwrap_or_else(|| anyhow::anyhow!("no Patroni answers")))
    }

    /// Its own word: two stream from it, one of which each commit waits for, and Patroni knows which.
    fn is_well(&mut self) -> Result<usize> {
        if let Some(status) = self.etcd.try_wait()? {
            bail!("etcd ended with {status}");
        }
        for node in &mut self.nodes {
            if let Some(status) = node.ended()? {
                bail!("the Patroni of {} ended with {status}", node.name);
            }
        }
        let leader = self.leader(None)?;
        let node = self.node(leader)?;
        let view = node.view()?;
        if !view["members"].as_array().is_some_and(|all| all.iter().any(|member| member["role"] == "sync_standby")) {
            bail!("no synchronous standby: {view}");
        }
        let streams = "SELECT count(*) FILTER (WHERE state = 'streaming'), count(*) FILTER (WHERE sync_state = 'sync'),
                       current_setting('synchronous_standby_names') FROM pg_stat_replication";
        let said = node.sql(&self.ground, "postgres", streams)?;
        let sync = self.nodes.iter().any(|node| said == format!("{}|1|{}", NODES - 1, node.name));
        if sync { Ok(leader) } else { bail!("streaming, synchronous, and which is to be: {said}") }
    }

    fn until_well(&mut self, what: &str) -> Result<usize> {
        let logs = self.ground.logs.clone();
        until(WELL, what, &logs, || self.is_well())
    }

    /// Takes the primary away.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn kill_primary(&mut self, how: Kill) -> Result<Killed> {
        let primary = self.leader(None)?;
        let node = self.node(primary)?;
        let (mut processes, mut others) = (Vec::new(), Vec::new());
        // Patroni first: it would see the other die.
        if how != Kill::Postmaster {
            processes.push(node.patroni()?);
        }
        if how != Kill::Patroni {
            let (postmaster, children) = node.server(&self.ground)?;
            processes.push(postmaster);
            others = children;
        }
        let (at, name) = (Instant::now(), if how == Kill::Freeze { "STOP" } else { "KILL" });
        if !signal(name, &processes)? {
            bail!("node{primary} was gone before it was killed");
        }
        // Some have ended by themselves meanwhile.
        signal(name, &others)?;
        if matches!(how, Kill::PostmasterAndPatroni | Kill::Patroni)
            && let Some(node) = self.nodes.get_mut(primary)
        {
            node.gone()?;
        }
        Ok(Killed { node: primary, at, how })
    }

    /// Waits until another node than the one that was killed leads and has taken a write that a standby has too; which it is.
    ///
    /// # Errors
    /// When none does in time.
    pub(crate) fn await_primary(&mut self, killed: &Killed, within: Duration) -> Result<usize> {
        until(within, "another primary", &self.ground.logs, || {
            let leader = self.leader(Some(killed.node))?;
            self.node(leader)?.sql(&self.ground, "postgres", "UPDATE pulse SET beat = beat + 1")?;
            Ok(leader)
        })
    }

    /// Brings the node back that was killed, and waits until all is well again: a primary, a synchronous standby, a third that streams.
    ///
    /// # Errors
    /// When that does not come.
    pub(crate) fn revive(&mut self, killed: &Killed) -> Result<()> {
        let node = self.nodes.get_mut(killed.node).context("no such node")?;
        if killed.how == Kill::Freeze {
            let (postmaster, children) = node.server(&self.ground)?;
            signal("CONT", &children)?;
            signal("CONT", &[postmaster, node.patroni()?])?;
        }
        node.start(&self.ground)?;
        self.until_well(&format!("node{} as a standby", killed.node)).map(|_| ())
    }

    /// What of Patroni's settings is not its default, and why.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String, &'static str)> {
        SETTINGS.iter().map(|setting| (setting.name, setting.said(), setting.why)).collect()
    }

    /// Of what it is made, as the programs say.
    pub(crate) fn versions(&self) -> String {
        let said = |program: PathBuf| {
            let output = Command::new(program).arg("--version").output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            // The last word of the first line that has a number in it: `postgres (PostgreSQL) 15.8 (Debian …)`.
            let line = text.lines().next().unwrap_or_default().to_owned();
            line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("?").to_owned()
        };
        format!(
            "PostgreSQL {}, Patroni {}, etcd {}",
            said(self.ground.bin.join("postgres")),
            said("patroni".into()),
            said("etcd".into())
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its input ends with this.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = self.etcd.wait();
        for node in &mut self.nodes {
            let _ = node.gone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "takes minutes, and Patroni and etcd, which most machines do not have: cargo test -p xtask cluster -- --ignored"]
    fn another_node_takes_over_however_the_primary_is_lost_and_nothing_is_left_behind() {
        let logs = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let mut cluster = Cluster::start(logs.path()).unwrap();
        let folder = cluster.ground.folder.clone();
        crate::steps::say(&format!("{}: well after {:?}", cluster.versions(), begun.elapsed()));
        for how in Kill::ALL {
            let killed = cluster.kill_primary(how).unwrap();
            let next = cluster.await_primary(&killed, Duration::from_secs(90)).unwrap();
            let took = killed.at.elapsed();
            assert_ne!(next, killed.node);
            cluster.revive(&killed).unwrap();
            crate::steps::say(&format!("{}: another after {took:?}, well again after {:?}", how.meaning(), killed.at.elapsed()));
        }
        drop(cluster);
        assert!(!folder.exists());
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&line).contains(&folder.display().to_string()), "{process:?} is left");
        }
    }
}
