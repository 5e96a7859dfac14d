# Programs that tests need, built from source once and kept outside the checkout; to be sourced after lib.sh.
# shellcheck shell=bash
#
# Whoever sources this defines `sets_of PROGRAM…`, which prints the programs, those built by one command on one line,
# and `build_set FOLDER PROGRAM…`, which builds such a line into FOLDER.

# cache_folder KIND FILE…: a folder of its own for each set of sources and platform.
cache_folder() {
  local kind=$1 sum
  shift
  sum=$({ uname -sm; printf '%s\n' "${KUBEBUILDER_ASSETS:-}"; cat "$@"; } 2>/dev/null | sha256sum)
  printf '%s/%s/%.16s\n' "${ORDAIN_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/ordain}" "$kind" "$sum"
}

# go_build MODULE OUT LDFLAGS PACKAGE…: MODULE is a folder. The flags make a build depend on the sources only.
go_build() {
  local module=$1 out=$2 flags=$3
  shift 3
  (cd "$module" && GOWORK=off CGO_ENABLED=0 nice go build -mod=readonly -buildvcs=false -trimpath -ldflags "-s -w $flags" -o "$out" "$@")
}

# version_of MODULE DEPENDENCY
version_of() { (cd "$1" && GOWORK=off go list -m -f '{{.Version}}' "$2"); }

# lacking FOLDER PROGRAM…: those that are not there, one a line.
lacking() {
  local folder=$1 program
  shift
  for program in "$@"; do
    [ -x "$folder/$program" ] || printf '%s\n' "$program"
  done
}

# need_compiler PROGRAMS: whoever builds from something else than Go modules says so again.
need_compiler() { need go "it builds $1from source; install Go 1.26 or later (https://go.dev/dl)"; }

# build_into FOLDER PROGRAM…: builds aside and renames, so that a program is there whole or not at all.
build_into() {
  local folder=$1 work programs status=0
  shift
  say "building $* once, into $folder"
  # Left by a build that was killed; the lock says that nobody works there now.
  rm -rf "$folder"/.build.*
  work=$(mktemp -d "$folder/.build.XXXXXX") || return 1
  while read -r programs; do
    [ -n "$programs" ] || continue
    # shellcheck disable=SC2086 # a set of programs, built by one command
    build_set "$work" $programs </dev/null && mv -f "$work"/* "$folder/" || status=1
    [ $status = 0 ] || break
  done < <(sets_of "$@")
  rm -rf "$work"
  return $status
}

# provide FOLDER PROGRAM…: builds what is missing; two callers never do the same work.
provide() {
  local folder=$1 missing
  shift
  mkdir -p "$folder" || die "cannot make $folder: set ORDAIN_CACHE to a folder that can be written"
  missing=$(lacking "$folder" "$@")
  [ -n "$missing" ] || return 0
  need_compiler "$(tr '\n' ' ' <<<"$missing")"
  need flock "it keeps two builds from doing the same work; it is part of util-linux"
  exec 9>"$folder/.lock"
  flock -n 9 || { say "waiting for another build in $folder" && flock 9; }
  mapfile -t missing < <(lacking "$folder" "$@")
  [ ${#missing[@]} = 0 ] || build_into "$folder" "${missing[@]}" || die "the build failed, see above"
  exec 9>&-
}
