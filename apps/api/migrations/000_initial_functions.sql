-- Migration: 000_initial_functions
-- Description: Extensions, trigger functions and default privileges the schema builds on
-- Created: 2026-11-22
-- Dependencies: none

BEGIN;

-- Both are trusted extensions: the owner of the database may create them without superuser.
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

-- The services connect as members of sup_app. An external database may be run with one role
-- for everything; then there is nobody to grant to.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sup_app') THEN
        ALTER DEFAULT PRIVILEGES IN SCHEMA public
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sup_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO sup_app;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO sup_app;
    END IF;
END
$$;

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_updated_at() IS 'Trigger: stamps updated_at with the time of the transaction.';

CREATE FUNCTION notify_outbox() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION notify_outbox() IS 'Trigger: wakes the worker''s relay when the transaction that wrote outbox rows commits.';

CREATE FUNCTION keep_read_pointer() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- Receipts of two devices may arrive out of order; the pointer only moves forward.
    IF NEW.last_read_seq < OLD.last_read_seq THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION keep_read_pointer() IS 'Trigger: a read pointer never goes back.';

COMMIT;
