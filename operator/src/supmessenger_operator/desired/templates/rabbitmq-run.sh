#!/bin/sh
# Writes cookie and users where only this process reads them and becomes the broker.
set -eu
umask 0077

secrets=/secrets/rabbitmq-admin
# Erlang refuses a cookie that anyone else can read, and a mounted Secret is readable by the group.
cat "$secrets/erlang-cookie" >"$HOME/.erlang.cookie"
chmod 0600 "$HOME/.erlang.cookie"
mkdir -p /var/lib/rabbitmq/mnesia
chmod 0700 /var/lib/rabbitmq/mnesia

secret() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' "$secrets/$1" | tr -d '\n'; }

# Imported at every boot: a rotated password is in force after a restart, and `guest` is never made.
cat >/run/rabbitmq/definitions.json <<DEFINITIONS
{
  "vhosts": [{"name": "/"}],
  "users": [
    {"name": "$(secret username)", "password": "$(secret password)", "tags": "administrator"},
    {"name": "sup", "password": "$(secret sup)", "tags": ""},
    {"name": "sup_b", "password": "$(secret sup_b)", "tags": ""}
  ],
  "permissions": [
    {"user": "$(secret username)", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "sup", "vhost": "/", "configure": "^sup\\\\.", "write": "^(sup\\\\.|amq\\\\.default$)", "read": "^sup\\\\."},
    {"user": "sup_b", "vhost": "/", "configure": "^sup\\\\.", "write": "^(sup\\\\.|amq\\\\.default$)", "read": "^sup\\\\."}
  ]
}
DEFINITIONS
exec rabbitmq-server
