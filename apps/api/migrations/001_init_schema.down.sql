-- Migration: 001_init_schema (DOWN)

BEGIN;

-- users and chats name media_files, which names them: cut the circle first.
ALTER TABLE chats DROP CONSTRAINT chats_avatar_id_fkey;
ALTER TABLE users DROP CONSTRAINT users_avatar_id_fkey;

DROP TABLE jobs_done;
DROP TABLE outbox;
DROP TABLE call_participants;
DROP TABLE calls;
DROP TABLE story_views;
DROP TABLE stories;
DROP TABLE story_privacy_list_members;
DROP TABLE story_privacy_lists;
DROP TABLE stickers;
DROP TABLE sticker_packs;
DROP TABLE media_files;
DROP TABLE message_reads;
DROP TABLE message_reactions;
DROP TABLE message_recipients;
DROP TABLE messages;
DROP TABLE chat_members;
DROP TABLE chats;
DROP TABLE sessions_crypto;
DROP TABLE kyber_prekeys;
DROP TABLE one_time_prekeys;
DROP TABLE signed_prekeys;
DROP TABLE identity_keys;
DROP TABLE blocked_users;
DROP TABLE contacts;
DROP TABLE email_verifications;
DROP TABLE retired_refresh_tokens;
DROP TABLE sessions;
DROP TABLE devices;
DROP TABLE users;

COMMIT;
