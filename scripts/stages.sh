# Stages of a check or test run, timed and counted; to be sourced after lib.sh.
# shellcheck shell=bash
#
# Every stage adds a line to the tally: seconds, passed, failed, name. A script that is called by another one
# adds to its caller's tally (ORDAIN_TALLY) and leaves the summary to it.

groups=()
if [ -z "${ORDAIN_TALLY:-}" ]; then
  tally_owner=yes
  ORDAIN_TALLY=$(mktemp "${TMPDIR:-/tmp}/ordain-tally.XXXXXX") || die "cannot make a temporary file"
  export ORDAIN_TALLY
fi
stage_log=$(mktemp "${TMPDIR:-/tmp}/ordain-stage.XXXXXX") || die "cannot make a temporary file"

# Stages run in process groups of their own: whoever ends this script ends them too, at once.
leave() {
  local group
  trap '' INT TERM
  for group in "${groups[@]}"; do
    # shellcheck disable=SC2086 # pid and identity
    end_group $group
  done
  rm -f "$stage_log"
  [ -z "${tally_owner:-}" ] || rm -f "$ORDAIN_TALLY" "$ORDAIN_TALLY.figures"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The sums over all `test result:` lines of a log: passed, failed. A test program that crashed has no such line, but
# cargo counts it among the failed targets.
counts() {
  awk '/^test result: / {
    for (i = 2; i <= NF; i++) { if ($i == "passed;") passed += $(i - 1); if ($i == "failed;") failed += $(i - 1) }
    if ($3 == "FAILED.") told += 1
  }
  /^error: [0-9]+ targets? failed:/ { targets += $2 }
  END { if (targets > told) failed += targets - told; print passed + 0, failed + 0 }' "$1"
}

# in_group CMD…: starts CMD in a process group of its own, without input, ended with this script. Sets `spawned`.
in_group() {
  set -m
  "$@" </dev/null &
  spawned=$!
  set +m
  groups+=("$spawned $(identity "$spawned")")
}

# Lasts until all that CMD started has closed its output, also when they are told to end.
shown() {
  trap : INT TERM
  "$@" 2>&1 | (trap '' INT TERM && exec tee "$stage_log")
  return "${PIPESTATUS[0]}"
}

# stage NAME CMD…: runs CMD without input, shows what it says. A CMD that fails without a failed test counts as one.
stage() {
  local name=$1 begin=$SECONDS status passed failed
  shift
  say "==> $name"
  in_group shown "$@"
  wait "$spawned"
  status=$?
  read -r passed failed < <(counts "$stage_log")
  if [ $status != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
  [ $status = 0 ] || say "==> $name FAILED (status $status)"
  sed -n 's/^figure: //p' "$stage_log" >>"$ORDAIN_TALLY.figures"
  printf '%s %s %s %s\n' $((SECONDS - begin)) "$passed" "$failed" "$name" >>"$ORDAIN_TALLY"
  return $status
}

# Builds the control plane's programs beside the Rust build, so that neither waits for the other. Whoever needs them
# calls `control-plane build` again, which waits for this one and tells what went wrong.
begin_control_plane_build() {
  in_group "$root/scripts/control-plane" build >/dev/null 2>&1
}

# Figures that tests showed, then the tally. The last line is the verdict. No test at all is a failure too: something was
# not found.
summary() {
  [ -n "${tally_owner:-}" ] || return 0
  [ ! -s "$ORDAIN_TALLY.figures" ] || sed 's/^/figure: /' "$ORDAIN_TALLY.figures"
  awk '
    { name = $0; sub(/^[0-9]+ [0-9]+ [0-9]+ /, "", name); passed += $2; failed += $3
      printf "%6d s  %6d passed  %4d failed  %s\n", $1, $2, $3, name }
    END { printf "%6d s  in all\n\n%d passed, %d failed\n", seconds, passed, failed; exit failed > 0 || passed == 0 }
  ' seconds="$SECONDS" "$ORDAIN_TALLY"
}
