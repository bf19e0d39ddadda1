# Shared by the scripts of this directory; sourced, never run.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by the scripts that source this
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

# --- Ports --------------------------------------------------------------------------------------

# Asks the kernel's tables instead of connecting: no half-open connection reaches the server in question.
port_taken() {
  { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } |
    awk -v port="$(printf ':%04X' "$1")" \
      '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

refuse_taken_port() {
  ! port_taken "$1" || die "port $1 is taken by another program" \
    "choose another one with --port, or stop that program ('ss -ltnp sport = :$1' names it)"
}

# free_ports N: below the range from which the kernel takes ports for outgoing connections, so that a server
# that is down for a moment finds its port again.
free_ports() {
  local count=$1 port found=()
  while ((${#found[@]} < count)); do
    port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
    if ! port_taken "$port" && [[ " ${found[*]} " != *" $port "* ]]; then
      found+=("$port")
    fi
  done
  printf '%s\n' "${found[@]}"
}

# --- Processes ----------------------------------------------------------------------------------

# runs_with PID ARGUMENT: PID lives and has exactly this argument. A pid alone proves nothing: after a
# restart of the machine, or a long while, it is another program's.
runs_with() {
  [[ -n $1 && -r /proc/$1/cmdline ]] || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qxF -- "$2"
}

# wait_until SECONDS COMMAND…: polls, quickly at first.
wait_until() {
  local deadline=$((SECONDS + $1)) pause=0.05
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep "$pause"
    pause=0.2
  done
}

# processes_in DIR NAME: pids of the living programs NAME whose working directory is DIR.
processes_in() {
  local cwd name
  while IFS= read -r cwd; do
    read -r name 2>/dev/null <"${cwd%/cwd}/comm" || continue
    [[ $name != "$2" ]] || printf '%s\n' "${cwd//[!0-9]/}"
  done < <(find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$1" 2>/dev/null || true)
}

# gone PID ARGUMENT: ended, and its ports and files closed. A dying process loses its command line first; what it
# held is free only when it is a zombie without further threads.
gone() {
  local line fields
  ! runs_with "$1" "$2" || return 1
  read -r line 2>/dev/null <"/proc/$1/stat" || return 0
  [[ -z $(tr -d '\0' 2>/dev/null <"/proc/$1/cmdline") ]] || return 0 # the number is another program's by now
  read -ra fields <<<"${line##*) }"
  [[ ${fields[0]} == [ZX] && ${fields[17]} -le 1 ]]
}

# end_process PID ARGUMENT SIGNAL SECONDS: asks with SIGNAL, and after SECONDS insists.
end_process() {
  local pid=$1 argument=$2 signal=$3 seconds=$4
  [[ -n $pid ]] || return 0
  runs_with "$pid" "$argument" || { wait_until 10 gone "$pid" "$argument" || true; return; }
  kill -s "$signal" "$pid" 2>/dev/null || true
  wait_until "$seconds" gone "$pid" "$argument" && return
  note "process $pid did not end within $seconds s of SIG$signal: kill -9"
  kill -9 "$pid" 2>/dev/null || true
  wait_until 10 gone "$pid" "$argument" ||
    die "process $pid does not end" "look at it with 'ps -fp $pid'; it may hang in a disk that does not answer"
}

# --- One server instance = one directory --------------------------------------------------------
#
# DATA/instance remembers how it was started, so that `start --data DATA` starts it again the same way.

# shellcheck disable=SC2034  # ACTION, NOW and REST are for the script that sources this
KIND='' ACTION='' DATA='' PORT='' VERSION='' NOW='' SETTINGS=() REST=()
declare -A MORE=() # options of one kind of server only, by name

# parse_server_args KIND "EXTRA OPTIONS" ARGUMENTS…
parse_server_args() {
  KIND=$1
  local extra=" $2 "
  shift 2
  case ${1:-} in
    '' | -h | --help | help) usage && exit 0 ;;
  esac
  ACTION=$1
  shift
  while (($#)); do
    case $1 in
      --data) DATA=$(realpath -m -- "${2:?--data needs a directory}") && shift 2 ;;
      --port) PORT=${2:?--port needs a number} && shift 2 ;;
      --version) VERSION=${2:?--version needs a number} && shift 2 ;;
      --set) SETTINGS+=("${2:?--set needs name=value}") && shift 2 ;;
      --now) NOW=yes && shift ;;
      --help | -h) usage && exit 0 ;;
      --) shift && REST=("$@") && break ;;
      --*)
        [[ $extra == *" ${1#--} "* ]] || die "unknown option $1" "see '$KIND --help'" 2
        MORE[${1#--}]=${2:?$1 needs a value} && shift 2
        ;;
      *) REST=("$@") && break ;;
    esac
  done
  [[ -z $PORT || $PORT =~ ^[0-9]+$ ]] || die "--port wants a number, not '$PORT'" "for instance --port 15432" 2
}

need_data() {
  [[ -n $DATA ]] || die "--data is missing" "name the instance's directory: --data DIR" 2
}

