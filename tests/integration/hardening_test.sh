#!/usr/bin/env bash
# label: unit
# The two programs are built as rule S-8 wants it: what an attacker who found a bug meets.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
BUILD=${SLUICE_BUILD_DIR:-$ROOT/build/release}

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# shows PROGRAM READELF-OPTION PATTERN WHAT
shows() { readelf --wide "$2" "$1" | grep -E -- "$3" >/dev/null || fail "$1 has no $4"; }

if [[ -n $(sed -n 's/^SLUICE_SANITIZE:STRING=//p' "$BUILD/CMakeCache.txt") ]]; then
  echo 'a build for the sanitizers is hardened by them'
  exit 0
fi
for program in "$BUILD/bin/replicator" "$BUILD/bin/es_consumer"; do
  shows "$program" --file-header '^ *Type: +DYN' 'position of its own choice (PIE)'
  shows "$program" --segments 'GNU_RELRO' 'read-only relocations'
  shows "$program" --dynamic 'BIND_NOW|Flags:.*NOW' 'relocations bound at the start'
  shows "$program" --segments 'GNU_STACK +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ RW +' 'stack without code'
  shows "$program" --dyn-syms '__stack_chk_fail' 'stack protector'
  [[ $(sed -n 's/^CMAKE_BUILD_TYPE:STRING=//p' "$BUILD/CMakeCache.txt") == Debug ]] ||
    shows "$program" --dyn-syms '__(memcpy|snprintf|vsnprintf|read|memset)_chk' 'checked string functions'
done
