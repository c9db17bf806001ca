-- Migration: 005_push_and_renditions (DOWN)

BEGIN;

DROP TRIGGER outbox_notify ON outbox;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox();
DROP TABLE media_renditions;
DROP TABLE push_tokens;

COMMIT;
