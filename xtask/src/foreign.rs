//! Other people's clients, unmodified, against the simulator: installed under `target/`, pinned, and run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::steps::{run as run_in, say};
use crate::{node, root, target};

/// Pinned, like everything else that decides whether a test passes.
/// `fbmessenger` names neither `requests` nor `six`, and needs both.
const PYTHON: [&str; 7] = [
    "pywa==4.5.0",
    "standardwebhooks==1.1.0",
    "fbmessenger==6.0.0",
    "requests==2.32.5",
    "six==1.17.0",
    "moto[server]==5.2.5",
    "twilio==9.13.0",
];
/// In a folder of its own, since one environment has one version: the last whose models of content send no slashes.
const PYTHON_OLDER: &str = "twilio==9.6.0";
/// Where that is.
const OLDER: &str = "py-older";
const NODE: [&str; 4] = ["whatsapp-api-js@6.3.0", "standardwebhooks@1.1.1", "twilio@6.2.0", "twilio-older@npm:twilio@5.13.1"];

/// Says what is missing, before anything takes long.
///
/// # Errors
/// When Python or Node is missing, or too old.
pub(crate) fn check() -> Result<()> {
    let Some(python) = node::version("python3") else {
        bail!("python3 is missing; install Python 3.10 or newer with venv (Debian: apt install python3-venv)");
    };
    say(&format!("{python}, {}", node::check()?));
    Ok(())
}

/// Installs once; a note beside them says which versions, so that a new pin installs anew.
fn install(tools: &Path) -> Result<()> {
    let note = tools.join("installed");
    let wanted = format!("{} {PYTHON_OLDER} {}", PYTHON.join(" "), NODE.join(" "));
    if std::fs::read_to_string(&note).is_ok_and(|there| there == wanted) {
        say(&format!("installed: {wanted}"));
        return Ok(());
    }
    let (py, node) = (tools.join("py"), tools.join("node"));
    std::fs::create_dir_all(&node).with_context(|| format!("{} cannot be made", node.display()))?;
    run_in(tools, "python3", &["-m", "venv", "--clear", "py"])?;
    let pip = py.join("bin/pip").display().to_string();
    let mut args = vec!["install", "--quiet", "--disable-pip-version-check"];
    args.extend(PYTHON);
    run_in(tools, &pip, &args)?;
    run_in(tools, &pip, &["install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", OLDER, PYTHON_OLDER])?;
    // A manifest of its own, so that npm does not look for one further up.
    std::fs::write(node.join("package.json"), "{\"private\":true}\n")?;
    let mut args = vec!["install", "--silent", "--no-fund", "--no-audit"];
    args.extend(NODE);
    run_in(&node, "npm", &args)?;
    std::fs::write(&note, wanted)?;
    Ok(())
}

/// A simulator in a folder of its own, gone when this is dropped.
struct Simulator {
    child: Child,
    identity: PathBuf,
    _dir: tempfile::TempDir,
}

impl Simulator {
    fn start(transom: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut child = Command::new(transom)
            .args(["simulate", "--json", "--port", "0", "--dir"])
            .arg(dir.path().join("simulator"))
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator cannot be started")?;
        let output = child.stdout.take().context("the simulator has no output")?;
        let mut text = String::new();
        for line in BufReader::new(output).lines() {
            let line = line?;
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let identity = dir.path().join("identity.json");
        std::fs::write(&identity, text)?;
        Ok(Self { child, identity, _dir: dir })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gateway and simulator on free ports, gone when this is dropped.
struct Desk(Child);

impl Desk {
    fn start(transom: &Path, dir: &Path) -> Result<Self> {
        let mut child = Command::new(transom)
            .args(["dev", "--port", "0", "--simulator-port", "0", "--dir"])
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()
            .context("the desk cannot be started")?;
        let output = child.stdout.take().context("the desk has no output")?;
        let desk = Self(child);
        match BufReader::new(output).lines().next() {
            Some(Ok(line)) if line.starts_with("Transom is ready") => Ok(desk),
            other => bail!("the desk did not start: {other:?}"),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `cargo xtask foreign`
///
/// # Errors
/// When a client cannot be installed, or disagrees.
pub(crate) fn run() -> Result<()> {
    check()?;
    let root = root();
    let tools = target().join("tools");
    std::fs::create_dir_all(&tools)?;
    install(&tools)?;
    run_in(&root, "cargo", &["build", "--package", "transom"])?;
    let transom = target().join("debug/transom");
    let scripts = root.join("crates/cli/tests/foreign");
    let text = |path: PathBuf| path.display().to_string();
    for (program, script, more) in [
        (text(tools.join("py/bin/python")), "pywa_client.py", None),
        (text(tools.join("py/bin/python")), "pywa_templates.py", Some(text(root.join("corpus/templates")))),
        (text(tools.join("py/bin/python")), "fbmessenger_client.py", None),
        ("node".to_owned(), "whatsapp_api_js.mjs", Some(text(tools.join("node")))),
    ] {
        // One each, so that none takes another's webhooks or templates.
        let simulator = Simulator::start(&transom)?;
        let mut args = vec![text(scripts.join(script))];
        args.extend(more);
        args.push(text(simulator.identity.clone()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run_in(&root, &program, &args)?;
    }
    run_in(&root, &text(tools.join("py/bin/python")), &[&text(scripts.join("moto_media.py")), &text(transom.clone())])?;
    let dir = tempfile::tempdir()?;
    let _desk = Desk::start(&transom, dir.path())?;
    let script = text(scripts.join("standard_webhooks.py"));
    let (transom, desk) = (text(transom), text(dir.path().to_owned()));
    run_in(&root, &text(tools.join("py/bin/python")), &[&script, &transom, &desk])?;
    let (script, node) = (text(scripts.join("standard_webhooks.mjs")), text(tools.join("node")));
    run_in(&root, "node", &[&script, &node, &transom, &desk])?;
    twilio(&root, &tools, &transom, &desk)
}

/// Twilio's SDKs, the newest and an older one of each, against a running desk.
fn twilio(root: &Path, tools: &Path, transom: &str, desk: &str) -> Result<()> {
    let script = |name: &str| root.join("crates/cli/tests/foreign").join(name).display().to_string();
    let (python, node) = (tools.join("py/bin/python").display().to_string(), tools.join("node").display().to_string());
    let older = format!("PYTHONPATH={}", tools.join(OLDER).display());
    let (contents, messages) = (script("twilio_content.py"), script("twilio_messages.py"));
    let webhooks = script("twilio_webhooks.py");
    for arguments in [vec![contents.as_str(), desk], vec![&messages, transom, desk], vec![&webhooks, desk]] {
        run_in(root, &python, &arguments)?;
        let with_older: Vec<&str> = [older.as_str(), &python].into_iter().chain(arguments).collect();
        run_in(root, "env", &with_older)?;
    }
    for of_node in ["twilio_content.mjs", "twilio_messages.mjs", "twilio_webhooks.mjs"] {
        for package in ["twilio", "twilio-older"] {
            run_in(root, "node", &[&script(of_node), &node, package, desk])?;
        }
    }
    Ok(())
}
