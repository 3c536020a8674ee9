//! What is PostgreSQL's alone: many stores on one schema, and connections that end at any moment.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use transom_domain::fact::{Fact, Reported};
use transom_domain::id::EndpointId;
use transom_domain::time::Span;

use super::connect::Connect;
use super::migrate::{FILES, File, apply};
use super::session::Session;
use super::testing::{ask, empty, execute};
use super::{PostgresAddress, PostgresError, PostgresOptions, PostgresStore};
use crate::conformance::Factory;
use crate::conformance::desk::{Desk, SHOP, person};
use crate::conformance::telling::{endpoint, round};
use crate::conformance::tests::Postgres;
use crate::{Accepted, Store, Topic};

const MESSAGES: u64 = 120;

/// The positions that were given out, in order.
async fn positions(answers: Vec<tokio::task::JoinHandle<Accepted>>) -> Vec<u64> {
    let mut positions = Vec::new();
    for answer in answers {
        let Accepted::Stored { position, .. } = answer.await.unwrap() else { panic!("not stored") };
        positions.push(position);
    }
    positions.sort_unstable();
    positions
}

#[tokio::test]
async fn two_replicas_on_one_business_leave_no_gap_and_remember_nothing_old() {
    let factory = Postgres(empty());
    let mut desk = Desk::new(&factory).await.unwrap();
    let other = factory.open();
    let mut answers = Vec::new();
    let mut ids = Vec::new();
    for n in 0..MESSAGES {
        // Few customers, so that both write to the same ones.
        let accept = desk.text(&format!("+49151{:08}", 10_000_000 + n % 7)).unwrap();
        ids.push(accept.id);
        let store = Arc::clone(if n % 2 == 0 { &desk.store } else { &other });
        answers.push(tokio::spawn(async move { store.accept(accept).await.unwrap() }));
    }
    assert_eq!(positions(answers).await, (1..=MESSAGES).collect::<Vec<_>>());
    // What one has written the other sees, where it remembers what was there before.
    for (n, id) in ids.iter().enumerate() {
        let (one, another) = if n % 2 == 0 { (&desk.store, &other) } else { (&other, &desk.store) };
        one.cancel(SHOP, *id, desk.now).await.unwrap();
        another.redact(SHOP, *id, desk.now).await.unwrap();
        let (here, there) = (one.message(SHOP, *id).await.unwrap(), another.message(SHOP, *id).await.unwrap());
        assert_eq!(here, there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_end_at_any_moment_lose_and_double_nothing() {
    let url = empty();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let mut desk = Desk::new(&Postgres(url.clone())).await.unwrap();
    let (done, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let killer = {
        let (done, over) = (Arc::clone(&done), Arc::clone(&over));
        std::thread::spawn(move || {
            let kill = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}' AND pid <> pg_backend_pid()"
            );
            let mut seen = usize::MAX;
            while !over.load(Ordering::Relaxed) {
                // Each time something was answered since.
                let now = done.load(Ordering::Relaxed);
                if now != seen {
                    seen = now;
                    execute(&url, &kill);
                }
                std::thread::yield_now();
            }
        })
    };
    let mut all = Vec::new();
    for _ in 0..6 {
        let mut answers = Vec::new();
        for n in 0..20 {
            let accept = desk.text(&format!("+49151{:08}", 10_000_000 + n)).unwrap();
            let (store, done) = (Arc::clone(&desk.store), Arc::clone(&done));
            answers.push(tokio::spawn(async move {
                let answer = store.accept(accept).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
                answer
            }));
        }
        all.extend(positions(answers).await);
    }
    over.store(true, Ordering::Relaxed);
    killer.join().unwrap();
    // Stored once each: a second try of what was committed would be told that its id is taken, or leave a gap.
    assert_eq!(all, (1..=120).collect::<Vec<u64>>());
}

#[test]
fn a_schema_is_made_once_by_whoever_comes_first_and_one_that_was_changed_is_refused() {
    let url = empty();
    let open = |url: &str| PostgresStore::open(&PostgresAddress::parse(url).unwrap(), PostgresOptions::default());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&url).map(drop))).collect();
        all.into_iter().for_each(|one| one.join().unwrap().unwrap());
    });
    execute(&url, "UPDATE migration SET checksum = ''");
    assert!(matches!(open(&url), Err(PostgresError::Other(1))));
}

