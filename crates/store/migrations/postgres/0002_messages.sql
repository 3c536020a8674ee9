-- What is sent, heard, told and kept: see 0001_house.sql for how columns are to be read.

-- Messages -----------------------------------------------------------------------------------------------------------

CREATE TABLE message (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    id BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    class BIGINT NOT NULL,
    accepted_at BIGINT NOT NULL,
    expires_at BIGINT,
    when_unknown TEXT COLLATE "C" NOT NULL,
    callback_data TEXT COLLATE "C",
    campaign TEXT COLLATE "C",
    reply_to TEXT COLLATE "C",
    redacted BIGINT NOT NULL DEFAULT 0,
    draft TEXT COLLATE "C",
    inbound TEXT COLLATE "C",
    verdict TEXT COLLATE "C",
    -- position of the event that tells its content; none for what went out
    told_at BIGINT,
    -- the content that it was sent from, where the business keeps that
    content BYTEA,
    -- what only some callers say of it, as JSON
    origin TEXT COLLATE "C",
    -- the customer in whose lane it is, where that is another one
    lane_of BYTEA,
    PRIMARY KEY (business, seq)
);
CREATE UNIQUE INDEX message_id ON message (business, id);
CREATE INDEX message_customer ON message (business, customer, seq);

-- Where each message stands, and its last attempt: apart, so that a status does not rewrite a body.
CREATE TABLE standing (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    -- not_before of what is queued, until of what is unknown
    phase_at BIGINT,
    failure TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    told BIGINT NOT NULL,
    -- the last attempt, where there is one
    number BIGINT,
    owner BIGINT,
    started_at BIGINT,
    progress TEXT COLLATE "C",
    at BIGINT,
    provider_id TEXT COLLATE "C",
    error TEXT COLLATE "C",
    note TEXT COLLATE "C",
    pricing TEXT COLLATE "C",
    priced TEXT COLLATE "C",
    -- the attempt for which the verdict was taken again, and the verdict, unless it was the one of the acceptance
    judged BIGINT,
    verdict TEXT COLLATE "C",
    PRIMARY KEY (business, seq)
);
CREATE INDEX standing_unknown ON standing (phase_at, seq) WHERE phase = 'unknown';
CREATE INDEX standing_open ON standing (business, seq, number, owner) WHERE progress = 'started';

-- The attempts before the last.
CREATE TABLE attempt (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    number BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    progress TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    provider_id TEXT COLLATE "C",
    error TEXT COLLATE "C",
    note TEXT COLLATE "C",
    pricing TEXT COLLATE "C",
    priced TEXT COLLATE "C",
    PRIMARY KEY (business, seq, number)
);

-- What was said of a message, one row per attempt and step, written once; attempt 0 is the message itself.
CREATE TABLE word (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    heard_at BIGINT NOT NULL,
    until BIGINT,
    error TEXT COLLATE "C",
    note TEXT COLLATE "C",
    pricing TEXT COLLATE "C",
    -- how it came to us, where not by a webhook
    heard_by TEXT COLLATE "C",
    -- what the upstream answered to the call, as JSON
    answer TEXT COLLATE "C",
    PRIMARY KEY (business, seq, attempt, word)
);

-- The upstream's ids; attempt 0 is a message that came in. Kept longer than any replay.
CREATE TABLE provider (
    business BYTEA NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    PRIMARY KEY (business, provider_id)
);

-- Those of messages that were redacted or deleted by hand, as of when the message was accepted, so that they too grow old.
CREATE TABLE left_id (
    business BYTEA NOT NULL,
    at BIGINT NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (business, at, provider_id)
);
CREATE INDEX left_id_at ON left_id (at);

CREATE TABLE orphan (
    business BYTEA NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    report TEXT COLLATE "C" NOT NULL,
    failure TEXT COLLATE "C",
    PRIMARY KEY (business, provider_id, status)
);
CREATE INDEX orphan_at ON orphan (at);

-- What was done to messages since: bound to one as soon as that is here.
CREATE TABLE amendment (
    business BYTEA NOT NULL,
    -- in which order they came
    number BIGINT NOT NULL,
    original TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    heard_at BIGINT NOT NULL,
    seq BIGINT,
    -- position of the event that tells it
    told_at BIGINT,
    -- none once the message is redacted
    amended TEXT COLLATE "C",
    PRIMARY KEY (business, original, provider_id)
);
CREATE INDEX amendment_of ON amendment (business, seq, number) WHERE seq IS NOT NULL;
CREATE INDEX amendment_waits ON amendment (heard_at) WHERE seq IS NULL;

