-- The journal: raw bodies as they came, in a file of their own. Positions count per business; no business is an empty one.

CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    business BLOB NOT NULL,
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    app TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- the place of the outcome in its list: 0 is what was understood whole
    outcome INTEGER NOT NULL,
    fields TEXT NOT NULL,
    note TEXT NOT NULL,
    erased INTEGER NOT NULL,
    raw BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_position ON entry (business, position);
CREATE UNIQUE INDEX entry_id ON entry (id);
CREATE INDEX entry_flagged ON entry (business, position) WHERE outcome > 0;

-- The newest position of each, the newest that was dropped, and when the newest came.
CREATE TABLE stream (
    business BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
