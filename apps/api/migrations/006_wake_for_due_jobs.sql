-- Migration: 006_wake_for_due_jobs
-- Description: The outbox wakes the relay for rows that are due; what a row of call_participants is
-- Created: 2026-11-23
-- Dependencies: 001_init_schema.sql, 005_push_and_renditions.sql

BEGIN;

-- A row for later would wake every relay for nothing, and each notification takes a lock that all
-- share; the relay's poll finds the row when its time has come. Not now() alone: it is when the
-- transaction began, by another clock than the application's, which wrote both times.
DROP TRIGGER outbox_notify ON outbox;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH ROW WHEN (NEW.available_at <= greatest(NEW.created_at, now()))
    EXECUTE FUNCTION notify_outbox();
COMMENT ON COLUMN outbox.available_at IS 'Not relayed before. Later than created_at and the present: found by the relay''s poll, without a notification.';

COMMENT ON TABLE call_participants IS 'Each device that was in a call: one row, of its latest stay; coming back overwrites it.';
COMMENT ON COLUMN call_participants.id IS 'Follows from call and device (UUIDv5).';
COMMENT ON COLUMN call_participants.joined_at IS 'When the latest stay began.';
COMMENT ON COLUMN call_participants.left_at IS 'When the latest stay ended; the earliest word of it counts. Empty: still there.';

COMMIT;
