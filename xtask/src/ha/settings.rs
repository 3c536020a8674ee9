//! What the cluster is set to: Patroni's settings that matter when a primary is lost, in the words of its own documentation.

use std::path::Path;

use serde_json::{Value, json};

/// A setting of Patroni's that all nodes share, other than its default, and why.
pub(super) struct Setting {
    pub(super) name: &'static str,
    value: fn() -> Value,
    pub(super) why: &'static str,
}

impl Setting {
    pub(super) fn said(&self) -> String {
        (self.value)().to_string()
    }
}

/// In the order in which an operator reads of them.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "synchronous_mode",
        value: || json!(true),
        why: "a commit is answered once a standby has it, and only such a standby takes over",
    },
    Setting {
        name: "synchronous_mode_strict",
        value: || json!(true),
        why: "where no standby is left, commits wait; without it the last node would go on alone, and what it took would go with it",
    },
    Setting {
        name: "ttl",
        value: || json!(20),
        why: "the least that Patroni allows: so long a node that fell silent is waited for",
    },
    Setting { name: "loop_wait", value: || json!(2), why: "how often each node looks" },
    Setting { name: "retry_timeout", value: || json!(5), why: "loop_wait and twice this fit into ttl" },
    Setting {
        name: "primary_start_timeout",
        value: || json!(0),
        why: "a primary whose server died is followed by a standby at once, in place of being started again where it was",
    },
];

/// What PostgreSQL is set to on every node.
const PARAMETERS: &[(&str, &str)] = &[
    ("max_connections", "200"),
    ("shared_buffers", "64MB"),
    // Enough that a node that was away for a kill or two streams on, rather than being copied anew.
    ("wal_keep_size", "512MB"),
    ("wal_log_hints", "on"),
];

/// Where the parts of a node listen, all on loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) rest: u16,
    pub(super) postgres: u16,
}

/// One node's configuration. Patroni reads YAML, of which JSON is a part.
pub(super) fn of_node(folder: &Path, bin: &Path, name: &str, ports: Ports, etcd: u16) -> String {
    let here = |port: u16| format!("127.0.0.1:{port}");
    let shared: serde_json::Map<String, Value> =
        SETTINGS.iter().map(|setting| (setting.name.to_owned(), (setting.value)())).collect();
    let parameters: serde_json::Map<String, Value> =
        PARAMETERS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut dcs = Value::Object(shared);
    if let Some(dcs) = dcs.as_object_mut() {
        dcs.insert("postgresql".to_owned(), json!({ "use_pg_rewind": true, "use_slots": true, "parameters": parameters }));
    }
    json!({
        "scope": "transom",
        "name": name,
        "restapi": { "listen": here(ports.rest), "connect_address": here(ports.rest) },
        // By its second interface: by the third, Patroni 3.0.2 renews the leader's key without looking whose it is by now, so that a primary
        // that stood still takes it back from the one that took over.
        "etcd": { "hosts": here(etcd) },
        "bootstrap": { "dcs": dcs, "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }, "data-checksums"] },
        "postgresql": {
            "listen": here(ports.postgres),
            "connect_address": here(ports.postgres),
            "data_dir": folder.join(name),
            "bin_dir": bin,
            "pgpass": folder.join(format!("{name}.pgpass")),
            // One that can be neither started nor rewound is copied anew.
            "remove_data_directory_on_rewind_failure": true,
            // Whoever is on this machine may enter: it is for the time of one run.
            "authentication": {
                "superuser": { "username": "postgres", "password": "unused" },
                "replication": { "username": "replicator", "password": "unused" },
                "rewind": { "username": "rewinder", "password": "unused" },
            },
            "parameters": { "unix_socket_directories": folder },
            "pg_hba": [
                "local all all trust",
                "host all all 127.0.0.1/32 trust",
                "host replication all 127.0.0.1/32 trust",
            ],
        },
    })
    .to_string()
}
