local deleting = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true
local annotations = obj.metadata.annotations or {}
local approved = annotations["ordain.dev/approve-removals"] ~= nil
local held = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  held = held or (condition.type == "Held" and condition.status == "True")
end

local actions = {}
actions["refresh"] = {
  ["disabled"] = suspended,
  ["displayName"] = "Refresh: read the system and the credentials again",
  ["iconClass"] = "fa fa-fw fa-redo",
}
actions["suspend"] = {
  ["disabled"] = suspended or deleting,
  ["displayName"] = "Suspend: no call to the system",
  ["iconClass"] = "fa fa-fw fa-pause-circle",
}
actions["resume"] = {
  ["disabled"] = not suspended,
  ["displayName"] = "Resume",
  ["iconClass"] = "fa fa-fw fa-play-circle",
}
actions["approve-removals"] = {
  ["disabled"] = not held or suspended or approved,
  ["displayName"] = "Approve removals: the number that the health message tells",
  ["iconClass"] = "fa fa-fw fa-check-circle",
  ["params"] = {
    {
      ["name"] = "count",
    },
  },
}
-- A number that was approved stays there when it is spent, and counts no second time.
actions["withdraw-approval"] = {
  ["disabled"] = not approved,
  ["displayName"] = "Withdraw or clear away an approval",
  ["iconClass"] = "fa fa-fw fa-times-circle",
}
return actions
