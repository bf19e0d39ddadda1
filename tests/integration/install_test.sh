#!/usr/bin/env bash
# label: unit
# `cmake --install` puts programs that run and a configuration that is right where a system looks for them, and never
# overwrites what was edited.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
BUILD=${SLUICE_BUILD_DIR:-$ROOT/build/release}

HERE=$(mktemp -d "${SLUICE_TEST_ROOT:-/tmp}/install.XXXXXX")
trap 'rm -rf -- "$HERE"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

install_below() {
  DESTDIR=$HERE/$1 cmake --install "$BUILD" --prefix "$2" >"$HERE/output" 2>&1 || { cat "$HERE/output" && fail "cmake --install"; }
}

# holds FOLDER PATH…: exactly these files.
holds() {
  local folder=$HERE/$1 expected actual
  shift
  expected=$(printf '%s\n' "$@" | sort)
  actual=$(cd "$folder" && find . ! -type d -printf '%P\n' | sort)
  [[ $actual == "$expected" ]] || fail "expected in $folder: $expected; found: $actual"
}

install_below system /usr
holds system usr/bin/replicator usr/bin/es_consumer etc/sluice/config.yaml usr/share/doc/sluice/config.yaml
cmp "$ROOT/config.yaml" "$HERE/system/etc/sluice/config.yaml"

for program in replicator es_consumer; do
  installed=$HERE/system/usr/bin/$program
  "$installed" version | grep -q "^$program " || fail "$program does not say its version"
  "$installed" config --config "$HERE/system/etc/sluice/config.yaml" >/dev/null || fail "$program refuses what was installed"
  # A library that is found in somebody's build folder only is found by nobody else.
  ! readelf -d "$installed" | grep -E 'R(UN)?PATH' || fail "$program looks for libraries where it was built"
done

printf '# edited\n' >>"$HERE/system/etc/sluice/config.yaml"
install_below system /usr
grep -q '^# edited' "$HERE/system/etc/sluice/config.yaml" || fail "an edited configuration was overwritten"

install_below private /opt/sluice
holds private opt/sluice/bin/replicator opt/sluice/bin/es_consumer opt/sluice/etc/sluice/config.yaml \
  opt/sluice/share/doc/sluice/config.yaml
