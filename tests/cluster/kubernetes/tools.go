//go:build tools

// Package cluster names the Kubernetes programs that the cluster tests run, so that go.mod and go.sum hold exactly
// what these need. Kubernetes cannot be had by `go install`: its go.mod replaces its own libraries by folders.
package cluster

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
