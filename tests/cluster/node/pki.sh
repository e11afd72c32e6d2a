# shellcheck shell=bash disable=SC2154 # what is not set here, the sourcing script has set
# Sourced by start. The cluster's certificates and kubeconfigs, in $run/pki and $run/admin.conf.

pki="$run/pki"

# certify NAME SUBJECT [EXTENSION...]: a key, and a certificate of the cluster's authority.
certify() {
    local name=$1 subject=$2 extension options=()
    shift 2
    for extension; do
        options+=(-addext "$extension")
    done
    # A certificate without any extension is of version 1, which Rust's TLS refuses.
    [[ $name == ca ]] || options+=(-CA "$pki/ca.crt" -CAkey "$pki/ca.key" -addext keyUsage=critical,digitalSignature)
    # Elliptic curves: RSA keys take seconds.
    openssl req -x509 -days 3650 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$pki/openssl.cnf" \
        -subj "$subject" -keyout "$pki/$name.key" -out "$pki/$name.crt" "${options[@]}" 2>>"$run/log/openssl"
}

# kubeconfig NAME: prints the access of who has the certificate NAME.
kubeconfig() {
    local encode=(base64 --wrap=0)
    cat <<YAML
apiVersion: v1
kind: Config
current-context: cluster
contexts: [{name: cluster, context: {cluster: cluster, user: $1}}]
clusters:
- name: cluster
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: $("${encode[@]}" "$pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $("${encode[@]}" "$pki/$1.crt")
    client-key-data: $("${encode[@]}" "$pki/$1.key")
YAML
}

make_certificates() {
    mkdir -p "$pki"
    printf '[req]\ndistinguished_name = name\n[name]\n' >"$pki/openssl.cnf"
    certify ca /CN=cluster basicConstraints=critical,CA:true
    certify kube-apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:$address,IP:10.96.0.1,DNS:localhost,\
DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certify admin /O=system:masters/CN=admin
    certify kubelet /O=system:nodes/CN=system:node:node0 "subjectAltName=IP:$address,DNS:node0"
    certify kube-controller-manager /CN=system:kube-controller-manager
    certify kube-scheduler /CN=system:kube-scheduler
    certify kube-proxy /CN=system:kube-proxy
    openssl ecparam -genkey -name prime256v1 -noout -out "$pki/service-accounts.key"
    openssl ec -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2>>"$run/log/openssl"

    local name
    for name in kubelet kube-{controller-manager,scheduler,proxy}; do
        kubeconfig "$name" >"$pki/$name.conf"
    done
    kubeconfig admin >"$run/admin.conf"
}
