#!/usr/bin/env bash
# servers: own
# The scripts that start the real servers keep their word: several instances side by side, a taken port refused,
# a kill -9 survived with the data, nothing left behind.
set -euo pipefail
NATIVE=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../Docker_Files/native" && pwd)

HERE=$(mktemp -d "${SLUICE_TEST_ROOT:-/tmp}/native-stack.XXXXXX")
chmod 755 "$HERE"
trap '"$NATIVE/stack" down --data "$HERE" >/dev/null 2>&1; rm -rf -- "$HERE"' EXIT
mapfile -t PORTS < <("$NATIVE/stack" ports 6)

say() { printf -- '-- %s (after %d s)\n' "$*" "$SECONDS"; }

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# same EXPECTED ACTUAL WHAT
same() { [[ $1 == "$2" ]] || fail "$3: expected '$1', got '$2'"; }

quiet() { "$@" >>"$HERE/output" 2>&1 || { tail -20 "$HERE/output" && fail "$*"; }; }

# refused TEXT COMMAND…: it fails, says TEXT, and names a remedy.
refused() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then fail "was not refused: $*"; fi
  [[ $output == *"$text"* && $output == *"what to do:"* ]] || fail "expected a message with '$text' and a remedy, got: $output"
}

nothing_left_of() {
  [[ ! -e $1 ]] || fail "$1 is still there"
  if grep -lzxF -e "$1/data" -e "$1/server.properties" -e "-Dsluice.data=$1" /proc/[0-9]*/cmdline 2>/dev/null; then
    fail "a process of $1 still runs"
  fi
}

sql() { "$NATIVE/postgres" psql --data "$1" -- -qAtc "$2"; }

pid_in() { sed -n 's/.* pid=\([0-9]*\) .*/\1/p'; }

postgres_is_true_to_its_word() {
  local one=$HERE/pg-one two=$HERE/pg-two pid
  say "two PostgreSQL servers side by side"
  quiet "$NATIVE/postgres" start --data "$one" --port "${PORTS[0]}" --password 'se cret'
  quiet "$NATIVE/postgres" start --data "$two" --port "${PORTS[1]}" --set max_connections=17
  same logical "$(sql "$one" 'show wal_level')" "wal_level"
  same 17 "$(sql "$two" 'show max_connections')" "a setting of the caller's"
  same 1 "$(PGPASSWORD='se cret' psql -X -h 127.0.0.1 -p "${PORTS[0]}" -U postgres -Atc 'select 1')" "TCP with the password"
  refused "is taken" "$NATIVE/postgres" start --data "$HERE/pg-three" --port "${PORTS[0]}"
  [[ $("$NATIVE/postgres" start --data "$one" --port "${PORTS[2]}") == *" port=${PORTS[0]} "* ]] || fail "a running server moved"

  say "PostgreSQL killed and started again"
  sql "$one" 'create table kept as select generate_series(1, 1000) as i'
  quiet "$NATIVE/postgres" kill --data "$one"
  refused "holds a postgres" "$NATIVE/kafka" start --data "$one" --port "${PORTS[5]}"
  if "$NATIVE/postgres" status --data "$one" >/dev/null; then fail "a killed server is said to run"; fi
  quiet "$NATIVE/postgres" start --data "$one"
  same 1000 "$(sql "$one" 'select count(*) from kept')" "rows after kill -9"

  say "PostgreSQL whose postmaster alone was killed"
  pid=$("$NATIVE/postgres" status --data "$one" | pid_in)
  kill -9 "$pid"
  quiet "$NATIVE/postgres" start --data "$one"
  same 1000 "$(sql "$one" 'select count(*) from kept')" "rows after kill -9 of the postmaster"
  quiet "$NATIVE/postgres" wipe --data "$one"
  same 17 "$(sql "$two" 'show max_connections')" "the other server, untouched"
  quiet "$NATIVE/postgres" stop --data "$two"
  quiet "$NATIVE/postgres" wipe --data "$two"
  nothing_left_of "$one"
  nothing_left_of "$two"
}

