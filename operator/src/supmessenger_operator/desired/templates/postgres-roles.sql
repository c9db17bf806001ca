-- Roles, database and privileges of one instance; safe to run again and again.
-- Passwords come from files: never an argument, a variable of the environment or a log line.
SET client_min_messages = warning;
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;

\set postgres_password `cat "$SECRETS"/postgres`
\set owner_password `cat "$SECRETS"/sup_owner`
\set user_password `cat "$SECRETS"/sup_user`
\set user_b_password `cat "$SECRETS"/sup_user_b`
\set monitor_password `cat "$SECRETS"/sup_monitor`

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['sup_owner', 'sup_app', 'sup_user', 'sup_user_b', 'sup_monitor']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE postgres PASSWORD :'postgres_password';
ALTER ROLE sup_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE sup_app NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
ALTER ROLE sup_user LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'user_password';
ALTER ROLE sup_user_b LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'user_b_password';
GRANT sup_app TO sup_user, sup_user_b;
-- Sees statistics of all and data of none; a few connections, whatever becomes of its client.
ALTER ROLE sup_monitor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5
  PASSWORD :'monitor_password';
GRANT pg_monitor TO sup_monitor;

SELECT 'CREATE DATABASE sup OWNER sup_owner TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'sup')
\gexec

-- Who may connect where is decided here; pg_hba.conf only names the roles.
REVOKE CONNECT, TEMPORARY ON DATABASE sup, postgres, template1 FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE sup TO sup_app;
GRANT CONNECT ON DATABASE sup TO sup_monitor;

-- Statistics cover the whole server; kept out of `sup` so that its dumps restore without a superuser.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

-- citext, pg_trgm and pgcrypto are trusted: the migrations create them as sup_owner.
\connect sup
SET client_min_messages = warning;
GRANT USAGE ON SCHEMA public TO sup_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sup_owner GRANT USAGE ON SCHEMAS TO sup_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sup_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sup_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sup_owner GRANT USAGE, SELECT ON SEQUENCES TO sup_app;
ALTER DEFAULT PRIVILEGES FOR ROLE sup_owner GRANT EXECUTE ON FUNCTIONS TO sup_app;
