-- Migration: 005_push_and_renditions
-- Description: Push tokens of devices, renditions of videos, and an outbox that wakes the relay by row
-- Created: 2026-11-22
-- Dependencies: 003_chat_settings_and_edits.sql

BEGIN;

CREATE TABLE push_tokens (
    device_id  uuid        PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    provider   text        NOT NULL,
    token      bytea       NOT NULL,
    token_hash bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT push_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT push_tokens_provider_check CHECK (provider IN ('fcm', 'web_push')),
    CONSTRAINT push_tokens_token_check CHECK (octet_length(token) BETWEEN 1 AND 8192),
    CONSTRAINT push_tokens_token_hash_check CHECK (octet_length(token_hash) = 32)
);
COMMENT ON TABLE push_tokens IS 'Where a device that is not connected can be woken.';
COMMENT ON COLUMN push_tokens.token IS 'FCM token or Web Push subscription (JSON), encrypted with encryption-key for this device.';
COMMENT ON COLUMN push_tokens.token_hash IS 'HMAC-SHA256 of provider and token, keyed with encryption-key: an app that logs in anew takes its token along.';
CREATE TRIGGER push_tokens_updated_at BEFORE UPDATE ON push_tokens
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE media_renditions (
    file_id      uuid        NOT NULL REFERENCES media_files (id) ON DELETE CASCADE,
    name         text        NOT NULL,
    position     smallint    NOT NULL,
    status       text        NOT NULL DEFAULT 'queued',
    progress     smallint    NOT NULL DEFAULT 0,
    error        text,
    object_key   text        NOT NULL,
    content_type text,
    size         bigint,
    sha256       bytea,
    width        integer,
    height       integer,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, name),
    CONSTRAINT media_renditions_object_key_key UNIQUE (object_key),
    CONSTRAINT media_renditions_name_check CHECK (name ~ '^[a-z0-9]{1,16}$'),
    CONSTRAINT media_renditions_status_check CHECK (status IN ('queued', 'running', 'done', 'failed')),
    CONSTRAINT media_renditions_progress_check CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT media_renditions_error_check CHECK ((status = 'failed') = (error IS NOT NULL) AND length(error) <= 300),
    CONSTRAINT media_renditions_done_check CHECK (status <> 'done' OR (content_type IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)),
    CONSTRAINT media_renditions_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT media_renditions_width_check CHECK (width > 0),
    CONSTRAINT media_renditions_height_check CHECK (height > 0)
);
COMMENT ON TABLE media_renditions IS 'Versions of a video that the server made of an unencrypted upload.';
COMMENT ON COLUMN media_renditions.position IS 'Order in which they are made: the poster first, then the smallest.';
COMMENT ON COLUMN media_renditions.progress IS 'Percent of the video converted; 100 only when done.';
COMMENT ON COLUMN media_renditions.error IS 'Why it failed, for people; only when it did.';
COMMENT ON COLUMN media_renditions.object_key IS 'Key in the bucket <prefix>media; may hold nothing before it is done.';
CREATE TRIGGER media_renditions_updated_at BEFORE UPDATE ON media_renditions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- A statement that writes no row must not notify: the statement that stores a message writes an
-- outbox row only when somebody may be woken, and each notification takes a lock that all share.
DROP TRIGGER outbox_notify ON outbox;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH ROW EXECUTE FUNCTION notify_outbox();

COMMIT;
