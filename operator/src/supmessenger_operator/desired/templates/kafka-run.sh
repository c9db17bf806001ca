#!/bin/sh
# Writes the login where only this process reads it, formats an empty volume, becomes the broker.
# The image's own start scripts are passed by: they write into a root that is read-only.
set -eu
umask 0077

binding=/bindings/kafka
config=/etc/sup-kafka
data=/var/lib/kafka/data
run=/run/kafka

# Quoted twice: for the login module's line, and for the properties file that holds it.
secret() { tr -d '\n' <"$binding/$1" | sed -e 's/["\\]/\\&/g' -e 's/\\/\\\\/g'; }

username="$(secret username)"
password="$(secret password)"
login="org.apache.kafka.common.security.plain.PlainLoginModule required username=\"$username\" password=\"$password\""
{
  cat "$config/server.properties"
  printf 'listener.name.inside.plain.sasl.jaas.config=%s user_%s="%s";\n' "$login" "$username" "$password"
  printf 'listener.name.outside.plain.sasl.jaas.config=%s user_%s="%s";\n' "$login" "$username" "$password"
} >"$run/server.properties"
# For people who look around with Kafka's own tools in this pod.
{
  printf 'security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n'
  printf 'sasl.jaas.config=%s;\n' "$login"
} >"$run/client.properties"
unset username password login

java() { command java -cp '/opt/kafka/libs/*' "-Dlog4j.configuration=file:$config/log4j.properties" "$@"; }

# A volume keeps the identity it was given first, also when the Secret was made anew since.
if [ ! -f "$data/meta.properties" ]; then
  java -Xmx128m kafka.tools.StorageTool format --ignore-formatted \
    --cluster-id="$(cat "$binding/cluster-id")" --config="$run/server.properties" >/dev/null
fi

# Word splitting is wanted: the variable holds several options.
# shellcheck disable=SC2086
exec java -cp '/opt/kafka/libs/*' "-Dlog4j.configuration=file:$config/log4j.properties" \
  $KAFKA_HEAP_OPTS -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
  kafka.Kafka "$run/server.properties"
