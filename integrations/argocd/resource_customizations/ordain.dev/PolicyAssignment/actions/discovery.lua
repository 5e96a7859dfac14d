local deleting = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true
local held = false
for _, finalizer in ipairs(obj.metadata.finalizers or {}) do
  held = held or finalizer == "ordain.dev/release"
end

local actions = {}
actions["refresh"] = {
  ["disabled"] = false,
  ["displayName"] = "Refresh: read the system again",
  ["iconClass"] = "fa fa-fw fa-redo",
}
actions["suspend"] = {
  ["disabled"] = suspended or deleting,
  ["displayName"] = "Suspend: write nothing",
  ["iconClass"] = "fa fa-fw fa-pause-circle",
}
actions["resume"] = {
  ["disabled"] = not suspended,
  ["displayName"] = "Resume",
  ["iconClass"] = "fa fa-fw fa-play-circle",
}
actions["release"] = {
  ["disabled"] = not (deleting and held) or obj.spec.releasePolicy == "Orphan",
  ["displayName"] = "Release: finish the deletion, leave the system as it is",
  ["iconClass"] = "fa fa-fw fa-unlink",
}
return actions
