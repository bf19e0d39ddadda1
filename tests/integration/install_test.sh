#!/usr/bin/env bash
# label: unit
# `cmake --install` puts programs that run, units and man pages that are true, a configuration that is right where a
# system looks for it and never overwrites what was edited, and a package that another project can use.
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
  DESTDIR=$1 cmake --install "$BUILD" --prefix "$2" >"$HERE/output" 2>&1 || { cat "$HERE/output" && fail "cmake --install"; }
}

# What is for programmers is known by pattern: a new header is no news here.
LIBRARY='^(include/sluice/[a-z]+/[a-z0-9_]+\.h|lib[^ ]*/libsluice_[a-z]+\.a|lib[^ ]*/cmake/sluice/[A-Za-z-]+\.cmake)$'

# holds FOLDER PREFIX PATH…: exactly these files, and below PREFIX the library.
holds() {
  local folder=$HERE/$1 prefix=$2 expected actual
  shift 2
  expected=$(printf '%s\n' "$@" | sort)
  actual=$(cd "$folder" && find . ! -type d -printf '%P\n' | sed "s|^$prefix/||" | grep -vE "$LIBRARY" | sort)
  [[ $actual == "$expected" ]] || fail "expected in $folder: $expected; found: $actual"
}

PROGRAMS=(bin/replicator bin/es_consumer lib/systemd/system/replicator.service lib/systemd/system/es_consumer.service
  lib/sysusers.d/sluice.conf share/man/man1/replicator.1 share/man/man1/es_consumer.1 share/man/man5/sluice-config.5
  share/doc/sluice/config.yaml)

# cached NAME: what the build was configured with.
cached() { sed -n "s/^$1:[A-Z]*=//p" "$BUILD/CMakeCache.txt"; }

# unit FILE DIRECTIVE: its value.
unit() { sed -n "s|^$2=||p" "$1"; }

# Every command and option of the help stands in the man page.
page_is_whole() {
  local program=$1 page words word
  page=$(sed 's/\\-/-/g' "$HERE/system/usr/share/man/man1/$program.1")
  words=$(for command in '' config logs slot 'slot reset'; do
    # shellcheck disable=SC2086  # the words of a command
    "$HERE/system/usr/bin/$program" $command --help 2>/dev/null || true
  done | sed -nE 's/^  (-[a-z],)?(--[a-z-]+|[a-z]+) .*/\2/p' | sort -u)
  [[ $words == *--since* && $words == *status* ]] || fail "the help of $program is not understood: $words"
  for word in $words; do
    grep -qF -- "$word" <<<"$page" || fail "the man page of $program does not tell of $word"
  done
}

install_below "$HERE/system" /usr
holds system usr "${PROGRAMS[@]}" etc/sluice/config.yaml
cmp "$ROOT/config.yaml" "$HERE/system/etc/sluice/config.yaml"

for program in replicator es_consumer; do
  installed=$HERE/system/usr/bin/$program
  "$installed" version | grep -q "^$program " || fail "$program does not say its version"
  "$installed" config --config "$HERE/system/etc/sluice/config.yaml" >/dev/null || fail "$program refuses what was installed"
  # A library that is found in somebody's build folder only is found by nobody else.
  ! readelf -d "$installed" | grep -E 'R(UN)?PATH' || fail "$program looks for libraries where it was built"
  [[ $(unit "$HERE/system/usr/lib/systemd/system/$program.service" ExecStart) == \
    "/usr/bin/$program run --config /etc/sluice/config.yaml" ]] || fail "$program.service starts something else"
  page_is_whole "$program"
done
if command -v groff >/dev/null; then
  for page in "$HERE"/system/usr/share/man/man?/*; do
    groff -man -ww -z -Tutf8 "$page" >"$HERE/output" 2>&1
    [[ ! -s $HERE/output ]] || { cat "$HERE/output" && fail "groff complains of $page"; }
  done
fi

printf '# edited\n' >>"$HERE/system/etc/sluice/config.yaml"
install_below "$HERE/system" /usr
grep -q '^# edited' "$HERE/system/etc/sluice/config.yaml" || fail "an edited configuration was overwritten"

# Below another prefix everything stays there; without DESTDIR, so that what the units name exists.
install_below '' "$HERE/private"
holds private "" "${PROGRAMS[@]}" etc/sluice/config.yaml
for program in replicator es_consumer; do
  service=$HERE/private/lib/systemd/system/$program.service
  read -r started _ _ configuration < <(unit "$service" ExecStart)
  "$started" config --config "$configuration" >/dev/null || fail "what $program.service starts does not work"
  if command -v systemd-analyze >/dev/null; then
    # An unknown key is a warning only; and what it says of other units of this machine is not our matter.
    systemd-analyze verify --man=no "$service" >"$HERE/output" 2>&1 || { cat "$HERE/output" && fail "$program.service"; }
    ! grep -F "$service" "$HERE/output" || fail "systemd warns of $program.service"
  fi
done

# Another project, with the package and without our source.
! grep -rF -e "$ROOT" -e "$BUILD" "$HERE/private/lib"*/cmake || fail "the package names folders of the build"
sanitize=$(cached SLUICE_SANITIZE)
{
  cmake -S "$ROOT/tests/integration/package_user" -B "$HERE/user" -G "$(cached CMAKE_GENERATOR)" \
    -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" -DCMAKE_PREFIX_PATH="$HERE/private" \
    -DSLUICE_RDKAFKA_ROOT="$(cached SLUICE_RDKAFKA_ROOT)" ${sanitize:+-DCMAKE_CXX_FLAGS=-fsanitize=$sanitize} &&
    cmake --build "$HERE/user"
} >"$HERE/output" 2>&1 || { cat "$HERE/output" && fail "a project that uses the package"; }
[[ $("$HERE/user/package_user") == $'pgoutput.malformed\nkafka.bad_property' ]] || fail "the libraries do not work"
