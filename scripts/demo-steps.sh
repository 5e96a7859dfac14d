# The demo's narrative and its helpers; to be sourced by scripts/demo, which sets `namespace` and `control`.
# shellcheck shell=bash disable=SC2154

explain() { printf '\n# %s\n' "$*"; }

# show CMD…: prints the command as a user would type it, then runs it.
show() {
  local words="$*"
  printf '$ %s\n' "${words//"$root/"/}"
  "$@"
}

# until_true WORDS CMD…: waits up to half a minute for CMD to succeed and says so; ends the demo else.
until_true() {
  local words=$1
  shift
  poll 150 0.2 quietly "$@" || failed "this did not come true: $words"
  printf '  ✓ %s\n' "$words"
}

quietly() { "$@" >/dev/null 2>&1; }

wait_ready() {
  show kubectl wait --for=condition=Ready --timeout="$1" --namespace "$namespace" \
    backends,policies,targetgroups,policyassignments --all || failed "not everything became Ready within $1"
}

# http METHOD URL [JSON]: the body of a 2xx answer. HTTP/1.0 keeps the answer in one piece, which a shell can read.
http() {
  local method=$1 rest=${2#http://} body=${3:-} host reply
  host=${rest%%/*}
  exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$method" "${rest#*/}" "$host" "$(printf %s "$body" | wc -c)" "$body" >&3
  reply=$(cat <&3)
  exec 3>&-
  printf '%s\n' "${reply#*$'\r\n\r\n'}"
  [[ $reply =~ ^HTTP/1\.[01]\ 2 ]]
}

# What a system holds, as its double tells.
held_by() { http GET "$control/$1/state"; }

# holds SYSTEM REGEX: spaces and the backslashes of JSON in strings are left out before the search.
holds() { held_by "$1" | tr -d ' \n\\' | grep -qE "$2"; }
lacks() { ! holds "$@"; }

# The object is Ready for its present generation and for its Policy's.
ready_for_policy() {
  local assignment=$1 policy=$2 generations
  generations=$(kubectl get policy "$policy" --namespace "$namespace" -o jsonpath='{.metadata.generation}')
  [ "$(kubectl get policyassignment "$assignment" --namespace "$namespace" -o jsonpath='{.status.policyGeneration}')" = "$generations" ] &&
    kubectl wait --for=condition=Ready --timeout=1s --namespace "$namespace" "policyassignment/$assignment"
}

step_edit() {
  explain "An edit in Git reaches the system: the PIN is to have eight digits"
  holds wso2 '"minLength":"?6' || failed "WSO2 does not hold the example's PIN length"
  show kubectl patch policy phone-baseline --namespace "$namespace" --type json \
    -p '[{"op": "replace", "path": "/spec/content/wso2/profiles/0/features/1/content/minLength", "value": 8}]' ||
    failed "the edit was refused"
  until_true "WSO2 holds a PIN length of 8" holds wso2 '"minLength":"?8'
  until_true "the assignment is Ready for this edit" ready_for_policy phone-baseline-engineers phone-baseline
}

step_delete() {
  explain "A deletion is released: the policy goes from WSO2, then the object from the cluster"
  show kubectl delete policyassignment phone-baseline-engineers --namespace "$namespace" --timeout=60s ||
    failed "the deletion did not finish"
  until_true "WSO2 no longer holds the policy" lacks wso2 '"policyName":"Phonebaseline"'
}

steps() {
  step_edit
  step_delete
}
