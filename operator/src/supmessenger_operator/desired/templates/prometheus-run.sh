#!/bin/sh
# Runs Prometheus with the flags it is given, and lets it read its files again when they change.
# CONFIG is the folder of prometheus.yml and rules.yml, CREDENTIALS that of the login at a store
# elsewhere (it may be absent); both given by the pod.
set -eu

rendered=/tmp/prometheus.yml

# Prometheus takes a password from a file, but no user name; the mark stands in single quotes.
render() {
  username=""
  if [ -r "$CREDENTIALS/username" ]; then
    username="$(sed -e "s/'/''/g" -e 's/[\\&|]/\\&/g' "$CREDENTIALS/username")"
  fi
  sed "s|@REMOTE_WRITE_USERNAME@|$username|" "$CONFIG/prometheus.yml" > "$rendered.new"
  mv "$rendered.new" "$rendered"
}
files_state() { cat "$CONFIG"/* "$CREDENTIALS"/* 2>/dev/null | cksum; }

server=""
leave() {
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  exit 0
}
trap leave TERM INT

known="$(files_state)"
render
prometheus --config.file="$rendered" "$@" &
server=$!

while kill -0 "$server" 2>/dev/null; do
  sleep 5 &
  wait $! || true
  now="$(files_state)"
  if [ "$now" != "$known" ]; then
    known="$now"
    render
    # Files it can't read change nothing, and prometheus_config_last_reload_successful says so.
    kill -HUP "$server" 2>/dev/null || true
  fi
done
wait "$server"
