-- Migration: 003_chat_settings_and_edits
-- Description: Settings each member has for a chat, and the history of edited messages
-- Created: 2026-11-22
-- Dependencies: 002_search_indexes.sql

BEGIN;

CREATE TABLE chat_settings (
    chat_id     uuid        NOT NULL,
    user_id     uuid        NOT NULL,
    muted_until timestamptz,
    pinned_at   timestamptz,
    archived_at timestamptz,
    settings    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chat_id, user_id),
    FOREIGN KEY (chat_id, user_id) REFERENCES chat_members (chat_id, user_id) ON DELETE CASCADE,
    CONSTRAINT chat_settings_settings_check CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE chat_settings IS 'How one member wants one chat: mute, pin, archive.';
COMMENT ON COLUMN chat_settings.muted_until IS 'No notifications before; infinity mutes for good, null is not muted.';
COMMENT ON COLUMN chat_settings.pinned_at IS 'Pinned chats come first, latest pin on top; null is not pinned.';
COMMENT ON COLUMN chat_settings.archived_at IS 'Null is not archived.';
CREATE INDEX chat_settings_user_id_idx ON chat_settings (user_id);
CREATE TRIGGER chat_settings_updated_at BEFORE UPDATE ON chat_settings
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

ALTER TABLE messages ADD COLUMN edited_at timestamptz;
COMMENT ON COLUMN messages.edited_at IS 'Time of the latest edit; what it said before is in message_edits.';

CREATE TABLE message_edits (
    id                    uuid        PRIMARY KEY,
    message_id            uuid        NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    editor_id             uuid        REFERENCES users (id) ON DELETE SET NULL,
    previous_content_type text        NOT NULL,
    previous_content      text        NOT NULL,
    edited_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT message_edits_previous_content_type_check CHECK (length(previous_content_type) BETWEEN 1 AND 127),
    CONSTRAINT message_edits_previous_content_check CHECK (octet_length(previous_content) <= 98304)
);
COMMENT ON TABLE message_edits IS 'What an edited message said before, oldest first.';
COMMENT ON COLUMN message_edits.previous_content IS 'As the client had sent it: ciphertext unless the message is of a public channel.';
CREATE INDEX message_edits_message_id_idx ON message_edits (message_id, edited_at);
CREATE INDEX message_edits_editor_id_idx ON message_edits (editor_id) WHERE editor_id IS NOT NULL;

COMMIT;
