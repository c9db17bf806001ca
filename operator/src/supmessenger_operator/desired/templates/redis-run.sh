#!/bin/sh
# Writes the password where only this process reads it and becomes the server.
set -eu
umask 0077
password="$(cat /bindings/{{ binding }}/password)"
mkdir -p /data/redis
printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password" > /run/redis/auth.conf
unset password
exec redis-server /etc/sup-redis/redis.conf