-- By what news without an id of its own is recognised when it is repeated.
CREATE TABLE news (
    business BYTEA NOT NULL,
    mark BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (business, mark)
);
CREATE INDEX news_at ON news (at);

-- Messenger: up to which moment all that was sent to an address is delivered, and read; each with when that was said.
CREATE TABLE watermark (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    delivered BIGINT,
    delivered_said BIGINT,
    read BIGINT,
    read_said BIGINT,
    PRIMARY KEY (business, sender, address)
);

-- Messenger: the attempts of which it is not known that they were read, one per message.
CREATE TABLE unread (
    business BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    number BIGINT NOT NULL,
    sender BYTEA NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (business, seq)
);
CREATE INDEX unread_of ON unread (business, sender, address, started_at, seq, number);

CREATE TABLE idempotency (
    business BYTEA NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    answer BYTEA NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (business, key)
);
CREATE INDEX idempotency_until ON idempotency (until);

CREATE TABLE app_heard (
    business BYTEA NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (business, app)
);
CREATE INDEX app_heard_app ON app_heard (app, started_at);

-- The queue ----------------------------------------------------------------------------------------------------------

CREATE TABLE sender_counter (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    position BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    PRIMARY KEY (business, sender)
);

-- Lanes in which something waits. One with a message in flight and nothing behind it has no row: its attempt says so.
CREATE TABLE lane (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    class BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    flight BIGINT,
    due BIGINT,
    head BIGINT NOT NULL,
    PRIMARY KEY (business, sender, class, customer)
);
CREATE INDEX lane_due ON lane (business, sender, class, due, head) WHERE due IS NOT NULL;

CREATE TABLE wait (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    position BIGINT NOT NULL,
    class BIGINT NOT NULL,
    customer BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    aside BIGINT NOT NULL,
    expires_at BIGINT,
    accepted_at BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (business, sender, position)
);
CREATE INDEX wait_lane ON wait (business, sender, class, customer, position) WHERE aside = 0;
CREATE INDEX wait_aside ON wait (business, sender, class, customer, not_before, position) WHERE aside = 1;
CREATE INDEX wait_expires ON wait (expires_at, sender, position) WHERE expires_at IS NOT NULL;
CREATE INDEX wait_content ON wait (business, content) WHERE content IS NOT NULL;

-- Limits -------------------------------------------------------------------------------------------------------------

CREATE TABLE number_limits (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    limits TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, sender)
);

-- Customers written to without an open window, while a messaging limit is known.
CREATE TABLE reached (
    business BYTEA NOT NULL,
    customer BYTEA NOT NULL,
    at BIGINT NOT NULL,
    before BIGINT,
    PRIMARY KEY (business, customer)
);

-- How many customers were last reached in a minute, and the sum of all minutes.
CREATE TABLE reach_minute (
    business BYTEA NOT NULL,
    minute BIGINT NOT NULL,
    customers BIGINT NOT NULL,
    PRIMARY KEY (business, minute)
);

CREATE TABLE reach (
    business BYTEA PRIMARY KEY,
    customers BIGINT NOT NULL
);

-- Files -------------------------------------------------------------------------------------------------------------

-- What is known of each file; that of a message is also the task of fetching it.
CREATE TABLE media (
    business BYTEA NOT NULL,
    id BYTEA NOT NULL,
    sender BYTEA,
    at BIGINT NOT NULL,
    -- while it is to be fetched
    due BIGINT,
    -- once its bytes are here
    digest BYTEA,
    media TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, id)
);
CREATE INDEX media_due ON media (sender, due) WHERE due IS NOT NULL;
CREATE INDEX media_digest ON media (business, digest) WHERE digest IS NOT NULL;
CREATE INDEX media_at ON media (business, at);

-- Bytes that may lie there without a file that has them.
CREATE TABLE loose (
    business BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    at BIGINT NOT NULL,
    -- until when somebody is removing them
    removing BIGINT,
    PRIMARY KEY (business, digest)
);
CREATE INDEX loose_at ON loose (at);

-- The upstream's ids of bytes that were uploaded to it.
CREATE TABLE upstream_copy (
    business BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    mime_type TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (business, digest, sender)
);
CREATE INDEX upstream_copy_until ON upstream_copy (until);

-- Telling ------------------------------------------------------------------------------------------------------------

CREATE TABLE event (
    business BYTEA NOT NULL,
    position BIGINT NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, position)
);

