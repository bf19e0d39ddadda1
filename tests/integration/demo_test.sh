#!/usr/bin/env bash
# label: long
# servers: own
# What a newcomer types first: Docker_Files/demo says that everything is equal, its report can say the contrary, and
# `down` leaves nothing; on servers of the user's own it leaves these, and no slot.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
DEMO=$ROOT/Docker_Files/demo
# Below /var/tmp because the servers' own accounts have to reach it.
SLUICE_DEMO_DIR=$(mktemp -d /var/tmp/sluice-demo.XXXXXX)
export SLUICE_DEMO_DIR SLUICE_DEMO_SECONDS=10
OWN=$SLUICE_DEMO_DIR.own
trap '"$DEMO" down >/dev/null 2>&1 || true; "$ROOT/Docker_Files/native/stack" down --data "$OWN" >/dev/null 2>&1 || true' EXIT

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

expect_equal() {
  local output
  "$DEMO" >"$SLUICE_DEMO_DIR.out" 2>"$SLUICE_DEMO_DIR.err" || { tail -40 "$SLUICE_DEMO_DIR.out" "$SLUICE_DEMO_DIR.err" && fail 'the demo'; }
  output=$(<"$SLUICE_DEMO_DIR.out")
  rm -f "$SLUICE_DEMO_DIR.out" "$SLUICE_DEMO_DIR.err"
  [[ $output == *'every row compared with its document: equal'* && $output == *'events in Kafka twice: none'* &&
     $output =~ commit\ →\ searchable:\ p50\ [0-9]+\ ms,\ p99\ [0-9]+\ ms ]] || fail "its report: $output"
}

expect_nothing_left() {
  "$DEMO" down >/dev/null
  [[ ! -e $SLUICE_DEMO_DIR ]] || fail "down left $SLUICE_DEMO_DIR"
  if pgrep -fa -- "$SLUICE_DEMO_DIR( |/|$)"; then fail 'down left processes'; fi
}

expect_equal

# A document that is not as its row is: the report must tell.
. <(sed -n 's/^\(SLUICE_ES\)=\(.*\)$/\1="\2"/p' "$SLUICE_DEMO_DIR/places")
curl -fsS -X POST -H 'content-type: application/json' -d '{"query": {"term": {"id": 7}}, "script": "ctx._source.email = \"x\""}' \
  "$SLUICE_ES/current_public_customers/_update_by_query?refresh=true" >/dev/null
if status=$("$DEMO" status 2>/dev/null); then fail "a document was changed and the report says: $status"; fi
[[ $status == *'every row compared with its document: DIFFERENT in customers'* ]] || fail "the report: $status"
expect_nothing_left

mkdir -m 755 "$OWN"
"$ROOT/Docker_Files/native/stack" up --data "$OWN/servers" >"$OWN/places" 2>/dev/null
. <(sed -n 's/^\(SLUICE_[A-Z_]*\)=\(.*\)$/export \1="\2"/p' "$OWN/places")
slots() { psql -X -q -A -t "$SLUICE_PG_DSN" -c "SELECT slot_name FROM pg_replication_slots"; }
expect_equal
[[ -z $(ls -A -- "$SLUICE_DEMO_DIR/servers") ]] || fail "servers of its own were started"
[[ $(slots) == shop_slot ]] || fail "the slots: $(slots)"
expect_nothing_left
[[ $(slots) == '' ]] || fail "down left a slot on the user's server: $(slots)"
"$ROOT/Docker_Files/native/stack" status --data "$OWN/servers" >/dev/null || fail "down stopped the user's servers"
"$ROOT/Docker_Files/native/stack" down --data "$OWN/servers"
rm -rf -- "$OWN"
