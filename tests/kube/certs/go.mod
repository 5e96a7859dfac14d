// Certificates and keys for a throw-away control plane; the standard library only.
module ordain.dev/tests/kube/certs

go 1.26.0
