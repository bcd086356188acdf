# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lab's commands on the host share: where things lie, and which packages they need.

lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$lab/../.." && pwd)
# shellcheck disable=SC2034 # for those who read this file
out=$top/build/lab

say() { printf 'lab: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 125
}

# need PACKAGE… : installs those of the Debian packages that are missing.
need() {
    local package missing=()
    for package; do
        [[ $(dpkg-query -Wf '${Status}' "$package" 2>/dev/null) == 'install ok installed' ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || die "these Debian packages are needed: ${missing[*]}"
    say "installing ${missing[*]}"
    have_lists
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "${missing[@]}" </dev/null >/dev/null
}

# The names and versions of packages come from apt's lists; a fresh machine may have none yet.
have_lists() {
    [[ -n $(apt-cache policy linux-image-cloud-amd64) ]] || apt-get update -qq </dev/null
}

# Whether KVM here runs ordinary Linux guests that use KVM in their turn. A /dev/kvm alone does
# not tell: some hosts offer one that has no virtualisation hardware behind it.
nested_kvm_works() {
    local vendor
    [[ -r /dev/kvm && -w /dev/kvm ]] || return 1
    grep -qwE 'vmx|svm' /proc/cpuinfo || return 1
    [[ -d /sys/module/kvm_pvm ]] && return 1
    for vendor in intel amd; do
        [[ $(cat "/sys/module/kvm_$vendor/parameters/nested" 2>/dev/null) == [Y1] ]] && return 0
    done
    return 1
}
