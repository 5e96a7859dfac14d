-- Away rather than false: what Git does not name is then no difference.
obj.spec.suspend = nil
return obj
