# Shared by the scripts of this directory; sourced, never run.
# shellcheck shell=bash

NATIVE_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# --- Talking to people: everything but results goes to stderr -----------------------------------

note() { printf '[%s] %s\n' "${0##*/}" "$*" >&2; }

# die MESSAGE REMEDY [EXIT_CODE]
die() {
  printf '[%s] ERROR: %s\n' "${0##*/}" "$1" >&2
  printf '[%s]   what to do: %s\n' "${0##*/}" "$2" >&2
  exit "${3:-1}"
}

have() { command -v -- "$1" >/dev/null 2>&1; }

is_root() { [[ $EUID -eq 0 ]]; }

# --- The cache: one directory per name-version, whole or absent ---------------------------------

# reachable DIR: may other users enter it? Servers that refuse root run as users of their own.
reachable() {
  local dir
  dir=$(realpath -m -- "$1")
  while [[ $dir != / ]]; do
    if [[ -e $dir && ! $(stat -c %A -- "$dir") =~ x.?$|t$ ]]; then return 1; fi
    dir=$(dirname -- "$dir")
  done
}

cache_dir() {
  local dir=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/sluice}
  if [[ -z ${SLUICE_CACHE:-} ]] && is_root && ! reachable "$dir"; then
    dir=/var/cache/sluice
  fi
  if [[ ! -d $dir ]]; then
    mkdir -p -- "$dir" || die "cannot create the cache $dir" "set SLUICE_CACHE to a directory that you may write"
    chmod a+rx -- "$dir"
  fi
  if is_root && ! reachable "$dir"; then
    die "the cache $dir cannot be entered by the servers' own users" \
      "set SLUICE_CACHE to a directory whose parents all are readable, such as /var/cache/sluice"
  fi
  printf '%s\n' "$dir"
}

# provide NAME MAKER: the directory $cache/NAME exists; when it does not, `MAKER DIR` fills it once.
# Two callers at the same time do not collide: the lock serialises them, the rename publishes.
# Must not be called inside a condition: bash would switch `set -e` off in MAKER.
provide() {
  local name=$1 maker=$2 cache
  cache=$(cache_dir)
  [[ ! -d $cache/$name ]] || return 0
  (
    exec {lock}>"$cache/.$name.lock"
    flock -n "$lock" || { note "waiting for another run that is fetching $name"; flock "$lock"; }
    [[ ! -d $cache/$name ]] || exit 0
    tmp=$(mktemp -d "$cache/.$name.XXXXXX")
    trap 'rm -rf -- "$tmp"' EXIT
    "$maker" "$tmp"
    chmod -R a+rX,u+w -- "$tmp"
    mv -T -- "$tmp" "$cache/$name"
  )
}

# verify SHA256 FILE
verify() {
  local actual
  actual=$(sha256sum -- "$2" | cut -d' ' -f1)
  [[ $actual == "$1" ]] || die "$(basename -- "$2") is not what was pinned: sha256 $actual, expected $1" \
    "something between you and the registry changed it; try another network, and do not use the file"
}
