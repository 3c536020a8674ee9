//! Graph requests as Meta's documents describe them, read by the simulator's own reader: what the documents do not name is
//! refused, whoever sends it.

pub(crate) mod content;
pub(crate) mod error;
pub(crate) mod flow_json;
pub(crate) mod free;
pub(crate) mod interactive;
pub(crate) mod messenger;
pub(crate) mod read;
pub(crate) mod send;
pub(crate) mod template_send;
