-- What a cluster's store knows. Ids are the bytes by which the program knows URLs, hosts and
-- pictures. Tables of the frontier carry `host`, tables of pictures carry `picture`: the columns by
-- which they can be spread over machines. Plain SQL only; no foreign keys, no triggers.

-- What store this is. One row.
CREATE TABLE store (
    one         boolean PRIMARY KEY CHECK (one),
    id          text  NOT NULL,
    network     bytea NOT NULL,
    activations bytea NOT NULL,
    descriptor  text  NOT NULL,
    look        text  NOT NULL
);

-- Values of which there is one: numbers that only grow, the crawler's settings.
CREATE TABLE numbers (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO numbers VALUES
    ('next_sequence', 0), ('runs', 0), ('workers', 0), ('removals', 0),
    ('changes_of_duplicates', 0);
CREATE TABLE notes (name text PRIMARY KEY, value bytea NOT NULL);

-- What is counted, in parts, so that workers do not wait for one another's counting.
CREATE TABLE counts (
    slot  smallint NOT NULL,
    name  text     NOT NULL,
    value bigint   NOT NULL,
    PRIMARY KEY (slot, name)
);

-- Hosts: what is known of each, and which worker has it.
CREATE TABLE hosts (
    host       bytea PRIMARY KEY,
    is_known   boolean NOT NULL,
    name       text    NOT NULL,
    crawl      bigint  NOT NULL,
    left_in    bigint  NOT NULL,
    pages      bigint  NOT NULL,
    is_removed boolean NOT NULL
);
CREATE TABLE host_leases (
    host   bytea PRIMARY KEY,
    worker bigint      NOT NULL,
    until  timestamptz NOT NULL,
    -- Another worker does not ask the host before.
    quiet  timestamptz NOT NULL
);
CREATE INDEX host_leases_worker ON host_leases (worker);
CREATE TABLE rule_files (
    id         bytea  PRIMARY KEY,
    url        text   NOT NULL,
    fetched_ms bigint NOT NULL,
    body       bytea
);

-- URLs: the state of each (NULL if it was forgotten and only its visit is known), what pages say of
-- it, what its last visit gave, and the page that it is, with what that says of the use of its
-- pictures.
CREATE TABLE urls (
    host       bytea NOT NULL,
    id         bytea NOT NULL,
    state      smallint,
    reason     text,
    url        text,
    role       smallint,
    depth      bigint,
    attempts   bigint,
    hint       bytea,
    hint_hosts bytea[],
    visit      bytea,
    due_s      bigint,
    interval_s bigint,
    absent_s   bigint,
    declined   bytea,
    page_title text,
    page_url   text,
    page_at    bigint,
    terms      bytea,
    PRIMARY KEY (host, id)
);
CREATE INDEX urls_id ON urls (id);
CREATE INDEX urls_ended ON urls (id) WHERE state IN (2, 3);
CREATE INDEX urls_seeds ON urls (id) WHERE depth = 0 AND role = 0;
CREATE INDEX urls_due ON urls (due_s) WHERE visit IS NOT NULL;
CREATE INDEX urls_hints ON urls USING gin (hint_hosts) WHERE hint_hosts IS NOT NULL;

-- Orders of queues are given out in thousands, outside transactions: nobody waits for a number.
CREATE SEQUENCE queue_order INCREMENT BY 1000 MINVALUE 0 START 0;

-- Queues of hosts, and what waits for its time. `ord` and `at` are unsigned numbers less 2^63, so
-- that they sort.
CREATE TABLE queue (
    host bytea  NOT NULL,
    ord  bigint NOT NULL,
    id   bytea  NOT NULL,
    PRIMARY KEY (host, ord)
);
CREATE TABLE retries (
    host   bytea  NOT NULL,
    at     bigint NOT NULL,
    id     bytea  NOT NULL,
    reason text   NOT NULL,
    PRIMARY KEY (host, at, id)
);
CREATE INDEX retries_at ON retries (at, id);

-- How pages show pictures' URLs.
CREATE TABLE embeds (
    picture bytea NOT NULL,
    page    bytea NOT NULL,
    alt     text  NOT NULL,
    title   text  NOT NULL,
    caption text  NOT NULL,
    PRIMARY KEY (picture, page)
);
CREATE INDEX embeds_page ON embeds (page);

-- Pictures with features.
CREATE TABLE pictures (
    picture         bytea   PRIMARY KEY,
    sequence        bigint  NOT NULL,
    width           bigint  NOT NULL,
    height          bigint  NOT NULL,
    media_type      text    NOT NULL,
    bytes           bigint  NOT NULL,
    perceptual_hash bigint  NOT NULL,
    first_seen      bigint  NOT NULL,
    descriptor      bytea   NOT NULL,
    look            bytea,
    entry           bytea   NOT NULL
);
CREATE INDEX pictures_sequence ON pictures (sequence) INCLUDE (picture);
-- Numbers of segments in object storage.
CREATE SEQUENCE segment_number MINVALUE 0 START 0;
CREATE TABLE thumbnails (picture bytea PRIMARY KEY, jpeg bytea NOT NULL);

-- Fetched pictures that wait for their features, and which worker makes those until when.
CREATE TABLE waiting (
    picture bytea PRIMARY KEY,
    body    bytea       NOT NULL,
    worker  bigint      NOT NULL DEFAULT 0,
    until   timestamptz NOT NULL DEFAULT '-infinity'
);

-- Pictures that were removed, in the order of removal, for indexes that follow.
CREATE TABLE removals (number bigint PRIMARY KEY, sequence bigint NOT NULL);

-- Where pictures were found: at a URL (of a host), or in a file by its path.
CREATE TABLE locations (
    picture bytea NOT NULL,
    id      bytea NOT NULL,
    url     text,
    host    bytea,
    path    bytea,
    PRIMARY KEY (picture, id)
);
CREATE INDEX locations_host ON locations (host) WHERE host IS NOT NULL;
CREATE TABLE files (
    id          bytea  PRIMARY KEY,
    picture     bytea  NOT NULL,
    bytes       bigint NOT NULL,
    modified_ns bigint NOT NULL
);
-- What is not to be taken from local files; `file` is empty if the picture is from none.
CREATE TABLE removed_files (
    picture bytea NOT NULL,
    file    bytea NOT NULL,
    named   bytea NOT NULL,
    PRIMARY KEY (picture, file)
);

-- What users have said of pictures.
CREATE TABLE labels (
    id     bytea PRIMARY KEY,
    label  bytea NOT NULL,
    first  bytea NOT NULL,
    second bytea NOT NULL
);
CREATE INDEX labels_first ON labels (first);
CREATE INDEX labels_second ON labels (second);

-- Processes that have had the store open, and the number of the last write of each: how a
-- transaction ended whose connection was lost is read here.
CREATE TABLE workers (
    worker     bigint PRIMARY KEY,
    begun      timestamptz NOT NULL,
    last_write bigint NOT NULL
);
