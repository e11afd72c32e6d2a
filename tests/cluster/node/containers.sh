# shellcheck shell=bash disable=SC2154 # what is not set here, the sourcing script has set
# Sourced by start. containerd, the containers' network, and the images that are there from the beginning.

containerd_socket="$run/containerd/socket"

start_containerd() {
    mkdir -p "$run/containerd" "$run/cni" "$run/certs.d/registry.registry.svc:5000"
    cat >"$run/containerd/config.toml" <<TOML
version = 2
root = "$run/containerd/root"
state = "/run/containerd"
[grpc]
address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
# In a container whose root may not lower its score (CAP_SYS_RESOURCE), no container would start.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$run/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "$run/certs.d"
TOML
    # Images may be named by a Service of the cluster. The node resolves such names, as its pods do.
    cat >"$run/certs.d/registry.registry.svc:5000/hosts.toml" <<TOML
[host."http://registry.registry.svc.cluster.local:5000"]
capabilities = ["pull", "resolve"]
TOML
    # hairpinMode: a pod reaches itself through its Service.
    cat >"$run/cni/10-bridge.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
      "ipam": {"type": "host-local", "subnet": "$pods", "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
JSON
    daemon containerd containerd --config "$run/containerd/config.toml"
}

in_containerd() { ctr --address "$containerd_socket" --namespace k8s.io "$@"; }

import_images() {
    local image
    eventually "containerd" in_containerd version
    for image in "$run"/images/*; do
        in_containerd images import "$image" >>"$run/log/images" 2>&1 || give_up "$image cannot be imported" images
    done
}