# What the command line leaves open is as it was at the last start; settings add up, the last one counts.
read_instance() {
  local key value old=()
  [[ -f $DATA/instance ]] || return 0
  while IFS='=' read -r key value; do
    case $key in
      kind) [[ $value == "$KIND" ]] || die "$DATA holds a $value, not a $KIND" "name another directory with --data" ;;
      port) KEPT_PORT=$value PORT=${PORT:-$value} ;;
      version) VERSION=${VERSION:-$value} ;;
      set) old+=("$value") ;;
      *) [[ -n ${MORE[$key]:-} ]] || MORE[$key]=$value ;;
    esac
  done <"$DATA/instance"
  SETTINGS=("${old[@]}" "${SETTINGS[@]}")
  unique_settings
}

# A server that runs stays where it is, whatever --port says.
stay_on_port() { PORT=${KEPT_PORT:-$PORT}; }

unique_settings() {
  local -A last=()
  local order=() setting name
  for setting in "${SETTINGS[@]}"; do
    [[ $setting == *=* ]] || die "--set wants name=value, not '$setting'" "for instance --set max_connections=50" 2
    name=${setting%%=*}
    [[ -n ${last[$name]+x} ]] || order+=("$name")
    last[$name]=${setting#*=}
  done
  SETTINGS=()
  for name in "${order[@]}"; do SETTINGS+=("$name=${last[$name]}"); done
}

write_instance() {
  local key setting
  {
    printf 'kind=%s\nport=%s\nversion=%s\n' "$KIND" "$PORT" "$VERSION"
    for key in "${!MORE[@]}"; do printf '%s=%s\n' "$key" "${MORE[$key]}"; done
    for setting in "${SETTINGS[@]}"; do printf 'set=%s\n' "$setting"; done
  } >"$DATA/instance.new"
  mv -- "$DATA/instance.new" "$DATA/instance"
}

# One start or stop at a time per instance. The lock is on the directory itself and ends with this
# script; whoever starts a server closes it there: {LOCK_FD}>&-
LOCK_FD=''
lock_instance() {
  exec {LOCK_FD}<"$DATA"
  flock -w 180 "$LOCK_FD" || die "another script has been busy with $DATA for 3 minutes" "wait for it, or end it"
}

# A directory that was not ours before is taken only when it is empty.
claim_data() {
  need_data
  mkdir -p -- "$DATA"
  lock_instance
  if [[ ! -f $DATA/instance && -n $(ls -A -- "$DATA") ]]; then
    die "$DATA is not empty and holds no instance of ours" "name a new directory with --data"
  fi
}

# server_user NAME: as whom the server runs; root hands over to an account without rights.
server_user() {
  if is_root; then printf '%s\n' "$1"; else id -un; fi
}

give_to() {
  is_root || return 0
  local user=$1
  shift
  reachable "$DATA" || die "user $user cannot reach $DATA" "choose a directory below one that all users may enter, such as /var/tmp"
  chown -- "$user:" "$@"
}

as_user() {
  local user=$1
  shift
  if [[ $(id -un) == "$user" ]]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

is_ours() { [[ -n $DATA && -f $DATA/instance ]]; }

wipe_instance() {
  need_data
  [[ -e $DATA ]] || return 0
  if [[ -z $(ls -A -- "$DATA") ]]; then
    rmdir -- "$DATA"
    return
  fi
  is_ours || die "$DATA holds no instance of ours; it is left alone" "look what it is, and remove it by hand"
  rm -rf -- "$DATA"
}

show_log() {
  [[ -f $1 ]] || return 0
  note "the end of $1:"
  tail -n "${2:-15}" -- "$1" >&2
}

# --- Java ---------------------------------------------------------------------------------------

java_major() {
  [[ -f $1/release && -x $1/bin/java ]] || return 1
  sed -n 's/^JAVA_VERSION="\(1\.\)\?\([0-9]*\).*/\2/p' "$1/release"
}

# kafka_classes HOME: the cache's entry for Kafka's classes as the Java there, and no other, can map them.
kafka_classes() { printf 'kafka-%s-classes-%s\n' "$KAFKA_VERSION" "$(stat -Lc %Y-%s -- "$1/lib/modules")"; }

# find_java AT_LEAST: prints the home of a Java of that release or newer; JAVA_HOME first, then the oldest that will do.
find_java() {
  local least=$1 home major best='' best_major=999
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/java/* "$(dirname -- "$(dirname -- "$(readlink -f -- "$(command -v java)" || true)")")"; do
    [[ -n $home ]] && major=$(java_major "$home") && [[ -n $major ]] || continue
    ((major >= least)) || continue
    if [[ $home == "${JAVA_HOME:-}" ]]; then
      printf '%s\n' "$home"
      return
    fi
    if ((major < best_major)); then best=$home best_major=$major; fi
  done
  [[ -n $best ]] && printf '%s\n' "$best"
}

# Elasticsearch 9 where a Java for it is, else 8.
default_elasticsearch() {
  if find_java "${ES_JAVA_AT_LEAST[9]}" >/dev/null; then
    printf '9\n'
  else
    note "no Java ${ES_JAVA_AT_LEAST[9]} or newer is here, so Elasticsearch 8 is taken instead of 9"
    note "  what to do: $ES_JAVA_REMEDY"
    printf '8\n'
  fi
}
