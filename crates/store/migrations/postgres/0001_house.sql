-- The house, as PostgreSQL keeps it. Ids are 16 bytes; moments are milliseconds since the Unix epoch; flags are 0 and 1; words are those
-- of the domain; texts are in the order of their bytes. Every table leads with the business, but the narrow directory by which one is
-- found, and what is the house's own. No sequences and no foreign keys: docs/adr/0010-postgresql.md.

-- One business's turn: whoever changes anything of it holds this row. `version` grows with every commit, so that what was remembered of
-- the business is known to be true still; `numbers` is the last number given out, `position` that of the newest event, `dropped` of the
-- newest that is gone, `at` when the newest happened.
CREATE TABLE turn (
    business BYTEA PRIMARY KEY,
    ordinal BIGINT NOT NULL,
    version BIGINT NOT NULL,
    numbers BIGINT NOT NULL,
    position BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX turn_ordinal ON turn (ordinal);

-- The last ordinal that was given to a business.
CREATE TABLE ordinals (
    one BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO ordinals (one, last) VALUES (1, 0);

-- How often what replicas remember of who there is has changed.
CREATE TABLE directory (
    one BIGINT PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO directory (one, version) VALUES (1, 0);

-- Held by whoever writes what is the house's own.
CREATE TABLE house (
    one BIGINT PRIMARY KEY,
    -- which folder's store is being carried here, until all of it is here
    carrying TEXT COLLATE "C",
    -- which one's is all here
    carried TEXT COLLATE "C"
);
INSERT INTO house (one) VALUES (1);

-- How far each table of a store that is being carried here is.
CREATE TABLE carried (
    name TEXT COLLATE "C" PRIMARY KEY,
    -- after which key of the folder's table
    after TEXT COLLATE "C" NOT NULL,
    rows BIGINT NOT NULL,
    done BIGINT NOT NULL
);

-- The last group that a writer has committed, by which it learns what became of a commit that it lost sight of.
CREATE TABLE committed (
    business BYTEA NOT NULL,
    writer BYTEA NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (business, writer)
);

-- Replicas, each with a lease on this server's clock; and who holds what, under the business whose it is, or sixteen zeros for a duty of
-- the house. `held_by` is 0 for what was given back.
CREATE TABLE replica (
    id BIGINT PRIMARY KEY,
    address TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    draining BIGINT NOT NULL,
    -- what all replicas are to have alike: the length of the lease, what names the sealing key, where files are kept
    lease BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    media TEXT COLLATE "C" NOT NULL
);

CREATE TABLE holding (
    business BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    thing BYTEA NOT NULL,
    held_by BIGINT NOT NULL,
    since BIGINT NOT NULL,
    rests_until BIGINT,
    PRIMARY KEY (business, kind, thing)
);

-- Who there is -------------------------------------------------------------------------------------------------------

CREATE TABLE business (
    id BYTEA PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    webhook_secret BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_until BIGINT,
    created_at BIGINT NOT NULL
);

-- What a business has chosen for itself: one document.
CREATE TABLE business_settings (
    business BYTEA PRIMARY KEY,
    settings TEXT COLLATE "C" NOT NULL
);

CREATE TABLE api_key (
    hash BYTEA PRIMARY KEY,
    business BYTEA NOT NULL,
    id BYTEA NOT NULL,
    label TEXT COLLATE "C" NOT NULL,
    scopes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    -- To the hour: a note per request would be a write per request.
    used_at BIGINT
);
CREATE UNIQUE INDEX api_key_of ON api_key (business, id);

CREATE TABLE app (
    id TEXT COLLATE "C" PRIMARY KEY,
    secret BYTEA NOT NULL,
    verify_token BYTEA NOT NULL
);

CREATE TABLE sender (
    id BYTEA PRIMARY KEY,
    business BYTEA NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C",
    account TEXT COLLATE "C" NOT NULL,
    waba TEXT COLLATE "C",
    app TEXT COLLATE "C" NOT NULL,
    token BYTEA NOT NULL,
    throughput BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (channel, account)
);
CREATE INDEX sender_waba ON sender (waba);

CREATE TABLE template (
    business BYTEA NOT NULL,
    waba TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    template TEXT COLLATE "C" NOT NULL,
    status_at BIGINT NOT NULL,
    quality_at BIGINT NOT NULL,
    category_at BIGINT NOT NULL,
    was_read BIGINT NOT NULL,
    PRIMARY KEY (business, waba, name, language)
);

-- When the templates of an account were last read whole.
CREATE TABLE template_account (
    business BYTEA NOT NULL,
    waba TEXT COLLATE "C" NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (business, waba)
);

-- Calls that create, edit or delete a template, committed before they leave; gone once their outcome is known.
CREATE TABLE template_intent (
    business BYTEA NOT NULL,
    waba TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    intent TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, waba, name, language)
);

-- What happened to templates: what Meta's quotas are counted by.
CREATE TABLE template_change (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    waba TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    created BIGINT NOT NULL,
    change TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, seq)
);
CREATE INDEX template_change_of ON template_change (business, waba, name, language, seq);
CREATE INDEX template_change_created ON template_change (business, waba, at) WHERE created = 1;
CREATE INDEX template_change_at ON template_change (at);

CREATE TABLE content (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- as it is put in order
    name_key TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (business, seq)
);
CREATE UNIQUE INDEX content_id ON content (business, id);
CREATE INDEX content_name ON content (business, name_key, id);
CREATE INDEX content_changed ON content (business, updated_at, id);

-- What was handed to Meta for approval; how far that got is told by the template.
CREATE TABLE submission (
    business BYTEA NOT NULL,
    content BYTEA NOT NULL,
    waba TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    category_may_change BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    template TEXT COLLATE "C",
    PRIMARY KEY (business, content, waba, name, submitted_at)
);
CREATE INDEX submission_name ON submission (business, waba, name, language);

-- Senders under one name.
CREATE TABLE messaging_service (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    id BYTEA NOT NULL,
    options TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (business, seq)
);
CREATE UNIQUE INDEX messaging_service_id ON messaging_service (business, id);

-- A sender is in one pool at most.
CREATE TABLE pool (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    service BYTEA NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (business, sender)
);
CREATE INDEX pool_of ON pool (business, service, since, sender);

CREATE TABLE customer (
    business BYTEA NOT NULL,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C",
    -- as it is looked for
    name_key TEXT COLLATE "C",
    username TEXT COLLATE "C",
    username_key TEXT COLLATE "C",
    -- when these names were heard
    named_at BIGINT NOT NULL,
    -- present identities of the person
    phone TEXT COLLATE "C",
    bsuid TEXT COLLATE "C",
    other TEXT COLLATE "C",
    no_marketing BIGINT NOT NULL,
    marketing_at BIGINT,
    no_contact BIGINT NOT NULL,
    contact_at BIGINT,
    -- the customer that this one turned out to be
    merged_into BYTEA,
    merged_at BIGINT,
    merged_why TEXT COLLATE "C",
    -- how many turned out to be this one
    absorbed BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (business, id)
);
CREATE INDEX customer_name ON customer (business, name_key, id) WHERE name_key IS NOT NULL;
CREATE INDEX customer_username ON customer (business, username_key, id) WHERE username_key IS NOT NULL;
CREATE INDEX customer_merged ON customer (business, merged_into, id) WHERE merged_into IS NOT NULL;

-- Names from their second word on, from their third, and so on: by these a customer is found by any word of a name.
CREATE TABLE customer_word (
    business BYTEA NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    customer BYTEA NOT NULL,
    PRIMARY KEY (business, word, customer)
);

-- Who has, or had, which identity. A number is kept under one key for all its spellings.
CREATE TABLE identity (
    business BYTEA NOT NULL,
    identity TEXT COLLATE "C" NOT NULL,
    customer BYTEA NOT NULL,
    -- has it now; at most one of an identity
    held BIGINT NOT NULL,
    -- as the upstream spells it, where that is not the key
    spelled TEXT COLLATE "C",
    since BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    until BIGINT,
    -- of a number: the user id that it was last seen with
    seen_with TEXT COLLATE "C",
    how TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, identity, customer)
);
CREATE INDEX identity_holder ON identity (business, identity) WHERE held = 1;
CREATE INDEX identity_of ON identity (business, customer, identity);

