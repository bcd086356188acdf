# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machinectl knows the VMs that run, and can do with them what it does with other machines.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=48484848-0000-4000-8000-000000000048
service=$(unit "$uuid")

# machine NAME PROPERTY
machine() { machinectl show "$1" --property="$2" --value; }

listed() { machinectl list --no-legend | awk '{ print $1, $2, $3 }' | grep -qxF -- "$1"; }

# vm NAME [KEY=VALUE…] : started.
vm() {
    vm_ini "$@"
    vm_nic "$1" eth0
    vm_without_restart "$uuid"
    assert vm_start "$uuid"
}

test_list_status_reboot_and_poweroff() {
    local first status
    vm web_1 "$uuid"
    assert listed 'web-1 vm volt'
    first=$(vm_pid "$uuid")
    assert_equal "$first" "$(machine web-1 Leader)" Leader
    assert_equal "$service" "$(machine web-1 Unit)" Unit
    assert_equal "${uuid//-/}" "$(machine web-1 Id)" Id
    status=$(machinectl status web-1 --no-pager)
    assert_match 'Leader: [0-9]+ \(volt-vmm\)' "$status"
    assert_match 'Iface: tap-48484848' "$status"
    assert log_has "$uuid" 'the VM is called web-1 in machinectl'

    wait_ready "$uuid"
    machinectl reboot web-1
    again() {
        local pid
        pid=$(vm_pid "$uuid")
        ((pid > 0 && pid != first)) && [[ $(machine web-1 Leader) == "$pid" ]]
    }
    wait_for 60 again
    assert log_has "$uuid" 'The guest powered off, and is to be started again'

    wait_ready "$uuid"
    machinectl poweroff web-1
    wait_for 60 vm_is "$uuid" inactive
    assert_equal 0 "$(vm_property "$uuid" ExecMainStatus)" 'exit status'
    assert_fails listed 'web-1 vm volt'
    nothing_left "$uuid"
}

test_a_name_that_is_taken_and_a_machined_that_is_not_there() {
    local other
    systemd-run --quiet --unit=lab-other sleep 600
    other=$(systemctl show --property MainPID --value lab-other)
    trap 'systemctl stop lab-other; systemctl unmask --runtime systemd-machined' EXIT
    busctl --quiet call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager \
        RegisterMachine sayssus web 0 lab container "$other" ''
    vm web "$uuid" stop_timeout_sec=1
    assert listed 'web container lab'
    assert listed 'web-48484848 vm volt'
    machinectl terminate web-48484848
    wait_for 60 vm_is "$uuid" failed # this guest had no time to hear of it
    assert_fails listed 'web-48484848 vm volt'
    assert listed 'web container lab'

    systemctl stop lab-other
    systemctl mask --quiet --runtime --now systemd-machined
    systemctl reset-failed "$service"
    assert vm_start "$uuid"
    assert_fails grep -E 'volt-machine|machinectl' <<<"$(vm_console "$uuid")"
    vm_stop "$uuid"
    assert_fails grep -E 'volt-machine|machinectl' <<<"$(vm_console "$uuid")"
    nothing_left "$uuid"
}
