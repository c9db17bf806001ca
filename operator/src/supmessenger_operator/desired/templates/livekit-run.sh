#!/bin/sh
# Adds the secrets to the configuration where only this process reads them and becomes the server.
# CONFIG, BINDINGS and RUN are folders, WEBHOOK is who is told of what happens in rooms.
set -eu
umask 0077

# A key or a password in double quotes of YAML.
secret() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' "$BINDINGS/$1" | tr -d '\r\n'; }

{
  cat "$CONFIG/livekit.yaml"
  cat <<SECRETS

keys:
  "$(secret livekit/api-key)": "$(secret livekit/api-secret)"
webhook:
  api_key: "$(secret livekit/api-key)"
  urls:
    - "$WEBHOOK"
redis:
  address: "$(secret redis-state/host):$(secret redis-state/port)"
  password: "$(secret redis-state/password)"
SECRETS
} >"$RUN/livekit.yaml"
exec livekit-server --config "$RUN/livekit.yaml"