/// Brings the schema of a store to what a later program knows, which comes while this one works.
fn apply_later(url: &str, sql: &'static str, suits: i64) {
    let mut files = FILES.to_vec();
    files.push(File { sql, suits });
    let connect = Connect::new(&PostgresAddress::parse(url).unwrap(), PostgresOptions::default()).unwrap();
    let run = move || {
        let session = Session::new(Arc::new(connect), Arc::default()).unwrap();
        session.ready().unwrap();
        apply(&session, &files, true).unwrap();
    };
    std::thread::spawn(run).join().unwrap();
}

/// A roll from one program to the next: what the next adds, this one goes on beside, and one of it that starts again does, too.
#[tokio::test]
async fn a_newer_schema_is_refused_only_where_it_does_not_suit_this_program() {
    let url = empty();
    let address = PostgresAddress::parse(&url).unwrap();
    let open = |make| PostgresStore::open(&address, PostgresOptions { make, ..PostgresOptions::default() });
    let mut desk = Desk::new(&Postgres(url.clone())).await.unwrap();
    desk.send("+4915112345678").await.unwrap();
    let expand = "ALTER TABLE message ADD COLUMN later BIGINT NOT NULL DEFAULT 7;\n
        ALTER TABLE turn ADD COLUMN later TEXT;\nALTER TABLE business ADD COLUMN later TEXT;\n
        ALTER TABLE api_key ADD COLUMN later TEXT;\nALTER TABLE event ADD COLUMN later TEXT;\n
        ALTER TABLE endpoint ADD COLUMN later TEXT;\nALTER TABLE delivery ADD COLUMN later TEXT;\nCREATE TABLE later (business BYTEA PRIMARY KEY);\n";
    // Tables that are read with all their columns are asked by statements that this program has prepared on each of its connections.
    for later in [false, true] {
        if later {
            apply_later(&url, expand, 2);
            desk.send("+4915112345678").await.unwrap();
        }
        for _ in 0..12 {
            desk.store.businesses().await.unwrap();
            desk.store.keys(SHOP).await.unwrap();
            desk.store.endpoints(None).await.unwrap();
            desk.store.events(SHOP, 0, 10).await.unwrap();
        }
    }
    for make in [true, false] {
        desk.store = Arc::new(open(make).unwrap());
        desk.send("+4915112345679").await.unwrap();
    }
    let looked = ask(&address, vec!["SELECT count(*) FROM message WHERE later = 7".to_owned()]);
    assert_eq!(looked, [["4"]]);
    // Once the later one takes away what this one needs, it ends at once, and says why.
    execute(&url, "UPDATE migration SET suits = 3 WHERE version = 3");
    for make in [true, false] {
        let why = open(make).unwrap_err();
        assert!(matches!(why, PostgresError::Newer { found: 3, suits: 3, known: 2 }), "{why}");
    }
    // What came after counts, too, and what it said of itself before.
    execute(&url, "INSERT INTO migration (version, checksum, steps, suits) VALUES (4, '', 1, 2)");
    assert!(matches!(open(true), Err(PostgresError::Newer { found: 4, suits: 3, known: 2 })));
}

#[test]
fn no_version_suits_a_program_that_is_newer_than_itself() {
    for (version, file) in (1..).zip(FILES) {
        assert!((1..=version).contains(&file.suits), "{version}");
    }
}

#[test]
fn a_command_that_only_looks_makes_no_schema() {
    let url = empty();
    let address = PostgresAddress::parse(&url).unwrap();
    let look = PostgresOptions { make: false, ..PostgresOptions::default() };
    assert!(matches!(PostgresStore::open(&address, look), Err(PostgresError::Missing)));
    assert!(matches!(PostgresStore::open(&address, look), Err(PostgresError::Missing)));
    drop(PostgresStore::open(&address, PostgresOptions::default()).unwrap());
    drop(PostgresStore::open(&address, look).unwrap());
    execute(&url, "UPDATE migration SET steps = steps - 1 WHERE version = 2");
    assert!(matches!(PostgresStore::open(&address, look), Err(PostgresError::Older { found: 1, known: 2 })));
}

#[test]
fn who_is_refused_does_not_wait_and_who_is_not_answered_does() {
    let patience = Duration::from_millis(700);
    let options = PostgresOptions { patience, ..PostgresOptions::default() };
    let open = |url: &str| PostgresStore::open(&PostgresAddress::parse(url).unwrap(), options).unwrap_err();
    let why = open(&empty().replace("/postgres?", "/nowhere?"));
    assert!(matches!(&why, PostgresError::Refused(said) if said.contains("nowhere")), "{why}");
    // Nobody listens where a listener just was.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let why = open(&format!("postgres://transom@127.0.0.1:{port}/postgres"));
    assert!(matches!(&why, PostgresError::Unreachable { waited, .. } if *waited >= patience), "{why}");
}

