-- One file for all kinds of ordain.dev, the same in each folder. Every status has Ready, which is True only after the
-- system was read; Stalled is listed only while somebody must act, Reconciling only while work goes on. The reasons are
-- in docs/reference/reasons.md of Ordain. A status, and each of its conditions, speaks of an observedGeneration.
local generation = obj.metadata.generation
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is_true(type)
  local condition = conditions[type]
  return condition ~= nil and condition.status == "True" and condition.observedGeneration == generation
end

local ready = conditions["Ready"]
local answered = status.observedGeneration == generation and ready ~= nil and ready.observedGeneration == generation
local told
if answered then
  -- While something is deleted, Ready only says Terminating.
  local speaks = is_true("Stalled") and conditions["Stalled"] or is_true("Reconciling") and conditions["Reconciling"] or ready
  told = speaks.reason .. ": " .. (speaks.message or "")
else
  told = "Ordain has not answered for generation " .. tostring(generation) .. " yet. Where work takes longer it says so"
    .. " after half a minute; if nothing comes, the operator is down or does not watch this object:"
    .. " kubectl get pods -A -l app.kubernetes.io/name=ordain"
end

-- Why each of our finalizers is there, and the way out.
local finalizers = {
  ["ordain.dev/release"] = "Taken off by hand, what this assignment put into the system would stay there unknown."
    .. " To leave it there on purpose: action release; where the operator is gone for good:"
    .. " ordain release " .. (obj.metadata.namespace or "") .. "/" .. obj.metadata.name,
  ["ordain.dev/in-use"] = "Assignments need it to be released: delete them, or let go of them, first.",
}

local hs = {}
if obj.metadata.deletionTimestamp ~= nil then
  hs.status = is_true("Stalled") and "Degraded" or "Progressing"
  for _, finalizer in ipairs(obj.metadata.finalizers or {}) do
    if finalizers[finalizer] ~= nil then
      hs.deletionMessage = told .. " [" .. finalizer .. "] " .. finalizers[finalizer]
    end
  end
  -- Without one of our finalizers Argo CD names those that hold it.
  return hs
end

hs.message = told
if not answered then
  hs.status = "Progressing"
elseif is_true("Stalled") then
  hs.status = "Degraded"
elseif ready.reason == "Suspended" or ready.reason == "HeldByGuard" then
  -- Nothing goes on until somebody resumes it, or approves.
  hs.status = "Suspended"
elseif ready.status == "True" and not is_true("Reconciling") then
  hs.status = "Healthy"
  -- A backend that works can still hold something back. It stays healthy, since additions go on, and a commit that
  -- takes the removals back must not wait for their approval.
  for _, type in ipairs({"Held", "PendingDeployment"}) do
    if is_true(type) then
      hs.message = hs.message .. " " .. type .. ": " .. (conditions[type].message or "")
    end
  end
else
  hs.status = "Progressing"
end
return hs
