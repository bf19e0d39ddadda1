#!/usr/bin/env bash
# label: long
# servers: own
# The images of both programs, really built and run: small, not root, on a root directory that nobody can write, with
# the exit codes of the README; a row of PostgreSQL becomes a document, and a new container goes on where the old one was.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
NATIVE=$ROOT/Docker_Files/native
MAX_IMAGE_BYTES=120000000
# Not below /tmp: the layers are gigabytes for a while, and /tmp may be memory.
PLACE=/var/tmp/sluice-images

say() { printf -- '-- %s (after %d s)\n' "$*" "$SECONDS"; }

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# same EXPECTED ACTUAL WHAT
same() { [[ $1 == "$2" ]] || fail "$3: expected '$1', got '$2'"; }

# logged LOG COMMAND…: quiet, but for the end of what a failing command said.
logged() {
  local log=$HERE/$1
  shift
  "$@" >"$log" 2>&1 || { tail -40 "$log" && fail "$*"; }
}

# wait_for SECONDS WHAT COMMAND…
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || { show_logs && fail "waited in vain for $what"; }
    sleep 0.5
  done
}

# --- A store of images of our own, removed as a whole ---------------------------------------------

# podman_at DIRECTORY ARGUMENTS…: never for ever, whatever hangs.
podman_at() {
  timeout "${LIMIT:-600}" podman --root "$1/root" --runroot "$1/runroot" --tmpdir "$1/tmp" --storage-driver="$(<"$1/driver")" \
    --cgroup-manager=cgroupfs --runtime="$(command -v runc)" --events-backend=none "${@:2}"
}
podman() { podman_at "$HERE" "$@"; }
buildah() { command buildah --root "$HERE/root" --runroot "$HERE/runroot" --storage-driver="$(<"$HERE/driver")" "$@"; }

remove() {
  if [[ -f $1/driver ]]; then podman_at "$1" rm --all --force --time 0 >/dev/null 2>&1 || true; fi
  "$NATIVE/stack" down --data "$1/servers" >/dev/null 2>&1 || true
  while IFS= read -r mounted; do
    umount -l -- "$mounted" || true
  done < <(awk -v at="$1/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo)
  rm -rf --one-file-system -- "$1"
}

# A run that was killed could not clean up.
sweep() {
  local dir
  for dir in "$PLACE".*; do
    [[ -f $dir/owner && -O $dir ]] || continue
    if tr '\0' ' ' 2>/dev/null <"/proc/$(<"$dir/owner")/cmdline" | grep -q app_images_test; then continue; fi
    remove "$dir"
  done
}

# overlay shares layers; where the machine does not let us, vfs copies each of them.
choose_driver() {
  local probe=$HERE/probe
  mkdir -p "$probe"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null; then
    umount "$probe/merged"
    printf 'overlay\n' >"$HERE/driver"
  else
    printf 'vfs\n' >"$HERE/driver"
  fi
  rm -rf -- "$probe"
}

# --- Building -------------------------------------------------------------------------------------

# From where this machine has its own packages: a mirror, a proxy and what else it was told about reaching them.
make_base_image() {
  local codename mirror
  codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  # shellcheck disable=SC2016  # apt's placeholders
  mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }')
  [[ -n $mirror ]] || fail "apt of this machine names no mirror of Debian's; pull debian:trixie-slim yourself, or add one"
  apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https Acquire::Check-Valid-Until Acquire::Check-Date \
    >"$HERE/apt.conf"
  logged base.log mmdebstrap --quiet --mode=root --variant=minbase --aptopt="$HERE/apt.conf" \
    trixie "$HERE/base.tar" "$mirror"
  podman import --quiet "$HERE/base.tar" debian:trixie-slim >/dev/null
  rm -- "$HERE/base.tar"
}

build_images() {
  local program
  say "the base image"
  LIMIT=300 podman pull --quiet debian:trixie-slim >/dev/null 2>&1 || make_base_image
  for program in replicator es_consumer; do
    say "building the image of $program"
    # Layers are kept, so that the second image compiles nothing.
    logged "$program.build.log" buildah bud --layers --isolation=chroot --network=host --pull-never \
      -f "$ROOT/Docker_Files/Dockerfile" --target "$program" -t "sluice-$program" "$ROOT"
    if grep 'warning:' "$HERE/$program.build.log"; then fail "the compiler of the image warns of what ours does not"; fi
  done
}