/// A store whose ways to the server are counted.
struct Counted(Arc<PostgresStore>);

impl Factory for Counted {
    fn open(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as Arc<dyn Store>
    }
}

/// How often each move of a message's life waits for the server. A way to the server and back takes longer than most statements, and
/// while it lasts everybody else of the business waits: what a move asks must not grow by accident.
#[tokio::test]
async fn a_move_waits_for_the_server_a_bounded_number_of_times() {
    let options = PostgresOptions { writers: 1, readers: 1, ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::open(&PostgresAddress::parse(&empty()).unwrap(), options).unwrap());
    let mut desk = Desk::new(&Counted(Arc::clone(&store))).await.unwrap();
    desk.store.put_endpoint(endpoint(1, Topic::Messages)).await.unwrap();
    let ana = "+4915112345678";
    let mut costs = Vec::new();
    let mut since = store.round_trips();
    let mut cost = |what: &'static str, most: u64| {
        let now = store.round_trips();
        costs.push((what, now - std::mem::replace(&mut since, now), most));
    };
    for (again, most) in [(false, [0; 8]), (true, [3, 19, 4, 6, 6, 8, 7, 4])] {
        // The first round fills what is remembered. A look ends after its answer: that may be counted with what comes next.
        let mut cost = |what, most| if again { cost(what, most) } else { cost("", u64::MAX) };
        desk.turn(Span::secs(60));
        let id = desk.send(ana).await.unwrap();
        cost("accept", most[0]);
        let claimed = desk.take().await.unwrap();
        cost("claim", most[1]);
        let wamid = format!("out.{again}");
        desk.answer(id, claimed.attempt, &wamid).await.unwrap();
        cost("settle", most[2]);
        for (reported, most) in [(Reported::Sent, most[3]), (Reported::Delivered, most[4])] {
            let status = desk.status(&wamid, reported, desk.now);
            desk.hear(vec![Fact::Status(status)]).await.unwrap();
            cost("hear a status", most);
        }
        let inbound = desk.inbound(person(ana).unwrap(), &format!("in.{again}"), desk.now);
        desk.hear(vec![inbound]).await.unwrap();
        cost("hear a message", most[5]);
        let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await.unwrap();
        cost("look for what is to be told", most[6]);
        desk.store.relay_settle(round(&desk, work.looked_to)).await.unwrap();
        cost("record what was told", most[7]);
    }
    // The end of one look may be counted with what comes next: one more here, and one less there.
    costs.retain(|(_, _, most)| *most < u64::MAX);
    let over: Vec<_> = costs.iter().filter(|(_, took, most)| *took > most + 1).collect();
    assert!(over.is_empty(), "{over:?} of {costs:?}");
    let (all, most) = costs.iter().fold((0, 0), |(all, most), cost| (all + cost.1, most + cost.2));
    assert!(all <= most + 1, "{all} where {most} are allowed: {costs:?}");
}

/// Passes on what goes between a store and the server, but can keep the server's answer to a commit, and end the connection instead.
struct Swallowing {
    port: u16,
    /// Answers that are yet to be kept.
    commits: Arc<AtomicUsize>,
    /// Whether a connection whose answer was kept stays open for now.
    hold: Arc<AtomicBool>,
    /// What goes to the store.
    clients: Arc<Mutex<Vec<TcpStream>>>,
    /// Whether the server is left alone when a store's end of a connection ends.
    orphans: Arc<AtomicBool>,
}

impl Swallowing {
    fn new(server: &transom_testing::Postgres) -> Self {
        let socket = server.folder().join(".s.PGSQL.5432");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let commits = Arc::new(AtomicUsize::new(0));
        let hold = Arc::new(AtomicBool::new(false));
        let (swallow, holds) = (Arc::clone(&commits), Arc::clone(&hold));
        let (clients, orphans) = (Arc::<Mutex<Vec<TcpStream>>>::default(), Arc::<AtomicBool>::default());
        let (all, left) = (Arc::clone(&clients), Arc::clone(&orphans));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (Ok(server), swallow) = (UnixStream::connect(&socket), Arc::clone(&swallow)) else { continue };
                let (hold, left) = (Arc::clone(&holds), Arc::clone(&left));
                all.lock().unwrap().push(client.try_clone().unwrap());
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || {
                    drop(std::io::copy(&mut from, &mut to));
                    if !left.load(Ordering::SeqCst) {
                        drop(to.shutdown(Shutdown::Both));
                    }
                });
                std::thread::spawn(move || pass_on(server, client, &swallow, &hold));
            }
        });
        Self { port, commits, hold, clients, orphans }
    }

    /// Ends what there is of connections, of which the server learns nothing before it has answered.
    fn cut(&self) {
        self.orphans.store(true, Ordering::SeqCst);
        for client in self.clients.lock().unwrap().drain(..) {
            drop(client.shutdown(Shutdown::Both));
        }
    }

    /// The address of a store on the server that all tests share, by way of this one.
    fn before(&self, url: &str) -> String {
        url.replace(&url[url.find('@').unwrap()..url.find("/postgres?").unwrap()], &format!("@127.0.0.1:{}", self.port))
    }
}

