-- The tables of audit.duckdb, version 1. Every row belongs to an audit; one store can hold many audits.
-- Columns may be added in later versions, never renamed. Fractions are 0-1; null means not measured.

CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (1);

-- One row per audit.
CREATE TABLE audits (
    audit_id VARCHAR PRIMARY KEY,
    corpus VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    version VARCHAR NOT NULL,           -- of auditor
    config_hash VARCHAR NOT NULL,       -- equal where every figure-changing setting is equal
    calibration VARCHAR NOT NULL,       -- hash of detectors and calibration: audits with other hashes are not comparable
    config JSON NOT NULL,
    seeds JSON NOT NULL,
    complete BOOLEAN NOT NULL,          -- false where a shard could not be read whole
    digest VARCHAR NOT NULL,            -- of the content, whatever the order of documents
    report JSON                         -- report.json
);

CREATE TABLE shards (
    audit_id VARCHAR NOT NULL,
    shard VARCHAR NOT NULL,             -- path relative to the corpus root
    path VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    compression VARCHAR,
    file_bytes UBIGINT NOT NULL,
    fingerprint VARCHAR NOT NULL,
    documents UBIGINT NOT NULL,
    eligible_documents UBIGINT NOT NULL,
    tokens UBIGINT NOT NULL,            -- word tokens of eligible documents
    bytes UBIGINT NOT NULL,             -- of text
    skipped UBIGINT NOT NULL,           -- records that are no documents
    complete BOOLEAN NOT NULL,
    status VARCHAR NOT NULL,            -- read | partly read | not read, with the reason
    columns JSON NOT NULL,              -- which column was taken for what
    digest VARCHAR NOT NULL
);

-- One row per document, also those that are not eligible (a real table up to 50 million rows, above that Parquet).
-- Detectors that are not built in add a score_<name> column.
CREATE TABLE documents (
    audit_id VARCHAR NOT NULL,
    shard VARCHAR NOT NULL,
    source VARCHAR,
    doc_id VARCHAR,                     -- the source's own, not unique; the key is (audit_id, shard, row)
    row BIGINT NOT NULL,                -- position of the record in its shard
    stable_id UBIGINT NOT NULL,         -- hash of corpus, shard, row
    bytes BIGINT NOT NULL,
    characters BIGINT NOT NULL,
    words BIGINT NOT NULL,
    language VARCHAR,
    date DATE,
    host VARCHAR,
    topic VARCHAR,
    category VARCHAR,
    declared_generator VARCHAR,
    licence VARCHAR,
    eligible BOOLEAN NOT NULL,
    skip_reason VARCHAR,
    kind VARCHAR,                       -- kind of text, LANGUAGE/WORDS, of the content model
    score FLOAT,                        -- of the ensemble, in human units of the kind of text: 0 typical of human text
    probability FLOAT,                  -- of being machine-written, given the score and its shard's estimate
    probability_tier UTINYINT,          -- 0 first tier, 1 with deep detectors
    cluster_id UBIGINT,                 -- near-duplicate cluster, null outside clusters
    is_representative BOOLEAN,
    seen_in VARCHAR                     -- earlier audit that held it, where --against was given
);

-- Members of clusters of two or more.
CREATE TABLE clusters (
    audit_id VARCHAR NOT NULL,
    cluster_id UBIGINT NOT NULL,
    doc_id VARCHAR,
    shard VARCHAR NOT NULL,
    row BIGINT NOT NULL,
    representative BOOLEAN NOT NULL,
    jaccard DOUBLE,                     -- with the representative; verified
    kind VARCHAR NOT NULL               -- exact | near
);

CREATE TABLE estimates (
    audit_id VARCHAR NOT NULL,
    scope_kind VARCHAR NOT NULL,        -- corpus|shard|language|kind|source|topic|host|year|length
    scope VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,          -- dotted path of report.json
    value DOUBLE,
    lower DOUBLE,
    upper DOUBLE,
    level DOUBLE NOT NULL,
    method VARCHAR NOT NULL,
    n UBIGINT NOT NULL,
    status VARCHAR NOT NULL,            -- measured|inconclusive|not_measured
    reason VARCHAR
);

-- Joint resampling draws: draw i is the same world in every row, so that differences cancel shared error; those of
-- mixed_fraction and touched_fraction are joint within a scope alone.
CREATE TABLE replicates (
    audit_id VARCHAR NOT NULL,
    scope_kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,
    draw INTEGER NOT NULL,
    value DOUBLE
);

