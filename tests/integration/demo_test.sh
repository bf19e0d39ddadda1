#!/usr/bin/env bash
# label: long
# servers: own
# What a newcomer types first: Docker_Files/demo says that everything is equal, its report can say the contrary, and
# `down` leaves nothing.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
DEMO=$ROOT/Docker_Files/demo
# Below /var/tmp because the servers' own accounts have to reach it.
SLUICE_DEMO_DIR=$(mktemp -d /var/tmp/sluice-demo.XXXXXX)
export SLUICE_DEMO_DIR SLUICE_DEMO_SECONDS=10
trap '"$DEMO" down >/dev/null 2>&1 || true' EXIT

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

"$DEMO" >"$SLUICE_DEMO_DIR.out" 2>"$SLUICE_DEMO_DIR.err" || { tail -40 "$SLUICE_DEMO_DIR.out" "$SLUICE_DEMO_DIR.err" && fail 'the demo'; }
output=$(<"$SLUICE_DEMO_DIR.out")
rm -f "$SLUICE_DEMO_DIR.out" "$SLUICE_DEMO_DIR.err"
[[ $output == *'every row compared with its document: equal'* && $output == *'events in Kafka twice: none'* &&
   $output =~ commit\ →\ searchable:\ p50\ [0-9]+\ ms,\ p99\ [0-9]+\ ms ]] || fail "its report: $output"

# A document that is not as its row is: the report must tell.
. <(sed -n 's/^\(SLUICE_ES\)=\(.*\)$/\1="\2"/p' "$SLUICE_DEMO_DIR/places")
curl -fsS -X POST -H 'content-type: application/json' -d '{"query": {"term": {"id": 7}}, "script": "ctx._source.email = \"x\""}' \
  "$SLUICE_ES/current_public_customers/_update_by_query?refresh=true" >/dev/null
if status=$("$DEMO" status 2>/dev/null); then fail "a document was changed and the report says: $status"; fi
[[ $status == *'every row compared with its document: DIFFERENT in customers'* ]] || fail "the report: $status"

"$DEMO" down >/dev/null
[[ ! -e $SLUICE_DEMO_DIR ]] || fail "down left $SLUICE_DEMO_DIR"
if pgrep -fa -- "$SLUICE_DEMO_DIR"; then fail 'down left processes'; fi
