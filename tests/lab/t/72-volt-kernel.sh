# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# needs --debian
# The Volt guest kernel, as `volt-kernel build` makes it: all devices without a module, and a whole Debian without
# an initrd. It takes minutes to build, so it comes along by
#   tests/lab/test --file /var/lib/volt/kernels/volt-6.1/vmlinux:/lab/volt-kernel 72-volt-kernel
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=72727272-0000-4000-8000-000000000072
kernel=/lab/volt-kernel

in_guest() { debian_ssh 10.42.0.72 "$1" -o ConnectTimeout=60; }

# The kernel sets the address itself, by ip= on its command line; systemd takes the credentials from SMBIOS.
test_debian_13_without_an_initrd() { # limit 1200 s
    local said begin
    needs_debian
    [[ -e $kernel ]] || skip 'needs --file VMLINUX:/lab/volt-kernel, made by volt-kernel build'
    said=$(volt-kernel add volt $kernel 2>&1) || fail "$said"
    ! [[ $said =~ lacks|without ]] || fail "$said"
    vm_without_restart "$uuid"
    debian_ini "$uuid" 72 kernel=volt initrd='' rng=yes readiness=guest
    printf '\n[balloon]\n' >>/etc/volt/vms/debian.ini
    begin=$EPOCHREALTIME
    assert vm_start "$uuid"
    figures "ready after $(since "$begin") s"
    assert ping -c 2 -W 5 10.42.0.72
    mapfile -t said < <(in_guest 'systemctl is-active multi-user.target; uname -r; hostname
        systemctl --failed --no-legend | xargs; findmnt --noheadings --output FSTYPE,SOURCE /
        ls /sys/bus/virtio/drivers | xargs; for d in /sys/bus/virtio/devices/*; do basename "$(readlink "$d/driver")"; done | sort | xargs
        cat /sys/class/misc/hw_random/rng_current; test -d /lib/modules/$(uname -r) || echo none
        stat --format=%t:%T /dev/hvc0 /dev/vsock | xargs; stat -fc %T /sys/fs/cgroup; systemd-detect-virt')
    printf '# figures: %s\n' "${said[@]}"
    assert_equal active "${said[0]:-}" 'multi-user.target'
    assert_match '-volt$' "${said[1]}" 'its kernel'
    assert_equal web-72 "${said[2]}" 'its name, by a credential'
    assert_equal '' "${said[3]}" 'failed units in the guest'
    assert_match '^ext4 +/dev/vda$' "${said[4]}" 'its root file system'
    assert_equal 'virtio_balloon virtio_blk virtio_console virtio_net virtio_rng vmw_vsock_virtio_transport' "${said[6]}" \
        'devices with a driver'
    assert_match '^virtio_rng' "${said[7]}" 'where randomness comes from'
    assert_equal none "${said[8]}" 'modules'
    assert_equal cgroup2fs "${said[10]}" 'control groups'
    assert_equal kvm "${said[11]}" 'virtualisation, by SMBIOS and CPUID'
    begin=$EPOCHREALTIME
    assert vm_stop "$uuid"
    figures "powered off by the button after $(since "$begin") s"
    assert_equal success "$(vm_property "$uuid" Result)"
    nothing_left "$uuid"
}
