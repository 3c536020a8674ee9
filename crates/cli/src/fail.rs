//! Why a command ends without having done its work: what is wrong, and how to mend it.

use transom_gateway::admin::AdminRefusal;

/// A failure on its way to standard error.
#[derive(Debug)]
pub(crate) struct Fail {
    /// What is wrong, and where; empty when that was told already.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) remedy: Option<String>,
    /// Exit code.
    pub(crate) code: u8,
}

impl Fail {
    /// A failure of the work itself.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: None, code: 1 }
    }

    /// A failure that was told already, as a result on standard output: only the exit code is left to say it.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    /// With how to mend it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A failure of what was asked for: arguments, configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, ..Self::new(message) }
    }
}

impl std::fmt::Display for Fail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fail {}

impl From<AdminRefusal> for Fail {
    fn from(refusal: AdminRefusal) -> Self {
        Self { message: refusal.message, remedy: refusal.remedy, code: 1 }
    }
}
