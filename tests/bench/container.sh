# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For what measures the lab's system on this machine's own CPUs: systemd-nspawn boots it, with this kernel and this
# /dev/kvm. It has no vhost and no cgroup controllers unless this machine offers them; guests are bare-metal payloads,
# which run where KVM has no hardware behind it, too. As root. Whoever reads this has read tests/lab/common.sh.

# in_container DIRECTORY BUILD COMMAND FILE:PATH… : boots the lab's root file system, a copy of it, with the Volt of
# BUILD (empty: made, as for the lab) and these files in it, and runs the command there. What it says comes when it has
# ended; its /lab/results are DIRECTORY/results then.
in_container() {
    local work=$1 build=$2 command=$3 root mount=$1/root file
    shift 3
    need systemd-container mount meson ninja-build gcc libc6-dev
    [[ -c /dev/kvm ]] || die 'there is no /dev/kvm'
    { read -r root; } < <("$lab/build")
    cp --sparse=always "$root/root.ext4" "$work/root.ext4"
    mkdir "$mount"
    mount -o loop "$work/root.ext4" "$mount"
    trap 'umount "$work/root" 2>/dev/null; rm -rf "$work"' EXIT
    container_install "$build" "$mount"
    for file; do
        mkdir -p "$mount/$(dirname "${file#*:}")"
        cp "${file%%:*}" "$mount/${file#*:}"
    done
    printf '%s\n' "$command" >"$mount/lab/script"
    printf '%s\n' '[Unit]' After=systemd-networkd.service After=dbus.service '[Service]' Type=oneshot TimeoutStartSec=infinity \
        'ExecStart=/bin/bash /lab/script' 'ExecStopPost=/bin/sh -c "systemctl --no-block poweroff >/dev/null 2>&1"' \
        StandardOutput=append:/lab/output StandardError=append:/lab/output >"$mount/etc/systemd/system/lab-run.service"
    # udevd wants a /sys that can be written to, networkd wants udevd.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 \
        timeout --kill-after=5 "$limit" systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$mount" \
        --private-network --bind=/dev/kvm --bind=/dev/net/tun --capability=all --system-call-filter='@known bpf' \
        </dev/null >"$work/console" 2>&1 || { tail --lines=30 "$work/console" >&2 && die 'the container failed'; }
    cat "$mount/lab/output"
    cp -r "$mount/lab/results" "$work/results"
}

# container_install BUILD ROOT
container_install() {
    local build=$1 payloads=$out/payloads
    if [[ -z $build ]]; then
        build=$out/volt
        [[ -f $build/build.ninja ]] || meson setup -Dtests=false "$build" "$top" >/dev/null
        ninja -C "$build" >/dev/null
    fi
    [[ -f $payloads/build.ninja ]] || meson setup "$payloads" "$top" >/dev/null
    ninja -C "$payloads" tests/guest/guest-exits >/dev/null
    meson install -C "$build" --no-rebuild --quiet --destdir "$2" >/dev/null
    mkdir -p "$2/lab/guest/tests/guest"
    cp "$payloads/tests/guest/guest-exits" "$2/lab/guest/tests/guest/"
    cp "$lab/lib.sh" "$2/lab/"
}
