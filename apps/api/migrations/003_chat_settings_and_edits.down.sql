-- Migration: 003_chat_settings_and_edits (DOWN)

BEGIN;

DROP TABLE message_edits;
ALTER TABLE messages DROP COLUMN edited_at;
DROP TABLE chat_settings;

COMMIT;
