# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The lab itself has what the other tests rely on.
# shellcheck source=../lib.sh
. /lab/lib.sh

test_systemd_is_up_and_nothing_failed() {
    assert_equal systemd "$(cat /proc/1/comm)"
    assert_equal running "$(systemctl is-system-running --wait)"
}

test_networkd_answers() {
    assert networkctl list
}

test_kvm_runs() {
    local modules
    assert test -r /dev/kvm -a -w /dev/kvm
    modules=$(lsmod)
    assert_match 'kvm_(amd|intel)' "$modules"
    assert_equal 1 "$(find "/proc/$(systemctl show --value -p MainPID lab-vm)/fd" -lname 'anon_inode:kvm-vm' | wc -l)" 'VMs held'
}

test_vhost_net_and_tun_are_there() {
    assert test -c /dev/vhost-net -a -c /dev/net/tun
    assert ip tuntap add dev lab-tap mode tap
    assert ip link delete lab-tap
}

test_landlock_is_active() {
    assert grep -qw landlock /sys/kernel/security/lsm
}

test_cgroups_limit_memory_and_tasks() {
    assert_match '(^| )memory( |$)' "$(cat /sys/fs/cgroup/cgroup.controllers)"
    assert_match '(^| )pids( |$)' "$(cat /sys/fs/cgroup/cgroup.controllers)"
}

test_guest_kernels_and_initrd_are_there() {
    assert_equal $'\x7fELF' "$(head --bytes=4 /var/lib/volt/kernels/debian-12/vmlinux)"
    assert test -s "$guest_bzimage" -a -s "$guest_initrd"
}

test_volt_is_installed() {
    assert test -x /usr/lib/volt/volt-vmm -a -x /usr/lib/volt/volt-net -a -x /usr/lib/volt/volt-open
    assert systemctl cat volt-vm@.service
    assert test -d /etc/volt/vms
}
