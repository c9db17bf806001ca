-- Migration: 004_events
-- Description: Events of accepted messages that wait for Kafka, and how their relay fares
-- Created: 2026-11-22
-- Dependencies: 003_chat_settings_and_edits.sql

BEGIN;

-- No foreign key: it would lock the chat once more for each message, and rows live for seconds.
CREATE TABLE event_outbox (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chat_id    uuid        NOT NULL,
    seq        bigint      NOT NULL,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_outbox_body_check CHECK (jsonb_typeof(body) = 'object')
);
COMMENT ON TABLE event_outbox IS 'Events of accepted messages, written with the message; the worker relays them to Kafka and deletes them.';
COMMENT ON COLUMN event_outbox.id IS 'Given while the chat''s row is locked: within a chat it ascends in the order of commits.';
COMMENT ON COLUMN event_outbox.body IS 'What the event says beside chat and place; never the content of the message.';

CREATE TABLE event_relay (
    only_row      boolean     PRIMARY KEY DEFAULT true,
    relayed_at    timestamptz,
    failing_since timestamptz,
    failure       text        NOT NULL DEFAULT '',
    dropped       bigint      NOT NULL DEFAULT 0,
    dropped_at    timestamptz,
    CONSTRAINT event_relay_only_row_check CHECK (only_row)
);
COMMENT ON TABLE event_relay IS 'How the relay of events fares; one row, which every worker''s check reads.';
COMMENT ON COLUMN event_relay.failing_since IS 'Null while Kafka takes events.';
COMMENT ON COLUMN event_relay.dropped IS 'Events given up as too many or too old while Kafka was away, ever.';
INSERT INTO event_relay DEFAULT VALUES;

COMMIT;
