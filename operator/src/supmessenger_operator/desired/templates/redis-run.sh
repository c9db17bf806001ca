#!/bin/sh
# Writes the passwords where only this process reads them and becomes the server.
set -eu
umask 0077
password="$(cat /bindings/{{ binding }}/password)"
monitor="$(cat {{ users }}/{{ binding }})"
# The slow log itself shows what clients sent.
figures='+ping +info +client|setname +slowlog|len +latency|latest +latency|histogram'
mkdir -p /data/redis
{
  printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password"
  printf 'user {{ monitor }} on ">%s" resetkeys resetchannels -@all %s\n' "$monitor" "$figures"
} > /run/redis/auth.conf
unset password monitor
exec redis-server /etc/sup-redis/redis.conf
