# shellcheck shell=bash disable=SC2154 # what is not set here, the sourcing script has set
# Sourced by scripts/cluster. Images made of files, without a builder and without a registry, kept in $cache/images.
# Their names have a fixed tag and the host part `localhost`: no kubelet ever asks a registry for them.

node="$cache/node"

# Adds its input to the layout that is being made, and prints how a descriptor names it.
add_blob() {
    local digest
    cat >"$layout/blob"
    digest=$(sha256sum <"$layout/blob" | cut -d ' ' -f 1)
    printf '"digest": "sha256:%s", "size": %d' "$digest" "$(stat --format %s "$layout/blob")"
    mv "$layout/blob" "$layout/blobs/sha256/$digest"
}

# archive NAME CONFIG FOLDER FILE: the image localhost/NAME of one layer, as an OCI archive. CONFIG is JSON.
archive() {
    local name="localhost/$1" config=$2 folder=$3 file=$4 layout layer digest manifest types=application/vnd.oci.image
    layout=$(mktemp -d -p "$cache")
    mkdir -p "$layout/blobs/sha256"
    layer=$(tar -c --directory "$folder" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner . | add_blob)
    digest=${layer#*: }
    config=$(add_blob <<<"{\"architecture\": \"$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')\", \"os\": \"linux\",
        \"config\": $config, \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [${digest%%,*}]}}")
    manifest=$(add_blob <<<"{\"schemaVersion\": 2, \"mediaType\": \"$types.manifest.v1+json\",
        \"config\": {\"mediaType\": \"$types.config.v1+json\", $config},
        \"layers\": [{\"mediaType\": \"$types.layer.v1.tar\", $layer}]}")
    echo '{"imageLayoutVersion": "1.0.0"}' >"$layout/oci-layout"
    cat >"$layout/index.json" <<<"{\"schemaVersion\": 2, \"manifests\": [
        {\"mediaType\": \"$types.manifest.v1+json\", $manifest, \"annotations\":
            {\"io.containerd.image.name\": \"$name\", \"org.opencontainers.image.ref.name\": \"$name\"}}]}"
    tar -c --directory "$layout" --file "$file.new" .
    mv "$file.new" "$file"
    rm -rf "$layout"
}

# What an image's first process is, and what it is given.
config() { printf '{"Env": ["PATH=/usr/bin:/bin"], "Entrypoint": %s, "Cmd": %s}' "$@"; }

add_busybox() {
    mkdir -p "$1"/{bin,tmp,etc}
    chmod 1777 "$1/tmp"
    cp "$node/usr/bin/busybox" "$1/bin/"
    local applet
    for applet in $("$node/usr/bin/busybox" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$1/bin/$applet"
    done
}

pause_image() {
    cp "$node/usr/bin/catatonit" "$1/pause"
    archive pause:1 "$(config '["/pause", "-P"]' null)" "$@"
}

busybox_image() {
    add_busybox "$1"
    archive busybox:1 "$(config null '["sh"]')" "$@"
}

# registry_image VERSION CONFIG FOLDER FILE: as the official images: /bin/registry, a shell, entry point, configuration.
registry_image() {
    local version=$1 configuration=$2 root=$3 file=$4 library
    add_busybox "$root"
    mkdir -p "$root${configuration%/*}" "$root/var/lib/registry"
    cp "$cache/bin/registry-$version" "$root/bin/registry"
    # Debian's 2.8 is linked against libc.
    for library in "$node"/lib*/ld-linux-*.so.* "$node"/lib/*-linux-gnu/libc.so.6; do
        mkdir -p "$(dirname "$root${library#"$node"}")"
        cp --dereference "$library" "$root${library#"$node"}"
    done
    cp "$here/../tests/cluster/node/registry-entrypoint.sh" "$root/entrypoint.sh"
    cp "$here/../tests/cluster/node/registry-config.yml" "$root$configuration"
    archive "registry:$version" "$(config '["/entrypoint.sh"]' "[\"$configuration\"]")" "$root" "$file"
}

# cached NAME COMMAND...: prints the path of the image in the cache. COMMAND FOLDER FILE makes it, if what it is made of
# has changed since.
cached() {
    local name=$1 key file folder
    shift
    key=$({ cat "$cache/node/.made-by" "$here"/../tests/cluster/node/{images.sh,registry-*} &&
        stat --format '%s %Y' "$cache"/bin/registry-*; } | sha256sum | cut -c 1-16)
    file="$cache/images/$name-$key.tar"
    if [[ ! -e $file ]]; then
        mkdir -p "$cache/images"
        rm -f "$cache/images/$name"-*.tar
        folder=$(mktemp -d -p "$cache")
        chmod 755 "$folder"
        "$@" "$folder" "$file"
        rm -rf "$folder"
    fi
    echo "$file"
}

# The paths of all images that every cluster has.
standard_images() {
    cached pause pause_image
    cached busybox busybox_image
    cached registry-2.8 registry_image 2.8 /etc/docker/registry/config.yml
    cached registry-3.1 registry_image 3.1 /etc/distribution/config.yml
}
