#!/usr/bin/env bash
# Starts the server as process 1, holding the lock of the volume for as long as any of it lives.
set -euo pipefail
umask 0077
exec 9>"$VOLUME/.lock"
flock -w 60 9
rm -f "$VOLUME/pgdata/postmaster.pid"
exec postgres -D "$VOLUME/pgdata" \
  -c "config_file=$CONFIG/postgresql.conf" -c "hba_file=$CONFIG/pg_hba.conf"
