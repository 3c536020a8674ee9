use super::*;

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("transom.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Sources { file: Some(path), ..Sources::default() })
}

fn errors(text: &str) -> Vec<String> {
    let (dir, sources) = file(text);
    let prefix = format!("{}/", dir.path().display());
    let errors = Config::load(&sources).unwrap_err();
    errors.0.iter().map(|e| e.to_string().replace(&prefix, "")).collect()
}

#[test]
fn later_sources_win_and_every_value_knows_its_origin() {
    let (_dir, mut sources) = file("[server]\nlisten = \"0.0.0.0:1\"\ndrain = \"1m\"\n\n[limits]\naccept_per_second = 1_000\n");
    sources.env.push(("TRANSOM_SERVER__LISTEN".into(), "0.0.0.0:2".into()));
    sources.env.push(("TRANSOM_API_KEY".into(), "tk_not_a_setting".into()));
    let sources = sources.flag("server.listen", "0.0.0.0:3", "--listen");
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 3);
    assert_eq!(loaded.config.server.drain, Span::minutes(1));
    assert_eq!(loaded.config.limits.accept_per_second, 1_000);
    let origin = |key: &str| loaded.in_force.iter().find(|v| v.key == key).map(|v| v.origin.clone()).unwrap();
    assert_eq!(origin("server.listen"), Origin::Flag("--listen".into()));
    assert!(matches!(origin("server.drain"), Origin::File(_, 3)));
    assert!(matches!(origin("limits.accept_per_second"), Origin::File(_, 6)));
    assert_eq!(origin("store.dir"), Origin::Default);
}

#[test]
fn every_finding_names_place_key_rule_and_remedy() {
    let found = errors(
        "listen = \"0.0.0.0:1\"\n[server]\npubic_url = \"https://a.example\"\ndrain = \"soon\"\nmax_connections = 0\n[upstream]\nversion = \"v19.0\"\n\
         graph_url = [\"x\"]\n[nonsense]\nwhatever = 1\n",
    );
    assert_eq!(
        found,
        [
            "transom.toml:1: listen: stands outside a section; write it under its section, as server.listen",
            "transom.toml:10: nonsense.whatever: is not a known key; remove it; `transom config show` lists every key",
            "transom.toml:3: server.pubic_url: is not a known key; did you mean server.public_url? `transom config show` lists every key",
            "transom.toml:8: upstream.graph_url: is of type array, and every value is a text, a number, true or false; write one value: http(s) address",
            "transom.toml:4: server.drain: \"soon\" is no duration; write a duration such as \"500ms\", \"30s\", \"10m\", \"1h30m\" or \"3d\"",
            "transom.toml:7: upstream.version: \"v19.0\" is no version; write one of v21.0, v22.0, v23.0, v24.0, v25.0, v26.0",
            "transom.toml:5: server.max_connections: must be at least 1; leave it out for the default",
        ]
    );
}

#[test]
fn a_broken_or_missing_file_is_named() {
    assert_eq!(errors("[server\nlisten = 1").len(), 1);
    assert!(errors("[server\nlisten = 1")[0].starts_with("transom.toml:1: is not TOML: "));
    let missing = Sources { file: Some("does-not-exist.toml".into()), ..Sources::default() };
    let error = Config::load(&missing).unwrap_err().to_string();
    assert!(error.starts_with("does-not-exist.toml: cannot be read: "), "{error}");
}

#[test]
fn misspelt_variables_are_refused() {
    let sources = Sources { env: vec![("TRANSOM_SERVER__LISTN".into(), "x".into())], ..Sources::default() };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert_eq!(
        error,
        "environment TRANSOM_SERVER__LISTN: server.listn: is not a known key; did you mean server.listen? `transom config show` lists every key"
    );
}

#[test]
fn values_read_back_as_they_are_shown() {
    let mut sources = Sources::default();
    for doc in Config::reference() {
        if let Some(default) = doc.default {
            sources = sources.flag(doc.key, default, "--set");
        }
    }
    assert_eq!(Config::load(&sources).unwrap().config, Config::default());
}

#[test]
fn durations_read_as_people_write_them() {
    for (text, millis) in [("500ms", 500), ("1h30m", 5_400_000), ("3d", 259_200_000), ("2m 5s", 125_000), ("0s", 0)] {
        assert_eq!(Span::read(text), Ok(Span::millis(millis)), "{text}");
    }
    for bad in ["", "5", "h", "-1s", "1w", "1.5h", "99999999999999999d", "4000d"] {
        assert!(Span::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn bases_lose_their_last_slash_and_carry_no_secrets() {
    assert_eq!(BaseUrl::read("https://a.example/").map(|u| u.to_string()), Ok("https://a.example".into()));
    assert_eq!(BaseUrl::read("http://127.0.0.1:8090").map(|u| u.to_string()), Ok("http://127.0.0.1:8090".into()));
    for bad in ["a.example", "ftp://a.example", "https://u:p@a.example", "https://a.example/?q=1", "https://"] {
        assert!(BaseUrl::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_page_names_every_key() {
    let page = reference_page();
    for doc in Config::reference() {
        assert!(page.contains(&doc.env), "{}", doc.key);
        assert!(doc.sentence.ends_with('.'), "{}: the sentence ends with a full stop", doc.key);
    }
}

#[test]
fn the_reference_file_is_a_configuration_with_and_without_its_comments() {
    let (_dir, sources) = file(&reference_file());
    assert_eq!(Config::load(&sources).unwrap().config, Config::default());
    let uncommented: Vec<String> = reference_file()
        .lines()
        .filter(|line| !line.ends_with(" = \"\""))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let (_dir, sources) = file(&uncommented.join("\n"));
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.config, Config::default());
    let from_file = loaded.in_force.iter().filter(|v| matches!(v.origin, Origin::File(..))).count();
    assert_eq!(from_file, Config::reference().iter().filter(|k| k.default.is_some()).count());
}

#[test]
fn the_address_of_the_store_is_shown_and_refused_without_its_password() {
    let (_dir, sources) = file("[store]\nurl = \"postgres://me:hunter2@db.example/shop\"\n");
    let loaded = Config::load(&sources).unwrap();
    let shown = loaded.in_force.iter().find(|v| v.key == "store.url").unwrap();
    assert_eq!(shown.value.as_deref(), Some("postgres://me@db.example:5432/shop?sslmode=verify-full"));
    assert!(!format!("{:?}", loaded.config).contains("hunter2"));
    assert_eq!(
        errors(
            "[store]\nurl = \"postgres://me:hunter2@db.example/shop?sslmode=prefer\"\nconnections = 3\nca_file = \"ca.pem\"\n"
        ),
        [
            "transom.toml:2: store.url: what is written there is no PostgreSQL address; write sslmode=verify-full (or require, which is the \
             same here), or sslmode=disable",
            "transom.toml:3: store.connections: must be at least 5; write 5 or more, or leave it out",
            "transom.toml:4: store.ca_file: is for PostgreSQL, and store.url is not set; set store.url, or leave it out",
        ]
    );
}