-- Changes of number or user id, under each identity that they name.
CREATE TABLE identity_change (
    business BYTEA NOT NULL,
    identity TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    change TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, identity, at, change)
);
CREATE INDEX identity_change_at ON identity_change (at);

-- Customers whose merge was taken back: kept apart until somebody joins them again. Each pair both ways.
CREATE TABLE apart (
    business BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    other BYTEA NOT NULL,
    PRIMARY KEY (business, customer, other)
);

-- What customers said of what they want to be sent, and what shows it; the state that comes of it is in their row.
CREATE TABLE consent (
    business BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    at BIGINT NOT NULL,
    -- of the entry, so that the same word is kept once
    digest BYTEA NOT NULL,
    entry TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, customer, at, digest)
);

-- Who did what to what is a business's own; no personal data.
CREATE TABLE audit (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    entry TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, seq)
);

-- Customers who are forgotten on request; those that are over hold nothing of the person.
CREATE TABLE erasure (
    business BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    open BIGINT NOT NULL,
    erasure TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, customer)
);
CREATE INDEX erasure_open ON erasure (open) WHERE open = 1;

-- Ranges of the journal that are heard again.
CREATE TABLE journal_replay (
    business BYTEA NOT NULL,
    id BYTEA NOT NULL,
    open BIGINT NOT NULL,
    replay TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, id)
);
CREATE INDEX journal_replay_open ON journal_replay (open) WHERE open = 1;