# --- Looking at them ------------------------------------------------------------------------------

# Just what compose.yaml gives them, and no scratch space at all. The limits of files and processes are there because
# raising them is not everywhere allowed.
LEAST=(--network=host --read-only --read-only-tmpfs=false --cap-drop=ALL --security-opt=no-new-privileges
  --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000)

# exits CODE PROGRAM ARGUMENTS… -- OPTIONS OF PODMAN…: what it says is then in $HERE/output.
exits() {
  local code=0 expected=$1 program=$2 arguments=()
  shift 2
  while [[ $1 != -- ]]; do arguments+=("$1") && shift; done
  shift
  podman run --rm "${LEAST[@]}" "$@" "sluice-$program" "${arguments[@]}" >"$HERE/output" 2>&1 || code=$?
  [[ $code -eq $expected ]] || { cat "$HERE/output" && fail "$program ${arguments[*]}: exit code $code instead of $expected"; }
}

says() { grep -qE -- "$1" "$HERE/output" || { cat "$HERE/output" && fail "expected to read '$1'"; }; }

look_at_image() {
  local program=$1 bytes
  say "the image of $program"
  bytes=$(podman image inspect --format '{{.Size}}' "sluice-$program")
  printf '   %s bytes\n' "$bytes"
  ((bytes < MAX_IMAGE_BYTES)) || fail "the image of $program has $bytes bytes, $MAX_IMAGE_BYTES were allowed"
  same 10001:10001 "$(podman image inspect --format '{{.Config.User}}' "sluice-$program")" "user of $program"

  exits 0 "$program" version --
  says "^$program [0-9]"
  exits 0 "$program" --help --
  says 'Exit codes'
  # 127: there is no shell inside that somebody who got in could use.
  exits 127 "$program" -c true -- --entrypoint=/bin/sh

  # The configuration and the environment of compose.yaml are what this program takes.
  exits 0 "$program" config --config /etc/sluice/config.yaml -- -e SLUICE_TOKEN=t -e POSTGRES_PASSWORD=p -e ELASTIC_PASSWORD=e \
    -v "$ROOT/Docker_Files/compose-config.yaml:/etc/sluice/config.yaml:ro"

  printf 'kafka: {topics: none}\n' >"$HERE/wrong.yaml"
  exits 2 "$program" run --config /etc/sluice/config.yaml -- -v "$HERE/wrong.yaml:/etc/sluice/config.yaml:ro"
  tail -1 "$HERE/output" | grep -q '^ERROR config\.' || fail "the last line names no mistake: $(tail -1 "$HERE/output")"
  # Whoever forgets to mount a configuration is told so.
  exits 2 "$program" run --config /etc/sluice/config.yaml --
  says '^ERROR config\..*/etc/sluice/config.yaml'
}

compose_files_are_understood() {
  local name
  say "docker-compose reads the compose files"
  for name in compose.yaml postgres-kafka/docker-compose.yml es-kibana/docker-compose.yml; do
    logged compose.log docker-compose -f "$ROOT/Docker_Files/$name" config
  done
}

# --- A row on its way -----------------------------------------------------------------------------

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$SLUICE_PG_DSN" -c "$1"; }

