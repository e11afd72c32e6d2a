# shellcheck shell=bash disable=SC2154 # what is not set here, the sourcing script has set
# Sourced by scripts/cluster. Everything of a cluster is in a control group of its own, named $group, whose root is the
# root of all groups to what runs in there. So two kubelets never see each other's, and `down` finds every process.

# Where control groups are mounted: several places with cgroup v1, one with v2.
hierarchies() {
    awk '$3 == "cgroup" { print $2; found = 1 } $3 == "cgroup2" { v2 = $2 } END { if (!found) print v2 }' /proc/self/mounts
}

make_group() {
    local hierarchy file
    for hierarchy in $(hierarchies); do
        mkdir -p "$hierarchy/$group"
        # With v1, a new group has no processor and no memory node until it is given some.
        for file in cpuset.cpus cpuset.mems; do
            [[ -e $hierarchy/cgroup.controllers || ! -e $hierarchy/$file ]] || cat "$hierarchy/$file" >"$hierarchy/$group/$file"
        done
    done
}

# Puts the calling shell into the group: with v2, once there are groups below, into the one for the daemons.
join_group() {
    local hierarchy
    for hierarchy in $(hierarchies); do
        if [[ -e $hierarchy/$group/daemons ]]; then
            echo "$BASHPID" >"$hierarchy/$group/daemons/cgroup.procs"
        else
            echo "$BASHPID" >"$hierarchy/$group/cgroup.procs"
        fi
    done
}

# With v2, a group that hands its controllers down may hold no process itself.
hand_down_controllers() {
    local hierarchy pid controller
    hierarchy=$(hierarchies)
    [[ -e $hierarchy/cgroup.controllers ]] || return 0
    mkdir "$hierarchy/$group/daemons"
    while read -r pid; do
        echo "$pid" >"$hierarchy/$group/daemons/cgroup.procs"
    done <"$hierarchy/$group/cgroup.procs"
    for controller in $(<"$hierarchy/cgroup.controllers"); do
        # What the machine does not hand down is not missed, or the kubelet says so.
        { echo "+$controller" >"$hierarchy/cgroup.subtree_control" &&
            echo "+$controller" >"$hierarchy/$group/cgroup.subtree_control"; } 2>/dev/null || true
    done
}

# The processes of the group and of those below it, by the host's numbers.
processes() {
    local hierarchy
    hierarchy=$(hierarchies | head -n 1)
    [[ ! -d $hierarchy/$group ]] || find "$hierarchy/$group" -name cgroup.procs -exec cat {} + 2>/dev/null
}

# Ends whatever is in the group and removes it; false if something does not end within ten seconds.
remove_group() {
    local hierarchy attempt left first
    # With the first process of a namespace everything in it ends; its parent, outside of it, then ends by itself.
    first=$(cat "$run/ns.pid" 2>/dev/null) && processes | grep --quiet --line-regexp "$first" && kill -KILL "$first"
    for attempt in {1..200}; do
        left=$(processes)
        [[ -n $left ]] || break
        # Unless it was a starter that was killed before there was a first process.
        # shellcheck disable=SC2086 # one argument for each process
        ((attempt < 20)) || kill -KILL $left 2>/dev/null || true
        sleep 0.05
    done
    for hierarchy in $(hierarchies); do
        [[ ! -d $hierarchy/$group ]] || find "$hierarchy/$group" -depth -type d -exec rmdir {} + || return
    done
}
