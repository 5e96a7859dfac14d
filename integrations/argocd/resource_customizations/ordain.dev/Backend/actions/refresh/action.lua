if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- Any new value is a new request. Each write of the object, this one too, makes a new resourceVersion.
obj.metadata.annotations["ordain.dev/reconcile-requested-at"] = "argocd-" .. obj.metadata.resourceVersion
return obj
