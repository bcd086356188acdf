# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What a person is told when a VM cannot be started, in one line of `systemctl status`.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5c5c5c5c-0000-4000-8000-000000000050
service=$(unit "$uuid")

# refused REGEX : the VM does not start, and systemctl status says this.
refused() {
    systemctl daemon-reload
    assert_fails systemctl start "$service"
    assert_match "$1" "$(systemctl status "$service" 2>&1)"
}

test_an_unknown_uuid_is_named_with_the_directory() {
    refused "no VM has the UUID $uuid.*/etc/volt/vms"
}

test_a_mistyped_key_gets_file_line_and_suggestion() {
    vm_ini web "$uuid"
    echo 'vcpu = 2' >/etc/volt/vms/web.ini.tmp
    printf '[vm]\nuuid = %s\nkernel = debian-12\nmemory_mib = 256\nvcpu = 2\n' "$uuid" >/etc/volt/vms/web.ini
    rm /etc/volt/vms/web.ini.tmp
    refused 'web.ini:5: .*vcpu.*vcpus'
    assert_equal 78 "$(vm_property "$uuid" ExecMainStatus)" 'exit status'
}

test_a_bad_file_does_not_touch_the_others() {
    printf 'this is no INI file\n' >/etc/volt/vms/bad.ini
    vm_ini web "$uuid"
    assert vm_start "$uuid"
    wait_ready "$uuid"
}

test_a_missing_disk_is_named() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid"
    printf '[disk root]\npath = /var/lib/volt/nosuch.raw\n' >>/etc/volt/vms/web.ini
    refused '/var/lib/volt/nosuch.raw.*No such file'
}

test_a_missing_kernel_is_named() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid" kernel=/var/lib/volt/nosuch-kernel
    refused '/var/lib/volt/nosuch-kernel.*No such file'
}

# fails_with REGEX : the VMM gives up, and says this as the unit's status.
fails_with() {
    systemctl daemon-reload
    assert_fails systemctl start "$service"
    assert_match "$1" "$(vm_property "$uuid" StatusText)"
    assert_equal 1 "$(vm_property "$uuid" ExecMainStatus)" 'exit status'
    nothing_left "$uuid"
}

test_a_file_that_is_no_kernel_is_refused() {
    vm_without_restart "$uuid"
    head -c 100000 /dev/urandom >/var/lib/volt/no-kernel
    vm_ini web "$uuid" kernel=/var/lib/volt/no-kernel
    vm_nic web eth0
    fails_with 'neither an ELF vmlinux nor a bzImage'
}

test_a_truncated_kernel_is_refused() {
    vm_without_restart "$uuid"
    head -c 3000000 "$guest_bzimage" >/var/lib/volt/short-kernel
    vm_ini web "$uuid" kernel=/var/lib/volt/short-kernel
    fails_with 'bzImage is truncated'
}

test_too_little_memory_is_said() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid" memory_mib=32
    fails_with '(does not fit|does not have|more memory)'
}

# handed_over LINE… : what the drop-in's helpers do beside, or instead.
handed_over() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid"
    printf '%s\n' "$@" >>"/run/systemd/system/$service.d/60-test.conf"
}

test_a_missing_descriptor_is_named() {
    handed_over 'ExecStartPre=' 'ExecStartPre=+/usr/lib/volt/volt-open --read-write=kvm=/dev/kvm'
    fails_with "No file descriptor called 'kernel' was handed over"
}

test_an_extra_descriptor_is_named() {
    handed_over 'ExecStartPre=+/usr/lib/volt/volt-open --read-only=disk.extra=/etc/os-release'
    fails_with "'disk.extra' was handed over, but no option names it"
}

test_without_kvm_the_message_says_what_to_load() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid"
    systemctl stop lab-vm
    rmmod kvm-amd kvm-intel 2>/dev/null || true
    trap 'rm -rf "$without_restart_dir"; systemctl start lab-vm' EXIT
    assert_fails test -e /dev/kvm
    systemctl daemon-reload
    assert_fails systemctl start "$service"
    assert_match kvm "$(vm_property "$uuid" StatusText)"
}
