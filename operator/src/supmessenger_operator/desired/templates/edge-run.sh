#!/bin/sh
# Runs nginx, and reloads it when its configuration, its certificate or the address of a service
# changes. A reload starts new workers; the old ones keep their open sockets until these close.
# CONFIG and CERTIFICATE (empty without TLS) are folders, SERVICES are names, LEAVE_SECONDS is the
# time to go on accepting after the pod was told to leave; all given by the pod.
set -eu

config="$CONFIG/nginx.conf"

files_state() { cat "$CONFIG"/* ${CERTIFICATE:+"$CERTIFICATE"/*} | cksum; }
# nginx resolves names when it loads, so that it can keep connections open; an empty answer
# (the Service is being made again) keeps what was known.
addresses_state() {
  for service in $SERVICES; do
    getent hosts "$service" || return 1
  done
}

server=""
leave() {
  # Endpoints learn late that the pod leaves: go on accepting for a moment, then finish.
  if [ -n "$server" ]; then
    sleep "$LEAVE_SECONDS"
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  exit 0
}
# nginx images name QUIT as the signal to stop with, others leave it at TERM.
trap leave TERM QUIT INT

mkdir -p /tmp/nginx
until addresses="$(addresses_state)" && nginx -t -q -e stderr -c "$config"; do
  echo "waiting for addresses of $SERVICES and a sound configuration" >&2
  sleep 1 &
  wait $! || true
done
files="$(files_state)"
nginx -e stderr -c "$config" -g 'daemon off;' &
server=$!

while kill -0 "$server" 2>/dev/null; do
  sleep 2 &
  wait $! || true
  now_files="$(files_state)"
  now_addresses="$(addresses_state)" || now_addresses="$addresses"
  if [ "$now_files$now_addresses" != "$files$addresses" ] && nginx -t -q -e stderr -c "$config"; then
    kill -HUP "$server"
    files="$now_files"
    addresses="$now_addresses"
  fi
done
wait "$server"