fn pass_on(mut server: UnixStream, mut client: TcpStream, swallow: &AtomicUsize, hold: &AtomicBool) {
    let mut piece = vec![0; 65_536];
    while let Ok(read @ 1..) = server.read(&mut piece) {
        // What the server says once a transaction is committed.
        let committed = piece[..read].windows(7).any(|at| at == b"COMMIT\0");
        let mine = committed && swallow.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        while mine && hold.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        if mine || client.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    drop(client.shutdown(Shutdown::Both));
    drop(server.shutdown(Shutdown::Both));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_by_its_mark() {
    let url = empty();
    let proxy = Swallowing::new(transom_testing::Postgres::shared());
    let mut desk = Desk::new(&Postgres(proxy.before(&url))).await.unwrap();
    let mut found = Vec::new();
    for n in 0..12 {
        proxy.commits.store(usize::from(n % 3 > 0), Ordering::SeqCst);
        let accept = desk.text("+4915112345678").unwrap();
        let Accepted::Stored { position, .. } = desk.store.accept(accept).await.unwrap() else { panic!("run again") };
        assert_eq!(proxy.commits.load(Ordering::SeqCst), 0, "the answer came through");
        found.push(position);
    }
    assert_eq!(found, (1..=12).collect::<Vec<u64>>());
}

/// A commit leaves together with what is written before it, and may wait in the server for that: its mark is not there yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_still_waits_in_the_server_is_waited_for() {
    let url = empty();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let proxy = Swallowing::new(transom_testing::Postgres::shared());
    let mut desk = Desk::new(&Postgres(proxy.before(&url))).await.unwrap();
    desk.send("+4915112345678").await.unwrap();
    let connect = Connect::new(&PostgresAddress::parse(&url).unwrap(), PostgresOptions::default()).unwrap();
    let (other, watch) = (connect.connect().await.unwrap(), connect.connect().await.unwrap());
    other.batch_execute("BEGIN; SELECT position FROM sender_counter FOR UPDATE").await.unwrap();
    let (store, accept) = (Arc::clone(&desk.store), desk.text("+4915112345678").unwrap());
    let answer = tokio::spawn(async move { store.accept(accept).await });
    let waiting =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{schema}' AND wait_event_type = 'Lock'");
    let wait_for = async |so_many: i64| {
        while watch.query_one(&waiting, &[]).await.unwrap().get::<_, i64>(0) < so_many {
            tokio::task::yield_now().await;
        }
    };
    wait_for(1).await;
    proxy.cut();
    // Whatever the store does next, it does behind that one.
    wait_for(2).await;
    other.batch_execute("COMMIT").await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.expect("it never found out").unwrap();
    assert!(matches!(answer, Ok(Accepted::Stored { position: 2, .. })), "{answer:?}");
}

/// Whoever waits for a lock is ended by the server some day: the look is then made again, and not on what the first has left behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_cannot_be_looked_for_at_first_is_found_later() {
    let url = empty();
    let proxy = Swallowing::new(transom_testing::Postgres::shared());
    let options = PostgresOptions { statement_timeout: Duration::from_millis(300), ..PostgresOptions::default() };
    let address = PostgresAddress::parse(&proxy.before(&url)).unwrap();
    let mut desk = Desk::new(&Counted(Arc::new(PostgresStore::open(&address, options).unwrap()))).await.unwrap();
    proxy.hold.store(true, Ordering::SeqCst);
    proxy.commits.store(1, Ordering::SeqCst);
    let (store, accept) = (Arc::clone(&desk.store), desk.text("+4915112345678").unwrap());
    let answer = tokio::spawn(async move { store.accept(accept).await });
    while proxy.commits.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
    // Nobody can look for it meanwhile: for three times as long as a statement may take.
    let held = url.clone();
    let lock = std::thread::spawn(move || {
        let steps = ["BEGIN", "LOCK TABLE committed IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(0.9)", "COMMIT"];
        ask(&PostgresAddress::parse(&held).unwrap(), steps.iter().map(|sql| (*sql).to_owned()).collect())
    });
    let is_held =
        "SELECT count(*) FROM pg_locks WHERE relation = 'committed'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    while ask(&PostgresAddress::parse(&url).unwrap(), vec![is_held.to_owned()]) != [["1"]] {}
    proxy.hold.store(false, Ordering::SeqCst);
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.expect("it never found out");
    assert!(matches!(answer.unwrap(), Ok(Accepted::Stored { position: 1, .. })));
    lock.join().unwrap();
}