# A pid file that names a living process of somebody else's: the commonest way to kill a stranger.
a_reused_pid_is_left_alone() {
  local data=$HERE/stale stranger
  say "a stale pid file"
  sleep 300 &
  stranger=$!
  mkdir -p "$data"
  printf 'kind=kafka\nport=%s\nversion=0\n' "${PORTS[5]}" >"$data/instance"
  printf '%s\n' "$stranger" >"$data/pid"
  quiet "$NATIVE/kafka" stop --data "$data"
  quiet "$NATIVE/kafka" kill --data "$data"
  quiet "$NATIVE/kafka" wipe --data "$data"
  kill "$stranger" 2>/dev/null || fail "a stranger with the same pid was killed"
}

a_directory_of_others_is_left_alone() {
  mkdir -p "$HERE/others"
  touch "$HERE/others/precious"
  refused "no instance of ours" "$NATIVE/kafka" wipe --data "$HERE/others"
  refused "not empty" "$NATIVE/postgres" start --data "$HERE/others" --port "${PORTS[5]}"
  [[ -f $HERE/others/precious ]] || fail "a file of somebody else's was removed"
}

topics() { "$NATIVE/kafka" tool TopicCommand --bootstrap-server "127.0.0.1:$1" "${@:2}"; }

kafka_is_true_to_its_word() {
  local data=$HERE/kafka broker=127.0.0.1:${PORTS[2]}
  say "Kafka"
  quiet "$NATIVE/kafka" start --data "$data" --port "${PORTS[2]}" --heap 256m --set message.max.bytes=123456
  quiet topics "${PORTS[2]}" --create --topic kept --partitions 1
  seq 100 | kcat -q -b "$broker" -t kept -P -X acks=all
  refused "is taken" "$NATIVE/kafka" start --data "$HERE/kafka-two" --port "${PORTS[2]}"

  say "Kafka killed and started again"
  quiet "$NATIVE/kafka" kill --data "$data"
  quiet "$NATIVE/kafka" start --data "$data"
  same "$(seq 100)" "$(kcat -q -b "$broker" -t kept -C -e -o beginning)" "records after kill -9"
  grep -qx 'message.max.bytes=123456' "$data/server.properties" || fail "a setting was forgotten"
  quiet "$NATIVE/kafka" stop --data "$data"
  quiet "$NATIVE/kafka" wipe --data "$data"
  nothing_left_of "$data"
}

# default_elasticsearch JAVA: what is taken where the newest Java is this one; a word about it goes to stderr.
default_elasticsearch() {
  bash -c '. "$1/lib.sh"; . "$1/versions.sh"; find_java() { ((newest >= $1)); }; newest=$2; default_elasticsearch' \
    "native" "$NATIVE" "$1"
}

elasticsearch_goes_by_the_java_that_is_here() {
  say "Elasticsearch by the Java that is here"
  same 9 "$(default_elasticsearch 21 2>&1)" "what is taken with Java 21"
  same 8 "$(default_elasticsearch 17 2>"$HERE/java")" "what is taken without Java 21"
  grep -q 'no Java 21 or newer is here' "$HERE/java" || fail "nobody is told that Java 21 is missing: $(<"$HERE/java")"
  grep -q 'what to do: install a JDK of 21' "$HERE/java" || fail "no remedy for the missing Java: $(<"$HERE/java")"
}

elasticsearch_is_true_to_its_word() {
  local data=$HERE/es url=http://127.0.0.1:${PORTS[3]}
  say "Elasticsearch"
  quiet "$NATIVE/elasticsearch" start --data "$data" --port "${PORTS[3]}"
  same created "$(curl -s -XPUT "$url/kept/_doc/1?version=7&version_type=external" \
    -H 'Content-Type: application/json' -d '{"a":1}' | jq -r .result)" "a document"
  refused "is taken" "$NATIVE/elasticsearch" start --data "$HERE/es-two" --port "${PORTS[3]}"

  say "Elasticsearch killed and started again"
  quiet "$NATIVE/elasticsearch" kill --data "$data"
  quiet "$NATIVE/elasticsearch" start --data "$data"
  same 7 "$(curl -s "$url/kept/_doc/1" | jq -r ._version)" "the document after kill -9"
  quiet "$NATIVE/elasticsearch" wipe --data "$data"
  nothing_left_of "$data"
}

elasticsearch_goes_by_the_java_that_is_here
postgres_is_true_to_its_word
a_reused_pid_is_left_alone
a_directory_of_others_is_left_alone
kafka_is_true_to_its_word
elasticsearch_is_true_to_its_word
say "all as promised"
