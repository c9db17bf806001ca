-- Migration: 006_wake_for_due_jobs (DOWN)

BEGIN;

COMMENT ON COLUMN call_participants.left_at IS NULL;
COMMENT ON COLUMN call_participants.joined_at IS NULL;
COMMENT ON COLUMN call_participants.id IS NULL;
COMMENT ON TABLE call_participants IS 'Each stay of a participant in a call; coming back is a new row.';

COMMENT ON COLUMN outbox.available_at IS 'Not relayed before.';
DROP TRIGGER outbox_notify ON outbox;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH ROW EXECUTE FUNCTION notify_outbox();

COMMIT;
