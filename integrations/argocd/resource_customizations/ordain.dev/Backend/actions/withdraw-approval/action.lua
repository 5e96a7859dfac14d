if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["ordain.dev/approve-removals"] = nil
end
return obj
