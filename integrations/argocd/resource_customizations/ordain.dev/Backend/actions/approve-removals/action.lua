if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
if obj.metadata.annotations["ordain.dev/approve-removals"] ~= nil then
  error("an approval stands there already, taken or spent: run withdraw-approval first", 0)
end
local held
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Held" and condition.status == "True" then
    held = condition.message
  end
end
if held == nil then
  error("no removals are held", 0)
end
-- Only what was shown: another number would lie there and let through what comes to it some day. There are no string
-- functions here; a text that begins with `shown` is not below it and is below `shown` with the highest byte after it.
local count = (actionParams or {})["count"]
local shown = tostring(count) .. " removals are waiting "
if tostring(count) == "1" then
  shown = "1 removal is waiting "
end
if count == nil or held < shown or held >= shown .. "\255" then
  error("parameter count is not the number of removals that are held. " .. held, 0)
end
obj.metadata.annotations["ordain.dev/approve-removals"] = count
return obj
