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

objects_are_counted() {
  local counts
  counts=$(kubectl get backends --namespace "$namespace" -o jsonpath='{range .items[*]}{.status.objects.managed}{"\n"}{end}') &&
    ! grep -qvx '[1-9][0-9]*' <<<"$counts"
}

# http METHOD URL [JSON]: the body of a 2xx answer. HTTP/1.0 keeps the answer in one piece, which a shell can read.
http() {
  local method=$1 rest=${2#http://} body=${3:-} host reply
  host=${rest%%/*}
  exec 3<>"/dev/tcp/${host%:*}/${host##*:}" || return 1
  printf '%s /%s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
    "$method" "${rest#*/}" "$host" "$(printf %s "$body" | wc -c)" "$body" >&3
  reply=$(cat <&3)$'\r\n\r\n'
  exec 3>&-
  body=${reply#*$'\r\n\r\n'}
  body=${body%$'\r\n\r\n'}
  [ -z "$body" ] || printf '%s\n' "$body"
  [[ $reply =~ ^HTTP/1\.[01]\ 2 ]]
}

# behind SYSTEM WORD…: what stands in the system's state (its double tells) behind these words, each sought behind the
# one before; status 1 if one is not there. Spaces, and the backslashes of JSON within strings, are left out of the state.
behind() {
  local system=$1
  shift
  http GET "$control/$system/state" | tr -d ' \n\\' | awk 'BEGIN {
    while ((getline line < "-") > 0) text = text line
    for (i = 1; i < ARGC; i++) {
      at = index(text, ARGV[i])
      if (!at) exit 1
      text = substr(text, at + length(ARGV[i]))
    }
    print substr(text, 1, 40)
  }' "$@"
}

in_wso2() { behind wso2 '"policies":[' '"policyName":"Phonebaseline"' "$@"; }
not_in_wso2() { behind wso2 '"policies":[' && ! in_wso2; }
pin_length_is() { [[ $(in_wso2 '"minLength":') =~ ^\"?$1[^0-9] ]]; }
camera_is() { [[ $(in_wso2 '"enabled":') == "$1"* ]]; }
monitoring_is() {
  [[ $(behind wfbss '"640FE47F-5118-4D79-8221-A35D0DE2EE2C"' '"Server(Default)"' '"win"' '"behavior_monitoring"' '"enabled":') == "$1"* ]]
}

card_numbers_are() { [[ $(behind symphony '"policies":' '"name":"Cardnumbers~' '"type":') == "\"$1\""* ]]; }
kiosks_hold_usb_rule() { [[ $(behind tachyon '"devices":' '"Kiosks":' '"USBlockdown":') == '["usb-start-type"]'* ]]; }
kiosks_hold_nothing() { ! behind tachyon '"devices":' '"Kiosks":' '"USBlockdown":' >/dev/null; }
rows_reach_users() { [[ $(behind appShield '"policies":' '"name":"Rowsbycountry"' '"users":') == "$1"* ]]; }

# What was sent to a system since the request numbered SINCE, without the reads.
sent_since() {
  http GET "$control/$1/requests?since=$2" | grep -oE '"method":"(PUT|POST|DELETE)","path":"[^"]*","query":"[^"]*"' |
    sed -E 's/"method":"([^"]*)","path":"([^"]*)","query":"([^"]*)"/    \1 \2?\3/; s/\?$//'
}
last_request() { http GET "$control/$1/requests?since=0" | grep -oE '"seq":[0-9]+' | tail -n 1 | cut -d: -f2; }

# The assignment is Ready, and for the Policy as it is now.
ready_for_policy() {
  local assignment=$1 policy=$2 generation
  generation=$(kubectl get policy "$policy" --namespace "$namespace" -o jsonpath='{.metadata.generation}')
  [ "$(kubectl get policyassignment "$assignment" --namespace "$namespace" -o jsonpath='{.status.policyGeneration}')" = "$generation" ] &&
    kubectl wait --for=condition=Ready --timeout=1s --namespace "$namespace" "policyassignment/$assignment"
}

look_now() {
  show kubectl annotate policyassignment "$1" --namespace "$namespace" --overwrite \
    "ordain.dev/reconcile-requested-at=$(date -u +%Y-%m-%dT%H:%M:%SZ)" || failed "the annotation was refused"
}

step_edit() {
  explain "An edit in Git reaches the system: the PIN is to have eight digits"
  until_true "WSO2 holds a PIN length of 6, as the example says" pin_length_is 6
  show kubectl patch policy phone-baseline --namespace "$namespace" --type json \
    -p '[{"op": "replace", "path": "/spec/content/wso2/profiles/0/features/1/content/minLength", "value": 8}]' ||
    failed "the edit was refused"
  until_true "WSO2 holds a PIN length of 8" pin_length_is 8
  until_true "the assignment is Ready for this edit" ready_for_policy phone-baseline-engineers phone-baseline
}

step_drift_wso2() {
  explain "Somebody allows the camera in WSO2's console; Ordain looks (by itself every half hour, now on request)"
  http PATCH "$control/wso2/state" '{"policies": [{"name": "Phone baseline", "features": {"CAMERA": {"enabled": true}}}]}' ||
    failed "the double refused the change by hand"
  until_true "the camera is on" camera_is true
  look_now phone-baseline-engineers
  until_true "the camera is off again" camera_is false
}

step_drift_wfbss() {
  local before
  explain "Somebody switches behavior monitoring off on the servers of a customer in Worry-Free"
  before=$(last_request wfbss)
  http PATCH "$control/wfbss/state" '{"set": {"customer": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "group": "Server (Default)",
    "os": "win", "path": "/behavior_monitoring/enabled", "value": 0}}' || failed "the double refused the change by hand"
  until_true "behavior monitoring is off" monitoring_is 0
  look_now behavior-monitoring-servers
  until_true "behavior monitoring is on again" monitoring_is 1
  printf '  sent for it, to this customer and group alone:\n'
  sent_since wfbss "${before:-0}"
}

# The id that the system gave the object of an assignment.
object_of() {
  kubectl get policyassignment "$1" --namespace "$namespace" -o jsonpath='{.status.objects[0].id}'
}

step_drift_symphony() {
  explain "Somebody turns a blocking policy into a warning in Symphony's portal"
  http PATCH "$control/symphony/state" "{\"editPolicies\": [{\"policy\": \"$(object_of card-numbers)\", \"type\": \"Warn\"}]}" ||
    failed "the double refused the change by hand"
  until_true "it only warns" card_numbers_are Warn
  look_now card-numbers
  until_true "it blocks again" card_numbers_are Block
}

step_deploy_tachyon() {
  explain "What kiosks hold in Tachyon, which knows only deployments of the whole server"
  until_true "kiosks hold the USB rule, deployed" kiosks_hold_usb_rule
  explain "Somebody takes the kiosks out of the policy, and deploys"
  http PATCH "$control/tachyon/state" '{"editPolicies": [{"policy": "USB lockdown", "removeGroups": ["Kiosks"]}], "deploy": true}' ||
    failed "the double refused the change by hand"
  until_true "kiosks hold nothing of it" kiosks_hold_nothing
  look_now usb-lockdown-kiosks
  until_true "they are back in, and it is deployed to them" kiosks_hold_usb_rule
}

step_union() {
  explain "One policy in App Shield, two assignments: one goes, its people go from the list, the policy stays"
  until_true "App Shield filters the rows of one user, too" rows_reach_users '["'
  show kubectl delete policyassignment rows-by-country-mara --namespace "$namespace" --timeout=60s ||
    failed "the deletion did not finish"
  until_true "it filters nobody by name any more" rows_reach_users '[]'
  show kubectl get policyassignment rows-by-country-sales --namespace "$namespace" \
    -o 'jsonpath={range .status.conditions[?(@.type=="InSync")]}  InSync={.status} {.reason}: {.message}{"\n"}{end}'
}

# Of an assignment: whether a task is under way, by its condition Ready.
tells_of_a_task() {
  [[ $(ready_reason "$1") == Task* ]]
}
ready_reason() {
  kubectl get policyassignment "$1" --namespace "$namespace" \
    -o jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'
}

step_task() {
  explain "Worry-Free may do its work later: with execution Async a write becomes a task, and conditions tell of it"
  http PATCH "$control/wfbss/state" '{"options": {"taskStartMs": 2000, "taskFinishMs": 6000}}' ||
    failed "the double refused to work slowly"
  show kubectl patch backend wfbss --namespace "$namespace" --type merge -p '{"spec": {"system": {"wfbss": {"execution": "Async"}}}}' ||
    failed "the change of the Backend was refused"
  show kubectl patch policy behavior-monitoring --namespace "$namespace" --type json \
    -p '[{"op": "add", "path": "/spec/content/wfbss/documents/0/settings/wtp", "value": {"level": 3}}]' ||
    failed "the edit was refused"
  until_true "the assignment tells of a task" tells_of_a_task behavior-monitoring-servers
  show kubectl get policyassignment behavior-monitoring-servers --namespace "$namespace" \
    -o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}  Ready={.status} {.reason}: {.message}{"\n"}{end}'
  until_true "the task is done, the settings were read back, the assignment is Ready for this edit" \
    ready_for_policy behavior-monitoring-servers behavior-monitoring
}

step_delete() {
  explain "A deletion is released: the policy goes from WSO2, then the object from the cluster"
  show kubectl delete policyassignment phone-baseline-engineers --namespace "$namespace" --timeout=60s ||
    failed "the deletion did not finish"
  until_true "WSO2 no longer holds the policy" not_in_wso2
}

steps() {
  step_edit
  step_drift_wso2
  step_drift_wfbss
  step_drift_symphony
  step_deploy_tachyon
  step_union
  step_task
  step_delete
}