/// A server that was started again shows commits that no standby had before it died. Who is answered from these must not lose them.
#[tokio::test]
async fn the_first_move_on_a_connection_commits_even_where_it_changes_nothing() {
    let url = empty();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let mut desk = Desk::new(&Postgres(url.clone())).await.unwrap();
    let id = desk.send("+4915112345678").await.unwrap();
    desk.store.redact(SHOP, id, desk.now).await.unwrap();
    let marks = || ask(&PostgresAddress::parse(&url).unwrap(), vec!["SELECT sum(number) FROM committed".to_owned()]);
    let before = marks();
    desk.store.redact(SHOP, id, desk.now).await.unwrap();
    assert_eq!(marks(), before);
    execute(
        &url,
        &format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{schema}' AND pid <> pg_backend_pid()"
        ),
    );
    desk.store.redact(SHOP, id, desk.now).await.unwrap();
    assert_ne!(marks(), before);
}

/// Reads too go on when their connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn reads_are_repeated_when_their_connection_ends() {
    let url = empty();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let mut desk = Desk::new(&Postgres(url.clone())).await.unwrap();
    let id = desk.send("+4915112345678").await.unwrap();
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}' AND pid <> pg_backend_pid()"
    );
    for _ in 0..20 {
        let (url, kill) = (url.clone(), kill.clone());
        let killed = tokio::task::spawn_blocking(move || execute(&url, &kill));
        while !killed.is_finished() {
            assert_eq!(desk.message(id).await.unwrap().id, id);
        }
        killed.await.unwrap();
        assert_eq!(desk.message(id).await.unwrap().id, id);
    }
}

/// A certificate for this machine by an authority of its own, in a server's folder, which takes TLS from now on.
fn encrypt(server: &transom_testing::Postgres, host: &str) -> std::path::PathBuf {
    let folder = server.folder();
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem \
         && openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr \
         && echo subjectAltName=IP:$0 >names \
         && openssl x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem \
         && chmod 600 server.key";
    let made = std::process::Command::new("/bin/sh").args(["-c", script, host]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder).unwrap());
    for file in ["server.key", "server.pem"] {
        std::os::unix::fs::chown(folder.join(file), Some(owner), None).unwrap();
    }
    for (name, value) in [("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")] {
        let path = folder.join(value);
        assert_eq!(server.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{}'", path.display())), "");
    }
    assert_eq!(server.sql("postgres", "ALTER SYSTEM SET ssl = on"), "");
    server.stop();
    server.begin();
    folder.join("ca.pem")
}

#[test]
fn tls_goes_by_the_authority_that_is_named_and_by_no_other() {
    // An address of this machine that no other server has: on the socket there is no TLS, and the port is the same for all.
    let [.., a, b, c] = std::process::id().to_be_bytes();
    let host = format!("127.{}.{b}.{c}", a.max(1));
    let server = transom_testing::Postgres::start(&[&format!("listen_addresses={host}")]);
    let authority = std::fs::read(encrypt(&server, &host)).unwrap();
    let address = |place: &str| PostgresAddress::parse(&format!("postgres://transom@{place}/postgres?sslmode=require")).unwrap();
    let open = |address: &PostgresAddress| PostgresStore::open(address, PostgresOptions::default()).map(drop);
    let trusting = address(&host).trusting(&authority).unwrap();
    open(&trusting).unwrap();
    let encrypted = ask(&trusting, vec!["SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()".to_owned()]);
    assert_eq!(encrypted, [["t"]]);
    // The machine's own authorities do not know it.
    let why = open(&address(&host)).unwrap_err().to_string();
    assert!(why.contains("certificate") || why.contains("UnknownIssuer"), "{why}");
    assert!(address(&host).trusting(b"no certificate").is_err());
    // A server that has none is not spoken to in the open where it is asked for.
    let plain = Swallowing::new(transom_testing::Postgres::shared());
    open(&address(&format!("127.0.0.1:{}", plain.port))).unwrap_err();
}
