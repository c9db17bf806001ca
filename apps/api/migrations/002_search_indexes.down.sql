-- Migration: 002_search_indexes (DOWN)

BEGIN;

-- Dropping a column drops the indexes on it.
ALTER TABLE messages DROP COLUMN search_vector;

DROP INDEX chats_handle_trgm_idx;
ALTER TABLE chats DROP COLUMN search_vector;

DROP INDEX users_display_name_trgm_idx;
DROP INDEX users_username_trgm_idx;
ALTER TABLE users DROP COLUMN search_vector;

COMMIT;
