#!/bin/sh
# Runs the router with the name servers of this pod.
set -eu
servers=""
while read -r key value _; do
  [ "$key" = nameserver ] || continue
  case "$value" in
    *:*) servers="$servers [$value]" ;;
    *) servers="$servers $value" ;;
  esac
done < /etc/resolv.conf
mkdir -p /tmp/router
sed "s/@RESOLVERS@/$servers/" /etc/sup-promtail/nginx.conf > /tmp/router/nginx.conf
exec nginx -e stderr -c /tmp/router/nginx.conf -g 'daemon off;'
