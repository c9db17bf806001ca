#!/usr/bin/env bash
# Makes the cluster on an empty volume and brings roles and databases up to date.
# Every start runs it; cut off anywhere, the next run succeeds.
set -euo pipefail
umask 0077

volume=/var/lib/postgresql/data
data="$volume/pgdata"
staging="$volume/pgdata.initdb"
socket=/tmp/bootstrap

fail() {
  printf '%s\n' "$1" | tee /dev/termination-log >&2
  exit 1
}

# Held for the whole run, as the server holds it: two servers never meet on one volume,
# and only the holder may judge a leftover postmaster.pid.
exec 9>"$volume/.lock"
flock --wait 60 9 || fail "another pod still uses the volume of PostgreSQL; it has 60 s to end"

if [[ ! -s "$data/PG_VERSION" ]]; then
  # A cluster is only ever seen whole: initdb works beside it and a rename publishes it.
  rm -rf "$staging"
  if [[ -d "$data" ]]; then
    rmdir "$data" || fail "$data holds files but no cluster; move them away first"
  fi
  initdb --pgdata="$staging" --username=postgres --pwfile=/secrets/postgres-roles/postgres \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums --auth=scram-sha-256 --no-instructions
  mv "$staging" "$data"
  sync "$volume"
fi
chmod 0700 "$data"

found="$(<"$data/PG_VERSION")"
offered="$(postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')"
[[ "$found" == "$offered" ]] ||
  fail "the volume holds PostgreSQL $found, the image $offered: set spec.postgres.embedded.version back to $found"

rm -f "$data/postmaster.pid"
mkdir -p "$socket"
# No network, and no pg_stat_statements: it would keep the text of ALTER ROLE … PASSWORD.
pg_ctl start --pgdata="$data" --wait --timeout=3600 --silent --log=/tmp/bootstrap.log --options="\
 -c config_file=/etc/sup-postgres/postgresql.conf -c hba_file=/etc/sup-postgres/pg_hba.conf\
 -c listen_addresses='' -c unix_socket_directories=$socket -c shared_preload_libraries=''" 9>&- || {
  cat /tmp/bootstrap.log >&2
  fail "PostgreSQL did not start on its volume: $(tail -n 3 /tmp/bootstrap.log)"
}
trap 'pg_ctl stop --pgdata="$data" --mode=fast --wait --silent 9>&-' EXIT
psql --no-psqlrc --quiet --host="$socket" --username=postgres --dbname=postgres \
  --set=ON_ERROR_STOP=1 --file=/etc/sup-postgres/roles.sql 9>&- ||
  fail "roles and database could not be brought up to date; the log has the statement"
