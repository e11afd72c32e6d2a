# shellcheck shell=bash disable=SC2154 # what is not set here, the sourcing script has set
# Sourced by start. Kubernetes' own programs, and what else a cluster has: its store and its names.

start_etcd() {
    # Nothing here must survive the machine, so nothing waits for the disk.
    daemon etcd etcd --data-dir "$run/etcd" --unsafe-no-fsync \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379
}

start_apiserver() {
    daemon kube-apiserver kube-apiserver \
        --etcd-servers http://127.0.0.1:2379 --secure-port 6443 --advertise-address "$address" --cert-dir "$pki" \
        --service-cluster-ip-range "$services" --allow-privileged \
        --tls-cert-file "$pki/kube-apiserver.crt" --tls-private-key-file "$pki/kube-apiserver.key" \
        --client-ca-file "$pki/ca.crt" \
        --kubelet-client-certificate "$pki/admin.crt" --kubelet-client-key "$pki/admin.key" \
        --kubelet-preferred-address-types InternalIP \
        --service-account-issuer https://kubernetes.default.svc \
        --service-account-signing-key-file "$pki/service-accounts.key" \
        --service-account-key-file "$pki/service-accounts.pub" \
        --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction
}

start_controllers() {
    # pvclaimbinder: a claim that comes together with its volume is bound at the next look, by default 15 s later.
    daemon kube-controller-manager kube-controller-manager \
        --kubeconfig "$pki/kube-controller-manager.conf" --cert-dir "$pki" --leader-elect=false \
        --service-account-private-key-file "$pki/service-accounts.key" --root-ca-file "$pki/ca.crt" \
        --use-service-account-credentials --cluster-cidr "$pods" --pvclaimbinder-sync-period 1s
    daemon kube-scheduler kube-scheduler \
        --kubeconfig "$pki/kube-scheduler.conf" --cert-dir "$pki" --leader-elect=false
}

start_kubelet() {
    mkdir -p "$run/kubelet"
    # Nothing is evicted and no image is removed: those that were imported could not be had again.
    cat >"$run/kubelet/config.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$containerd_socket
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
clusterDNS: [$address]
clusterDomain: cluster.local
resolvConf: ""
# Quicker than in production, for tests wait for it.
syncFrequency: 5s
nodeStatusUpdateFrequency: 5s
YAML
    daemon kubelet kubelet --config "$run/kubelet/config.yaml" --kubeconfig "$pki/kubelet.conf" \
        --hostname-override node0 --node-ip "$address" --root-dir "$run/kubelet" --cert-dir "$pki"
}

start_proxy() {
    # maxPerCore: the limit on tracked connections is the whole machine's.
    cat >"$run/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $pki/kube-proxy.conf}
mode: iptables
hostnameOverride: node0
bindAddress: $address
clusterCIDR: $pods
conntrack: {maxPerCore: 0}
YAML
    daemon kube-proxy kube-proxy --config "$run/kube-proxy.yaml"
}

start_dns() {
    cat >"$run/Corefile" <<COREFILE
.:53 {
    bind $address
    errors
    kubernetes cluster.local {
        kubeconfig $run/admin.conf
        ttl 5
    }
}
COREFILE
    daemon coredns coredns -conf "$run/Corefile"
}
