-- Migration: 005_push_and_renditions (DOWN)

BEGIN;

DROP TRIGGER outbox_notify ON outbox;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox();
-- Nothing else knows where renditions are stored, and no older release knows these jobs.
DELETE FROM outbox
WHERE kind IN ('push.message', 'push.deliver', 'push.look', 'media.transcode');
INSERT INTO outbox (id, kind, payload)
SELECT gen_random_uuid(), 'media.delete', jsonb_build_object('objectKey', object_key)
FROM media_renditions;
DROP TABLE media_renditions;
DROP TABLE push_tokens;

COMMIT;
