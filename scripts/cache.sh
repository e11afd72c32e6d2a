# shellcheck shell=bash
# Sourced by the other scripts: what tests need from elsewhere is kept in one folder outside the clone.
cache="${REGISTRY_RETENTION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/registry-retention}"
mkdir -p "$cache/bin"

# Ends the script with what went wrong and what a person can do about it.
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# fetch_deb PACKAGE FOLDER: unpacks a Debian package into a folder; nothing gets installed on the machine.
# The package lists are updated once, if the package is not known or its file is gone from the archive.
fetch_deb() {
    local package=$1 folder=$2
    command -v apt-get >/dev/null || return 1
    local download=(apt-get -qq -o "APT::Sandbox::User=$(id -un)" download "$package")
    local unpacked
    unpacked=$(mktemp -d -p "$cache") && (
        cd "$unpacked" || exit
        { "${download[@]}" 2>/dev/null || { apt-get -qq update >&2 && "${download[@]}" >&2; }; } &&
            dpkg -x ./*.deb "$folder"
    ) && rm -rf "$unpacked"
}
