-- Migration: 004_events (DOWN)

BEGIN;

DROP TABLE event_relay;
DROP TABLE event_outbox;

COMMIT;