CREATE TABLE endpoint (
    business BYTEA NOT NULL,
    id BYTEA NOT NULL,
    -- of a published registration; the others have a secret of their own, or are origins of callbacks
    topic TEXT COLLATE "C",
    address TEXT COLLATE "C" NOT NULL,
    manner TEXT COLLATE "C" NOT NULL,
    secret BYTEA,
    previous_secret BYTEA,
    previous_until BIGINT,
    filter TEXT COLLATE "C" NOT NULL,
    begins BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    health TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (business, id),
    UNIQUE (business, topic)
);

-- Whose an endpoint is.
CREATE TABLE endpoint_of (
    id BYTEA PRIMARY KEY,
    business BYTEA NOT NULL
);

CREATE TABLE delivery (
    business BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    position BIGINT NOT NULL,
    sender BYTEA,
    customer BYTEA,
    first BIGINT NOT NULL,
    tried BIGINT NOT NULL,
    -- none once it was given up
    due BIGINT,
    since BIGINT NOT NULL,
    seen TEXT COLLATE "C" NOT NULL,
    -- the last try
    at BIGINT,
    status BIGINT,
    millis BIGINT,
    -- what was answered to it, as JSON
    answer TEXT COLLATE "C",
    PRIMARY KEY (business, endpoint, position)
);
CREATE INDEX delivery_due ON delivery (business, endpoint, due, position) WHERE first = 1;
CREATE INDEX delivery_of ON delivery (business, endpoint, sender, customer, position) WHERE sender IS NOT NULL;
CREATE INDEX delivery_open ON delivery (business, endpoint, position) WHERE due IS NOT NULL;
CREATE INDEX delivery_over ON delivery (business, endpoint, position) WHERE due IS NULL;

-- Ranges of the stream that one endpoint is told once more.
CREATE TABLE replay (
    business BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    id BYTEA NOT NULL,
    given_up BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    told BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    over_at BIGINT,
    stopped BIGINT NOT NULL,
    PRIMARY KEY (business, endpoint, id)
);
CREATE INDEX replay_open ON replay (business, endpoint) WHERE over_at IS NULL;

-- How far each walk along the messages of a business has come.
CREATE TABLE walk (
    business BYTEA NOT NULL,
    walk TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (business, walk)
);

-- Messages whose history the upstream is to be asked for.
CREATE TABLE overdue (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    due BIGINT NOT NULL,
    message BYTEA NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (business, sender, due, message)
);

-- Senders for which the upstream offers no history.
CREATE TABLE no_history (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, sender)
);

-- What was not heard of a sender's messages, by the day on which they were accepted.
CREATE TABLE silence (
    business BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    day BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    unheard BIGINT NOT NULL,
    undelivered BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    PRIMARY KEY (business, sender, day)
);
CREATE INDEX silence_day ON silence (business, day);

-- How many messages came and went, by the minute or hour in which they were accepted, and how far they got; nobody's data.
CREATE TABLE tally (
    business BYTEA NOT NULL,
    -- in minutes
    width BIGINT NOT NULL,
    -- its beginning, in minutes since 1970
    at BIGINT NOT NULL,
    sender BYTEA NOT NULL,
    received BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    read BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    PRIMARY KEY (business, width, at, sender)
);

-- Failures that were told, by the hour; without a code of the upstream's it is -1.
CREATE TABLE tally_failure (
    business BYTEA NOT NULL,
    hour BIGINT NOT NULL,
    sender BYTEA NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    upstream BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (business, hour, sender, code, upstream)
);

CREATE TABLE probe (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    at BIGINT NOT NULL
);

-- The journal --------------------------------------------------------------------------------------------------------

CREATE TABLE entry (
    business BYTEA NOT NULL,
    position BIGINT NOT NULL,
    id BYTEA NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    -- the place of the outcome in its list: 0 is what was understood whole
    outcome BIGINT NOT NULL,
    fields TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    erased BIGINT NOT NULL,
    raw BYTEA NOT NULL,
    PRIMARY KEY (business, position)
);
CREATE UNIQUE INDEX entry_id ON entry (business, id);
CREATE INDEX entry_name ON entry (id);
CREATE INDEX entry_flagged ON entry (business, position) WHERE outcome > 0;

-- The newest position of each, the newest that was dropped, and when the newest came.
CREATE TABLE stream (
    business BYTEA PRIMARY KEY,
    position BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    at BIGINT NOT NULL
);
