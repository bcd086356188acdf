# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# vhost-net under a service: who holds its descriptors, and what is left when the VM is gone.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8

fds_on() { find "/proc/$1/fd" -lname "$2" 2>/dev/null | wc -l; }

systemd_holds_none() { [[ $(fds_on 1 '*/vhost-net') == 0 ]]; }
another_pid_than() { [[ $(vm_pid $uuid) != "$1" ]]; }

test_the_vmm_alone_holds_the_device_and_a_lost_tap_is_told() {
    local pid
    vm_ini web $uuid cmdline='volt.ip=10.42.0.10/24'
    vm_nic web eth0 multiqueue=2 ipv4=10.42.0.10/24
    vm_start $uuid
    wait_ready $uuid
    wait_for 30 answers_ping 10.42.0.10
    pid=$(vm_pid $uuid)
    assert_equal 2 "$(fds_on "$pid" '*/vhost-net')" 'vhost descriptors of the VMM'
    assert_equal 2 "$(ps -eLo comm | grep -cx "vhost-$pid")" 'vhost threads'
    # An owned one holds the guest's memory: systemd must not keep a copy.
    wait_for 10 systemd_holds_none
    assert_match 'Running' "$(vm_property $uuid StatusText)" 'status'
    ! [[ $(vm_property $uuid StatusText) == *vhost* ]] || fail "status: $(vm_property $uuid StatusText)"
    systemctl kill --signal=KILL "$(unit $uuid)"
    wait_for 30 another_pid_than "$pid"
    wait_for 60 answers_ping 10.42.0.10

    # Its TAP is deleted: nobody tells the VMM, which notices all the same.
    assert ip link delete "tap-${uuid%%-*}"
    wait_for 20 log_has $uuid "The TAP interface of 'eth0' is gone: its link is down until a restart"
    assert vm_is $uuid active
    vm_stop $uuid
    nothing_left $uuid
}