write_config() {
  local password_of_dsn=${SLUICE_PG_DSN##*password=} ports
  mapfile -t ports < <("$NATIVE/stack" ports 2)
  cat >"$HERE/config.yaml" <<YAML
state_dir: /var/lib/sluice/state
postgres:
  host: 127.0.0.1
  port: $SLUICE_PG_PORT
  user: postgres
  password: ${password_of_dsn%% *}
  dbname: postgres
  slot_name: images
  publication_name: images
  tables: [public.users]
kafka:
  brokers: ['$SLUICE_KAFKA']
  topic: images
elasticsearch:
  addresses: ['$SLUICE_ES']
  number_of_replicas: 0
  refresh_interval: 200ms
admin:
  replicator: 127.0.0.1:${ports[0]}
  es_consumer: 127.0.0.1:${ports[1]}
YAML
  chmod 644 "$HERE/config.yaml"
}

start() {
  podman run --detach --name "$1" "${LEAST[@]}" -v "$1-state:/var/lib/sluice" \
    -v "$HERE/config.yaml:/etc/sluice/config.yaml:ro" "sluice-$1" >/dev/null
}

# shellcheck disable=SC2317  # called by wait_for
show_logs() { for program in replicator es_consumer; do podman logs "$program" 2>&1 | tail -30; done; }

# document OP ID NAME: how many documents of the journal are just this.
document() {
  curl -s "$SLUICE_ES/cdc_public_users/_search" -H 'content-type: application/json' \
    -d "{\"query\":{\"bool\":{\"filter\":[{\"term\":{\"op\":\"$1\"}},{\"term\":{\"key\":\"$2\"}},{\"term\":{\"after.name\":\"$3\"}}]}}}" |
    jq -r '.hits.total.value'
}
arrived() { [[ $(document "$@") == 1 ]]; }

is_without_rights() {
  local pid
  pid=$(podman inspect --format '{{.State.Pid}}' "$1")
  same 10001 "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")" "the user that $1 runs as"
  same 0000000000000000 "$(awk '$1 == "CapEff:" { print $2 }' "/proc/$pid/status")" "the rights of $1"
  same ro "$(awk '$5 == "/" { print substr($6, 1, 2) }' "/proc/$pid/mountinfo")" "the root directory of $1"
}

stop() {
  podman stop --time 35 "$1" >/dev/null
  same 0 "$(podman inspect --format '{{.State.ExitCode}}' "$1")" "exit code of $1 after SIGTERM"
  podman rm "$1" >/dev/null
}

# By the command that compose.yaml gives it.
is_healthy() {
  local command
  mapfile -t command < <(/usr/bin/python3 -c 'import sys, yaml
test = yaml.safe_load(open(sys.argv[1]))["services"][sys.argv[2]]["healthcheck"]["test"]
print(*test[1:], sep="\n")' "$ROOT/Docker_Files/compose.yaml" "$1")
  same alive "$(podman exec "$1" "${command[@]}")" "health of $1"
}

a_row_becomes_a_document() {
  local program
  say "starting PostgreSQL, Kafka and Elasticsearch"
  logged servers.log env -u SLUICE_PG_DSN -u SLUICE_KAFKA -u SLUICE_ES "$NATIVE/stack" up --data "$HERE/servers"
  # shellcheck disable=SC1090
  . <(sed -n 's/^\(SLUICE_[A-Z_]*\)=\(.*\)$/\1="\2"/p' "$HERE/servers.log")
  sql "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'before')"
  write_config
  for program in replicator es_consumer; do start "$program"; done
  say "a row of the snapshot, then one of the stream"
  wait_for 90 "the row that was there before" arrived r 1 before
  sql "INSERT INTO users VALUES (2, 'Ada')"
  wait_for 60 "the new row" arrived c 2 Ada
  for program in replicator es_consumer; do
    is_without_rights "$program"
    podman exec "$program" "/usr/local/bin/$program" status --config /etc/sluice/config.yaml >/dev/null || fail "$program status"
    is_healthy "$program"
  done

  say "new containers, the same volumes"
  for program in replicator es_consumer; do stop "$program"; done
  sql "INSERT INTO users VALUES (3, 'Grace')"
  for program in replicator es_consumer; do start "$program"; done
  wait_for 60 "the row written meanwhile" arrived c 3 Grace
  same 3 "$(curl -s "$SLUICE_ES/cdc_public_users/_count" | jq .count)" "documents in all"
  for program in replicator es_consumer; do stop "$program"; done
}

[[ $EUID -eq 0 ]] || fail "this needs root: run it with sudo"
sweep
"$NATIVE/install" containers
HERE=$(mktemp -d "$PLACE.XXXXXX")
chmod 755 "$HERE"
printf '%s\n' "$$" >"$HERE/owner"
trap 'remove "$HERE"' EXIT
trap 'exit 130' INT TERM HUP
choose_driver
compose_files_are_understood
build_images
look_at_image replicator
look_at_image es_consumer
a_row_becomes_a_document
say "all as promised"
