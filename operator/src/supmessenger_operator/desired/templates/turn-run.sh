#!/bin/sh
# Adds the secret to the configuration where only this process reads it, runs the relay, and lets
# it read a renewed certificate without ending anybody's call.
# CONFIG, BINDINGS, RUN and CERTIFICATE (empty without TLS) are folders, PUBLIC_IP is what clients
# send to.
set -eu
umask 0077

secret="$(cat "$BINDINGS/turn/shared-secret")"
case "$secret" in
  "" | *[!A-Za-z0-9_=.+/-]*)
    echo "the key shared-secret is empty or has characters other than A-Z a-z 0-9 _ = . + / -" >&2
    exit 1
    ;;
esac
own="$(hostname -i | cut -d ' ' -f 1)"
{
  cat "$CONFIG/turnserver.conf"
  echo "static-auth-secret=$secret"
  echo "listening-ip=$own"
  echo "relay-ip=$own"
  # Not `public/own`: Coturn would let its own address be a peer.
  echo "external-ip=$PUBLIC_IP"
} >"$RUN/turnserver.conf"
unset secret

certificate_state() { [ -z "$CERTIFICATE" ] || cat "$CERTIFICATE"/* | cksum; }

# An image whose Coturn is built without metrics may bring a program that stands in.
if command -v turn-metrics >/dev/null 2>&1; then turn-metrics "$RUN/turnserver.conf" & fi
turnserver -c "$RUN/turnserver.conf" &
server=$!
# shellcheck disable=SC2064
trap "kill -TERM $server 2>/dev/null || true" TERM INT

known="$(certificate_state)"
while kill -0 "$server" 2>/dev/null; do
  sleep 5 &
  wait $! || true
  now="$(certificate_state)"
  if [ "$now" != "$known" ]; then
    kill -USR2 "$server"
    known="$now"
  fi
done
wait "$server"
