# Shared by the scripts of this folder; to be sourced by bash.
# shellcheck shell=bash
#
# Processes: everything started here runs in a process group of its own, so that Ctrl-C in a terminal reaches only
# the script, which then stops its children in the right order. Processes are ended by pid, and only after a look
# at their start time, so that a reused pid is never hit.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "${0##*/}: $*"
  exit 1
}

# need TOOL WHY: ends the script with one clear line if TOOL is missing.
need() {
  command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"
}

# When a process started, in whatever unit the system counts; with the pid it names the process for good.
identity() {
  local stat
  if [ -r "/proc/$1/stat" ]; then
    read -r stat <"/proc/$1/stat" 2>/dev/null || return 1
    set -- ${stat##*) }
    printf '%s\n' "${20}"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
  fi
}

# A zombie that nobody reaps (in containers with a careless pid 1) counts as gone.
alive() {
  local stat
  kill -0 "$1" 2>/dev/null || return 1
  [ -e /proc/self/stat ] || return 0
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  stat=${stat##*) }
  [ "${stat:0:1}" != Z ]
}

# poll TRIES SECONDS CMD…: runs CMD until it succeeds, with a pause between.
poll() {
  local tries=$1 pause=$2
  shift 2
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep "$pause"
  done
}

gone() { ! alive "$1"; }

# end_process PID [IDENTITY] [TENTHS]: TERM, then KILL after TENTHS of a second; returns when it is gone.
end_process() {
  local pid=$1 who=${2:-} patience=${3:-100}
  alive "$pid" || return 0
  [ -z "$who" ] || [ "$(identity "$pid")" = "$who" ] || return 0
  kill -TERM "$pid" 2>/dev/null
  poll "$patience" 0.1 gone "$pid" && return 0
  kill -KILL "$pid" 2>/dev/null
  poll 100 0.1 gone "$pid"
}

# end_group PID IDENTITY: ends what PID started in its process group.
end_group() {
  alive "$1" && [ "$(identity "$1")" = "$2" ] || return 0
  kill -TERM -- "-$1" 2>/dev/null
  poll 150 0.1 gone "$1" || kill -KILL -- "-$1" 2>/dev/null
}

# spawn LOG CMD…: starts CMD in a process group of its own, detached from this script's input and output.
# Sets `spawned` to its pid.
spawn() {
  local log=$1
  shift
  set -m
  "$@" </dev/null >"$log" 2>&1 9>&- &
  spawned=$!
  set +m
  disown "$spawned"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port nobody listens on, below the range from which outgoing connections take theirs. Somebody may still
# be quicker: callers try again with another.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    listening "$port" || break
  done
  printf '%s\n' "$port"
}