-- Scores as histograms: what the machine-written share rests on, so that two audits can be fitted together (compare).
CREATE TABLE score_counts (
    audit_id VARCHAR NOT NULL,
    role VARCHAR NOT NULL,              -- target|known_human|labelled_human|labelled_machine (by shard and kind)|human|ai
    origin VARCHAR NOT NULL,            -- of anchors (human, ai): reference|dated
    scope VARCHAR NOT NULL,
    unit UTINYINT NOT NULL,             -- resampling unit, 0-31
    bin UTINYINT NOT NULL,              -- of the score in human units: 96 from -12 to 12
    documents DOUBLE NOT NULL,          -- weighted, for labels
    tokens DOUBLE NOT NULL
);

-- Kinds of text of the corpus, and how their scores become human units: (score - shift) / scale.
CREATE TABLE kinds (
    audit_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- LANGUAGE/WORDS, of the content model
    shift DOUBLE NOT NULL,              -- in bundled human units
    scale DOUBLE NOT NULL,
    variance DOUBLE NOT NULL,           -- of the location of the kind's human scores, in squared human units
    anchors BIGINT NOT NULL,            -- human documents of this kind that are known
    covered DOUBLE NOT NULL,            -- 0 to 1: whether these are enough
    trust VARCHAR NOT NULL,             -- labels|reference|dated|bundled: the most trusted of them
    documents BIGINT NOT NULL,          -- eligible documents of the corpus
    tokens BIGINT NOT NULL
);

-- How many types occur how often: frequency-of-frequencies per level.
CREATE TABLE spectra (
    audit_id VARCHAR NOT NULL,
    scope_kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    level VARCHAR NOT NULL,             -- word|bigram|trigram|cluster|topic
    frequency UBIGINT NOT NULL,         -- occurrences
    types DOUBLE NOT NULL,              -- types with that many occurrences, estimated from the sampled types
    sampling DOUBLE NOT NULL            -- share of types that were counted
);

CREATE TABLE "overlaps" (             -- a reserved word: quote it in queries
    audit_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- shard|source
    a VARCHAR NOT NULL,
    b VARCHAR NOT NULL,
    documents UBIGINT NOT NULL,         -- documents of a that have a near-duplicate in b
    share DOUBLE NOT NULL               -- of a's documents
);

CREATE TABLE anchors (
    audit_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- human|ai
    origin VARCHAR NOT NULL,            -- label|reference|dated|bundled
    scope VARCHAR NOT NULL,
    documents UBIGINT NOT NULL,
    used UBIGINT NOT NULL,
    dropped UBIGINT NOT NULL,
    reason VARCHAR
);

CREATE TABLE labels (
    audit_id VARCHAR NOT NULL,
    shard VARCHAR NOT NULL,
    row BIGINT NOT NULL,
    doc_id VARCHAR,
    label VARCHAR NOT NULL,             -- human|ai|mixed|unsure
    rater VARCHAR,
    read_at TIMESTAMP NOT NULL
);

CREATE TABLE reservoirs (
    audit_id VARCHAR NOT NULL,
    scope_kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    band VARCHAR NOT NULL,              -- optimistic|central|pessimistic|policy
    sizing VARCHAR NOT NULL,            -- fixed_compute|appended
    tokens DOUBLE,                      -- unique human text still to acquire
    documents DOUBLE,
    bytes DOUBLE,
    human_share DOUBLE,
    upsampling DOUBLE,
    regime VARCHAR,
    binding_constraint VARCHAR,
    reason VARCHAR
);

CREATE TABLE findings (
    audit_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,          -- note|warning|error
    scope_kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    advice VARCHAR NOT NULL,
    evidence JSON NOT NULL,
    value DOUBLE,
    lower DOUBLE,
    upper DOUBLE
);

CREATE TABLE skips (
    audit_id VARCHAR NOT NULL,
    shard VARCHAR NOT NULL,
    row BIGINT,
    reason VARCHAR NOT NULL,
    documents UBIGINT NOT NULL,
    detail VARCHAR NOT NULL
);

CREATE TABLE provenance (
    audit_id VARCHAR NOT NULL,
    shard VARCHAR,                      -- null: of the whole audit
    name VARCHAR NOT NULL,
    value VARCHAR
);