-- Which of the upstream's ids raw webhooks are still to be looked through for since its message was taken out by hand: from which
-- moment on, and up to where that was done.
CREATE TABLE blank (
    business BYTEA NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    after BIGINT NOT NULL,
    PRIMARY KEY (business, provider_id)
);

-- Who uses the console. The address stands beside the document only to be found and to be one user's.
CREATE TABLE console_user (
    id BYTEA PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX console_user_email ON console_user (email);

-- Where they are signed in. Of the token that the browser has, only its hash; the one before is good for a minute more.
CREATE TABLE console_session (
    id BYTEA PRIMARY KEY,
    hash BYTEA NOT NULL,
    former BYTEA,
    whose BYTEA NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX console_session_hash ON console_session (hash);
CREATE INDEX console_session_former ON console_session (former) WHERE former IS NOT NULL;
CREATE INDEX console_session_whose ON console_session (whose);

CREATE TABLE conversation (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    heard BIGINT,
    refused BIGINT,
    paid_back BIGINT,
    -- when either side said something last; what waits is not said yet
    spoken_at BIGINT,
    -- when what is told of the session is looked at again; none while it is told to be closed
    look_at BIGINT,
    PRIMARY KEY (business, sender, customer)
);
CREATE INDEX conversation_look ON conversation (look_at, sender, customer) WHERE look_at IS NOT NULL;
CREATE INDEX conversation_heard ON conversation (business, heard, sender, customer) WHERE heard IS NOT NULL;
CREATE INDEX conversation_sender ON conversation (business, sender, heard, customer) WHERE heard IS NOT NULL;
CREATE INDEX conversation_spoken ON conversation (business, spoken_at, sender, customer) WHERE spoken_at IS NOT NULL;
CREATE INDEX conversation_of ON conversation (business, customer, heard, sender);
