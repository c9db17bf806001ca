#!/usr/bin/env bash
# Makes the cluster on an empty volume and brings roles and databases up to date.
# Every start runs it; cut off anywhere, the next run succeeds.
# VOLUME, CONFIG and SECRETS are folders, given by the pod.
set -euo pipefail
umask 0077

data="$VOLUME/pgdata"
staging="$VOLUME/pgdata.initdb"
socket="$(mktemp -d)"

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# Held by this script and by every process of a server it starts: two servers never meet on one
# volume, and who has the lock knows that a leftover postmaster.pid is of the dead.
exec 9>"$VOLUME/.lock"
flock -w 60 9 || fail "another pod still uses the volume of PostgreSQL; it has 60 s to end"

if [[ ! -s "$data/PG_VERSION" ]]; then
  # A cluster is only ever seen whole: initdb works beside it and a rename publishes it.
  rm -rf "$staging"
  if [[ -d "$data" ]]; then
    rmdir "$data" || fail "$data holds files but no cluster; move them away first"
  fi
  initdb --pgdata="$staging" --username=postgres --pwfile="$SECRETS/postgres" \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums --auth=scram-sha-256 --no-instructions
  mv "$staging" "$data"
  sync "$VOLUME"
fi
chmod 0700 "$data"

found="$(<"$data/PG_VERSION")"
offered="$(postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')"
[[ "$found" == "$offered" ]] ||
  fail "the volume holds PostgreSQL $found, the image $offered: set spec.postgres.embedded.version back to $found"

rm -f "$data/postmaster.pid"
# No network, and no pg_stat_statements: it would keep the text of ALTER ROLE … PASSWORD.
pg_ctl start --pgdata="$data" --wait --timeout=3600 --silent --log="$socket/log" --options="\
 -c config_file=$CONFIG/postgresql.conf -c hba_file=$CONFIG/pg_hba.conf\
 -c port=5432 -c listen_addresses='' -c unix_socket_directories=$socket -c shared_preload_libraries=''" || {
  cat "$socket/log" >&2
  fail "PostgreSQL did not start on its volume: $(tail -n 3 "$socket/log")"
}
trap 'pg_ctl stop --pgdata="$data" --mode=fast --wait --silent' EXIT
psql --no-psqlrc --quiet --host="$socket" --username=postgres --dbname=postgres \
  --set=ON_ERROR_STOP=1 --file="$CONFIG/roles.sql" ||
  fail "roles and database could not be brought up to date; the log has the statement"
