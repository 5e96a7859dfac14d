-- Argo CD runs an action that discovery disables, too, when it is asked by name.
if obj.metadata.deletionTimestamp == nil then
  error("release is for an assignment that is being deleted", 0)
end
-- Letting go of things where they are never needs the system.
obj.spec.releasePolicy = "Orphan"
return obj
