-- The house. Ids are 16 bytes; moments are milliseconds since the Unix epoch; words are those of the domain.
-- Wide rows lie in rowid tables, narrow ones in tables without rowid.

-- Who there is -------------------------------------------------------------------------------------------------------

CREATE TABLE business (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    webhook_secret BLOB NOT NULL,
    previous_secret BLOB,
    previous_until INTEGER,
    created_at INTEGER NOT NULL
);

-- One row: raised in the same commit by each change of an app, a business, what it chose, a sender, or a messaging service.
CREATE TABLE directory (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
);

-- What a business has chosen for itself: one document.
CREATE TABLE business_settings (
    business BLOB PRIMARY KEY,
    settings TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_key (
    hash BLOB PRIMARY KEY,
    business BLOB NOT NULL,
    id BLOB NOT NULL,
    label TEXT NOT NULL,
    scopes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    -- To the hour: a note per request would be a write per request.
    used_at INTEGER
);
CREATE UNIQUE INDEX api_key_of ON api_key (business, id);

-- Who uses the console. The address stands beside the document only to be found and to be one user's.
CREATE TABLE console_user (
    id BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX console_user_email ON console_user (email);

-- Where they are signed in. Of the token that the browser has, only its hash; the one before is good for a minute more.
CREATE TABLE console_session (
    id BLOB PRIMARY KEY,
    hash BLOB NOT NULL,
    former BLOB,
    whose BLOB NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX console_session_hash ON console_session (hash);
CREATE INDEX console_session_former ON console_session (former) WHERE former IS NOT NULL;
CREATE INDEX console_session_user ON console_session (whose);

CREATE TABLE app (
    id TEXT PRIMARY KEY,
    secret BLOB NOT NULL,
    verify_token BLOB NOT NULL
);

CREATE TABLE sender (
    id BLOB PRIMARY KEY,
    business BLOB NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL UNIQUE,
    name TEXT,
    account TEXT NOT NULL,
    waba TEXT,
    app TEXT NOT NULL,
    token BLOB NOT NULL,
    throughput INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (channel, account)
);
CREATE INDEX sender_waba ON sender (waba);

CREATE TABLE template (
    business BLOB NOT NULL,
    waba TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    template TEXT NOT NULL,
    status_at INTEGER NOT NULL,
    quality_at INTEGER NOT NULL,
    category_at INTEGER NOT NULL,
    was_read INTEGER NOT NULL,
    PRIMARY KEY (business, waba, name, language)
);

-- When the templates of an account were last read whole.
CREATE TABLE template_account (
    business BLOB NOT NULL,
    waba TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (business, waba)
) WITHOUT ROWID;

-- Calls that create, edit or delete a template, committed before they leave; gone once their outcome is known.
CREATE TABLE template_intent (
    business BLOB NOT NULL,
    waba TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    intent TEXT NOT NULL,
    PRIMARY KEY (business, waba, name, language)
);

-- What happened to templates: what Meta's quotas are counted by.
CREATE TABLE template_change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    business BLOB NOT NULL,
    waba TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    at INTEGER NOT NULL,
    created INTEGER NOT NULL,
    change TEXT NOT NULL
);
CREATE INDEX template_change_of ON template_change (business, waba, name, language, seq);
CREATE INDEX template_change_created ON template_change (business, waba, at) WHERE created = 1;
CREATE INDEX template_change_at ON template_change (at);

CREATE TABLE content (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    business BLOB NOT NULL,
    name TEXT NOT NULL,
    -- as it is put in order
    name_key TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX content_id ON content (business, id);
CREATE INDEX content_business ON content (business);
CREATE INDEX content_name ON content (business, name_key, id);
CREATE INDEX content_changed ON content (business, updated_at, id);

-- What was handed to Meta for approval; how far that got is told by the template.
CREATE TABLE submission (
    business BLOB NOT NULL,
    content BLOB NOT NULL,
    waba TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    category TEXT NOT NULL,
    kind TEXT NOT NULL,
    category_may_change INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    template TEXT,
    PRIMARY KEY (business, content, waba, name, submitted_at)
) WITHOUT ROWID;
CREATE INDEX submission_name ON submission (business, waba, name, language);

-- Senders under one name.
CREATE TABLE messaging_service (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    business BLOB NOT NULL,
    options TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX messaging_service_id ON messaging_service (business, id);
CREATE INDEX messaging_service_business ON messaging_service (business);

-- A sender is in one pool at most.
CREATE TABLE pool (
    sender BLOB PRIMARY KEY,
    service BLOB NOT NULL,
    since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pool_of ON pool (service, since, sender);

CREATE TABLE customer (
    business BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT,
    -- as it is looked for
    name_key TEXT,
    username TEXT,
    username_key TEXT,
    -- when these names were heard
    named_at INTEGER NOT NULL,
    -- present identities of the person
    phone TEXT,
    bsuid TEXT,
    other TEXT,
    no_marketing INTEGER NOT NULL,
    marketing_at INTEGER,
    no_contact INTEGER NOT NULL,
    contact_at INTEGER,
    -- the customer that this one turned out to be
    merged_into BLOB,
    merged_at INTEGER,
    merged_why TEXT,
    -- how many turned out to be this one
    absorbed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (business, id)
);
CREATE INDEX customer_name ON customer (business, name_key, id) WHERE name_key IS NOT NULL;
CREATE INDEX customer_username ON customer (business, username_key, id) WHERE username_key IS NOT NULL;
CREATE INDEX customer_merged ON customer (business, merged_into, id) WHERE merged_into IS NOT NULL;

-- Names from their second word on, from their third, and so on: by these a customer is found by any word of a name.
CREATE TABLE customer_word (
    business BLOB NOT NULL,
    word TEXT NOT NULL,
    customer BLOB NOT NULL,
    PRIMARY KEY (business, word, customer)
) WITHOUT ROWID;

-- Who has, or had, which identity. A number is kept under one key for all its spellings.
CREATE TABLE identity (
    business BLOB NOT NULL,
    identity TEXT NOT NULL,
    customer BLOB NOT NULL,
    -- has it now; at most one of an identity
    held INTEGER NOT NULL,
    -- as the upstream spells it, where that is not the key
    spelled TEXT,
    since INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    until INTEGER,
    -- of a number: the user id that it was last seen with
    seen_with TEXT,
    how TEXT NOT NULL,
    PRIMARY KEY (business, identity, customer)
) WITHOUT ROWID;
CREATE INDEX identity_of ON identity (business, customer, identity);

-- Changes of number or user id, under each identity that they name.
CREATE TABLE identity_change (
    business BLOB NOT NULL,
    identity TEXT NOT NULL,
    at INTEGER NOT NULL,
    change TEXT NOT NULL,
    PRIMARY KEY (business, identity, at, change)
) WITHOUT ROWID;
CREATE INDEX identity_change_at ON identity_change (at);

-- Customers whose merge was taken back: kept apart until somebody joins them again. Each pair both ways.
CREATE TABLE apart (
    business BLOB NOT NULL,
    customer BLOB NOT NULL,
    other BLOB NOT NULL,
    PRIMARY KEY (business, customer, other)
) WITHOUT ROWID;

-- What customers said of what they want to be sent, and what shows it; the state that comes of it is in their row.
CREATE TABLE consent (
    business BLOB NOT NULL,
    customer BLOB NOT NULL,
    at INTEGER NOT NULL,
    -- of the entry, so that the same word is kept once
    digest BLOB NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (business, customer, at, digest)
);

-- Who did what to what is a business's own; no personal data.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    business BLOB NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX audit_business ON audit (business);

-- Customers who are forgotten on request; those that are over hold nothing of the person.
CREATE TABLE erasure (
    business BLOB NOT NULL,
    customer BLOB NOT NULL,
    open INTEGER NOT NULL,
    erasure TEXT NOT NULL,
    PRIMARY KEY (business, customer)
);
CREATE INDEX erasure_open ON erasure (open) WHERE open = 1;

-- Ranges of the journal that are heard again.
CREATE TABLE journal_replay (
    business BLOB NOT NULL,
    id BLOB NOT NULL,
    open INTEGER NOT NULL,
    replay TEXT NOT NULL,
    PRIMARY KEY (business, id)
);
CREATE INDEX journal_replay_open ON journal_replay (open) WHERE open = 1;

-- Which of the upstream's ids raw webhooks are still to be looked through for since its message was taken out by hand: from which
-- moment on, and up to where that was done.
CREATE TABLE blank (
    business BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    after INTEGER NOT NULL,
    PRIMARY KEY (business, provider_id)
) WITHOUT ROWID;

CREATE TABLE conversation (
    sender BLOB NOT NULL,
    customer BLOB NOT NULL,
    business BLOB NOT NULL,
    heard INTEGER,
    refused INTEGER,
    paid_back INTEGER,
    -- when either side said something last; what waits is not said yet
    spoken_at INTEGER,
    -- when what is told of the session is looked at again; none while it is told to be closed
    look_at INTEGER,
    PRIMARY KEY (sender, customer)
) WITHOUT ROWID;
CREATE INDEX conversation_look ON conversation (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX conversation_heard ON conversation (business, heard, sender, customer) WHERE heard IS NOT NULL;
CREATE INDEX conversation_sender ON conversation (business, sender, heard, customer) WHERE heard IS NOT NULL;
CREATE INDEX conversation_spoken ON conversation (business, spoken_at, sender, customer) WHERE spoken_at IS NOT NULL;
CREATE INDEX conversation_of ON conversation (business, customer, heard);

-- Messages -----------------------------------------------------------------------------------------------------------

CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    business BLOB NOT NULL,
    sender BLOB NOT NULL,
    customer BLOB NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    position INTEGER NOT NULL,
    class INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER,
    when_unknown TEXT NOT NULL,
    callback_data TEXT,
    campaign TEXT,
    reply_to TEXT,
    redacted INTEGER NOT NULL DEFAULT 0,
    draft TEXT,
    inbound TEXT,
    verdict TEXT,
    -- position of the event that tells its content; none for what went out
    told_at INTEGER,
    -- the content that it was sent from, where the business keeps that
    content BLOB,
    -- what only some callers say of it, as JSON
    origin TEXT,
    -- the customer in whose lane it is, where that is another one
    lane_of BLOB
);
CREATE UNIQUE INDEX message_id ON message (business, id);
CREATE INDEX message_business ON message (business);
CREATE INDEX message_customer ON message (business, customer);

-- Where each message stands, and its last attempt: apart, so that a status does not rewrite a body.
CREATE TABLE standing (
    seq INTEGER PRIMARY KEY,
    phase TEXT NOT NULL,
    -- not_before of what is queued, until of what is unknown
    phase_at INTEGER,
    failure TEXT,
    status TEXT NOT NULL,
    told INTEGER NOT NULL,
    -- the last attempt, where there is one
    number INTEGER,
    owner INTEGER,
    started_at INTEGER,
    progress TEXT,
    at INTEGER,
    provider_id TEXT,
    error TEXT,
    note TEXT,
    pricing TEXT,
    priced TEXT,
    -- the attempt for which the verdict was taken again, and the verdict, unless it was the one of the acceptance
    judged INTEGER,
    verdict TEXT
);
CREATE INDEX standing_unknown ON standing (phase_at) WHERE phase = 'unknown';
CREATE INDEX standing_open ON standing (owner, number) WHERE progress = 'started';

-- The attempts before the last.
CREATE TABLE attempt (
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    progress TEXT NOT NULL,
    at INTEGER NOT NULL,
    provider_id TEXT,
    error TEXT,
    note TEXT,
    pricing TEXT,
    priced TEXT,
    PRIMARY KEY (seq, number)
) WITHOUT ROWID;

-- What was said of a message, one row per attempt and step, written once; attempt 0 is the message itself.
CREATE TABLE word (
    seq INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    word TEXT NOT NULL,
    at INTEGER NOT NULL,
    heard_at INTEGER NOT NULL,
    until INTEGER,
    error TEXT,
    note TEXT,
    pricing TEXT,
    -- how it came to us, where not by a webhook
    heard_by TEXT,
    -- what the upstream answered to the call, as JSON
    answer TEXT,
    PRIMARY KEY (seq, attempt, word)
) WITHOUT ROWID;

-- The upstream's ids; attempt 0 is a message that came in. Kept longer than any replay.
CREATE TABLE provider (
    business BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (business, provider_id)
) WITHOUT ROWID;

-- Those of messages that were redacted or deleted by hand, as of when the message was accepted, so that they too grow old.
CREATE TABLE left_id (
    at INTEGER NOT NULL,
    business BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (at, business, provider_id)
) WITHOUT ROWID;

CREATE TABLE orphan (
    business BLOB NOT NULL,
    provider_id TEXT NOT NULL,
    status TEXT NOT NULL,
    app TEXT NOT NULL,
    at INTEGER NOT NULL,
    report TEXT NOT NULL,
    failure TEXT,
    PRIMARY KEY (business, provider_id, status)
) WITHOUT ROWID;
CREATE INDEX orphan_at ON orphan (at);

-- What was done to messages since: bound to one as soon as that is here.
CREATE TABLE amendment (
    business BLOB NOT NULL,
    original TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    heard_at INTEGER NOT NULL,
    seq INTEGER,
    -- position of the event that tells it
    told_at INTEGER,
    -- none once the message is redacted
    amended TEXT,
    PRIMARY KEY (business, original, provider_id)
);
CREATE INDEX amendment_of ON amendment (seq) WHERE seq IS NOT NULL;
CREATE INDEX amendment_waits ON amendment (heard_at) WHERE seq IS NULL;

-- By what news without an id of its own is recognised when it is repeated.
CREATE TABLE news (
    business BLOB NOT NULL,
    mark BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (business, mark)
) WITHOUT ROWID;
CREATE INDEX news_at ON news (at);

-- Messenger: up to which moment all that was sent to an address is delivered, and read; each with when that was said.
CREATE TABLE watermark (
    sender BLOB NOT NULL,
    address TEXT NOT NULL,
    delivered INTEGER,
    delivered_said INTEGER,
    read INTEGER,
    read_said INTEGER,
    PRIMARY KEY (sender, address)
) WITHOUT ROWID;

-- Messenger: the attempts of which it is not known that they were read, one per message.
CREATE TABLE unread (
    seq INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    sender BLOB NOT NULL,
    address TEXT NOT NULL,
    started_at INTEGER NOT NULL
);
CREATE INDEX unread_of ON unread (sender, address, started_at, seq, number);

CREATE TABLE idempotency (
    business BLOB NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (business, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_until ON idempotency (until);

CREATE TABLE app_heard (
    app TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The queue ----------------------------------------------------------------------------------------------------------

CREATE TABLE sender_counter (
    sender BLOB PRIMARY KEY,
    business BLOB NOT NULL,
    position INTEGER NOT NULL,
    waiting INTEGER NOT NULL
) WITHOUT ROWID;

-- Lanes in which something waits. One with a message in flight and nothing behind it may do without a row.
CREATE TABLE lane (
    sender BLOB NOT NULL,
    class INTEGER NOT NULL,
    customer BLOB NOT NULL,
    flight INTEGER,
    due INTEGER,
    head INTEGER NOT NULL,
    PRIMARY KEY (sender, class, customer)
) WITHOUT ROWID;
CREATE INDEX lane_due ON lane (sender, class, due, head) WHERE due IS NOT NULL;

CREATE TABLE wait (
    sender BLOB NOT NULL,
    position INTEGER NOT NULL,
    class INTEGER NOT NULL,
    customer BLOB NOT NULL,
    seq INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    aside INTEGER NOT NULL,
    expires_at INTEGER,
    accepted_at INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (sender, position)
) WITHOUT ROWID;
CREATE INDEX wait_lane ON wait (sender, class, customer, position) WHERE aside = 0;
CREATE INDEX wait_aside ON wait (sender, class, customer, not_before) WHERE aside = 1;
CREATE INDEX wait_expires ON wait (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX wait_content ON wait (content) WHERE content IS NOT NULL;

-- Limits -------------------------------------------------------------------------------------------------------------

CREATE TABLE number_limits (
    sender BLOB PRIMARY KEY,
    limits TEXT NOT NULL
) WITHOUT ROWID;

-- Customers written to without an open window, while a messaging limit is known.
CREATE TABLE reached (
    business BLOB NOT NULL,
    customer BLOB NOT NULL,
    at INTEGER NOT NULL,
    before INTEGER,
    PRIMARY KEY (business, customer)
) WITHOUT ROWID;

-- How many customers were last reached in a minute, and the sum of all minutes.
CREATE TABLE reach_minute (
    business BLOB NOT NULL,
    minute INTEGER NOT NULL,
    customers INTEGER NOT NULL,
    PRIMARY KEY (business, minute)
) WITHOUT ROWID;

CREATE TABLE reach (
    business BLOB PRIMARY KEY,
    customers INTEGER NOT NULL
) WITHOUT ROWID;

-- Files -------------------------------------------------------------------------------------------------------------

-- What is known of each file; that of a message is also the task of fetching it.
CREATE TABLE media (
    business BLOB NOT NULL,
    id BLOB NOT NULL,
    sender BLOB,
    at INTEGER NOT NULL,
    -- while it is to be fetched
    due INTEGER,
    -- once its bytes are here
    digest BLOB,
    media TEXT NOT NULL,
    PRIMARY KEY (business, id)
);
CREATE INDEX media_due ON media (sender, due) WHERE due IS NOT NULL;
CREATE INDEX media_digest ON media (business, digest) WHERE digest IS NOT NULL;
CREATE INDEX media_at ON media (business, at);

-- Bytes that may lie there without a file that has them.
CREATE TABLE loose (
    business BLOB NOT NULL,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL,
    -- until when somebody is removing them
    removing INTEGER,
    PRIMARY KEY (business, digest)
) WITHOUT ROWID;
CREATE INDEX loose_at ON loose (at);

-- The upstream's ids of bytes that were uploaded to it.
CREATE TABLE upstream_copy (
    business BLOB NOT NULL,
    digest BLOB NOT NULL,
    sender BLOB NOT NULL,
    mime_type TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (business, digest, sender)
) WITHOUT ROWID;
CREATE INDEX upstream_copy_until ON upstream_copy (until);

-- Telling ------------------------------------------------------------------------------------------------------------

CREATE TABLE event_counter (
    business BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    -- when the newest happened
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    business BLOB NOT NULL,
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX event_position ON event (business, position);

CREATE TABLE endpoint (
    id BLOB PRIMARY KEY,
    business BLOB NOT NULL,
    -- of a published registration; the others have a secret of their own, or are origins of callbacks
    topic TEXT,
    address TEXT NOT NULL,
    manner TEXT NOT NULL,
    secret BLOB,
    previous_secret BLOB,
    previous_until INTEGER,
    filter TEXT NOT NULL,
    begins INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    health TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (business, topic)
);

CREATE TABLE delivery (
    endpoint BLOB NOT NULL,
    position INTEGER NOT NULL,
    sender BLOB,
    customer BLOB,
    first INTEGER NOT NULL,
    tried INTEGER NOT NULL,
    -- none once it was given up
    due INTEGER,
    since INTEGER NOT NULL,
    seen TEXT NOT NULL,
    -- the last try
    at INTEGER,
    status INTEGER,
    millis INTEGER,
    -- what was answered to it, as JSON
    answer TEXT,
    PRIMARY KEY (endpoint, position)
) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (endpoint, due, position) WHERE first = 1;
CREATE INDEX delivery_of ON delivery (endpoint, sender, customer, position) WHERE sender IS NOT NULL;
CREATE INDEX delivery_open ON delivery (endpoint, position) WHERE due IS NOT NULL;
CREATE INDEX delivery_over ON delivery (endpoint, position) WHERE due IS NULL;

-- Ranges of the stream that one endpoint is told once more.
CREATE TABLE replay (
    endpoint BLOB NOT NULL,
    id BLOB NOT NULL,
    given_up INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    told INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    over_at INTEGER,
    stopped INTEGER NOT NULL,
    PRIMARY KEY (endpoint, id)
) WITHOUT ROWID;
CREATE INDEX replay_open ON replay (endpoint) WHERE over_at IS NULL;

-- How far each walk along the messages of a business has come.
CREATE TABLE walk (
    walk TEXT NOT NULL,
    business BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (walk, business)
) WITHOUT ROWID;

-- Messages whose history the upstream is to be asked for.
CREATE TABLE overdue (
    sender BLOB NOT NULL,
    due INTEGER NOT NULL,
    message BLOB NOT NULL,
    tries INTEGER NOT NULL,
    PRIMARY KEY (sender, due, message)
) WITHOUT ROWID;

-- Senders for which the upstream offers no history.
CREATE TABLE no_history (
    sender BLOB PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;

-- What was not heard of a sender's messages, by the day on which they were accepted.
CREATE TABLE silence (
    sender BLOB NOT NULL,
    day INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    unheard INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    PRIMARY KEY (sender, day)
) WITHOUT ROWID;
CREATE INDEX silence_day ON silence (day);

-- How many messages came and went, by the minute or hour in which they were accepted, and how far they got; nobody's data.
CREATE TABLE tally (
    business BLOB NOT NULL,
    -- in minutes
    width INTEGER NOT NULL,
    -- its beginning, in minutes since 1970
    at INTEGER NOT NULL,
    sender BLOB NOT NULL,
    received INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (business, width, at, sender)
) WITHOUT ROWID;

-- Failures that were told, by the hour; without a code of the upstream's it is -1.
CREATE TABLE tally_failure (
    business BLOB NOT NULL,
    hour INTEGER NOT NULL,
    sender BLOB NOT NULL,
    code TEXT NOT NULL,
    upstream INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (business, hour, sender, code, upstream)
) WITHOUT ROWID;

CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
);
