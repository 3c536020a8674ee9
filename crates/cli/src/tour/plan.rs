//! Which rows the tour walks, made from the copy of the seed.

use super::seed::{Cell, SEED, cases};

/// The two columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    /// The customer has written.
    User,
    /// Nobody has written.
    Business,
}

impl Session {
    /// The word in the tour's rows.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Business => "business",
        }
    }
}

/// What must come of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Arrives as a session message.
    Session,
    /// Arrives as a template message.
    Template,
    /// Is refused, and nothing leaves the house.
    Refused,
}

/// One row: a content type, a session, a button case, and whether its content was approved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) session: Session,
    pub(crate) case: Option<&'static str>,
    pub(crate) approved: bool,
    pub(crate) seed: Cell,
    pub(crate) expected: Expected,
}

impl Row {
    /// Outside a session a type that can never go there is also posted straight to Graph.
    pub(crate) fn posted_to_graph(&self) -> bool {
        self.session == Session::Business && self.seed == Cell::Unsupported
    }
}

/// All rows: each cell and case once without approval, and once more with approval where that is needed.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (kind, user, business) in SEED {
        let none = [(None, false)];
        let cases: Vec<(Option<&'static str>, bool)> = match cases(kind) {
            [] => none.to_vec(),
            cases => cases.iter().map(|(case, needs)| (Some(*case), *needs)).collect(),
        };
        for (session, seed) in [(Session::User, user), (Session::Business, business)] {
            for (case, buttons_need) in &cases {
                let needs = match seed {
                    Cell::Approval => true,
                    Cell::Depends => *buttons_need,
                    Cell::Allowed | Cell::Unsupported => false,
                };
                let expected = if needs || seed == Cell::Unsupported { Expected::Refused } else { Expected::Session };
                rows.push(Row { kind, session, case: *case, approved: false, seed, expected });
                if needs {
                    rows.push(Row { kind, session, case: *case, approved: true, seed, expected: Expected::Template });
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_rows() {
        let rows = rows();
        let count = |f: &dyn Fn(&Row) -> bool| rows.iter().filter(|r| f(r)).count();
        // Inside a session: 6 cells allowed, 3 that need approval (twice), 5 + 6 + 6 cases of which 3 each need it (twice).
        assert_eq!(count(&|r| r.session == Session::User), 6 + 3 * 2 + (5 + 3) + 2 * (6 + 3));
        // Outside: 2 cells that never go, 7 that need approval (twice), all 17 cases (twice).
        assert_eq!(count(&|r| r.session == Session::Business), 2 + 7 * 2 + 17 * 2);
        assert_eq!(count(&Row::posted_to_graph), 2);
        assert!(rows.iter().all(|r| r.approved == (r.expected == Expected::Template)));
    }
}
