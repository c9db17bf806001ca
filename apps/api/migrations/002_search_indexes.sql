-- Migration: 002_search_indexes
-- Description: Full-text and trigram search of people, channels and public channel messages
-- Created: 2026-11-22
-- Dependencies: 001_init_schema.sql

BEGIN;

-- The configuration is 'simple' because people write in every language: no stemming, no stop words.

ALTER TABLE users ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple'::regconfig, username::text), 'A')
    || setweight(to_tsvector('simple'::regconfig, display_name), 'B')
) STORED;
COMMENT ON COLUMN users.search_vector IS 'Words of handle (A) and display name (B).';
CREATE INDEX users_search_vector_idx ON users USING gin (search_vector);
CREATE INDEX users_username_trgm_idx ON users USING gin ((lower(username::text)) gin_trgm_ops);
CREATE INDEX users_display_name_trgm_idx ON users USING gin ((lower(display_name)) gin_trgm_ops);

ALTER TABLE chats ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    CASE WHEN type = 'channel' THEN
        setweight(to_tsvector('simple'::regconfig, coalesce(handle::text, '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, coalesce(title, '')), 'A')
        || setweight(to_tsvector('simple'::regconfig, description), 'C')
    END
) STORED;
COMMENT ON COLUMN chats.search_vector IS 'Words of handle, title and description; channels only, groups and direct chats can not be found.';
CREATE INDEX chats_search_vector_idx ON chats USING gin (search_vector) WHERE type = 'channel';
CREATE INDEX chats_handle_trgm_idx ON chats USING gin ((lower(handle::text)) gin_trgm_ops)
    WHERE type = 'channel';

ALTER TABLE messages ADD COLUMN search_vector tsvector GENERATED ALWAYS AS (
    CASE WHEN NOT encrypted THEN to_tsvector('simple'::regconfig, content) END
) STORED;
COMMENT ON COLUMN messages.search_vector IS 'Words of a public channel message; null where the content is ciphertext.';
CREATE INDEX messages_search_vector_idx ON messages USING gin (search_vector) WHERE NOT encrypted;

COMMIT;
