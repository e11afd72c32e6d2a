# shellcheck shell=bash
# Sourced by what runs in a mount namespace of its own and is to see the node's root filesystem instead of the host's.

# enter_root NODE CHANGES BIND...: makes the filesystem at NODE the root of this mount namespace. NODE itself stays as
# it is: whatever gets written goes to the folder CHANGES. Each BIND is a path of the host that is there as well.
enter_root() {
    local node=$1 changes=$2 root="$2/root" path
    shift 2
    mkdir -p "$changes"/{upper,work,root}
    mount -t overlay -o "lowerdir=$node,upperdir=$changes/upper,workdir=$changes/work" node "$root" ||
        { echo "no overlay can be mounted at $changes: its filesystem must be a plain one (ext4, xfs, …)" >&2 && return 1; }
    mount -t proc proc "$root/proc"
    # A new one shows the interfaces of this network namespace.
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    for path; do
        mkdir -p "$root$path"
        mount --bind "$path" "$root$path"
    done

    # The old root lies below the new one for a moment, then nothing of the host is in sight.
    mkdir -p "$root/run/host"
    pivot_root "$root" "$root/run/host"
    cd /
    umount --lazy /run/host
    rmdir /run/host
}
