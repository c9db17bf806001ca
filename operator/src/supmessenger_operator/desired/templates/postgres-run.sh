#!/usr/bin/env bash
# Starts the server as process 1, holding the lock of the volume for as long as any of it lives.
set -euo pipefail
umask 0077
exec 9>/var/lib/postgresql/data/.lock
flock --wait 60 9
rm -f /var/lib/postgresql/data/pgdata/postmaster.pid
exec postgres -D /var/lib/postgresql/data/pgdata \
  -c config_file=/etc/sup-postgres/postgresql.conf -c hba_file=/etc/sup-postgres/pg_hba.conf
