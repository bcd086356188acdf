# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# How a VM ends: by its host, by its guest, by accident; and that nothing is left of it.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=4a4a4a4a-0000-4000-8000-000000000040
service=$(unit "$uuid")

# vm [KEY=VALUE…] : web.ini with these keys and a NIC, started.
vm() {
    vm_ini web "$uuid" "$@"
    vm_nic web eth0
    assert vm_start "$uuid"
}

status_text() { vm_property "$uuid" StatusText; }
exit_status() { vm_property "$uuid" ExecMainStatus; }
has_failed() { vm_is "$uuid" failed; }

test_stop_lets_the_guest_power_off() {
    vm
    wait_ready "$uuid"
    assert vm_stop "$uuid"
    assert vm_is "$uuid" inactive
    assert_equal 0 "$(exit_status)" 'exit status'
    assert log_has "$uuid" 'The guest powered off'
    nothing_left "$uuid"
}

test_stop_ends_a_guest_that_ignores_the_button() {
    vm stop_timeout_sec=3 cmdline=volt.do=ignore
    wait_ready "$uuid"
    assert vm_stop "$uuid"
    assert_equal 103 "$(exit_status)" 'exit status'
    assert_match 'ignored the power button for 3 s' "$(status_text)"
    assert log_has "$uuid" "^Pressing the guest's power button; it has 3 s to power off"
    assert log_has "$uuid" '^The guest ignored the power button for 3 s and was ended \(exit status 103\)'
    nothing_left "$uuid"
}

test_power_off_from_inside_ends_the_service() {
    vm cmdline=volt.do=poweroff
    wait_for 60 vm_is "$uuid" inactive
    assert_equal success "$(vm_property "$uuid" Result)" result
    nothing_left "$uuid"
}

test_reboot_from_inside_starts_a_fresh_process() { # limit 180 s
    vm cmdline=volt.do=reboot
    local pid
    pid=$(vm_pid "$uuid")
    wait_for 90 log_has "$uuid" 'The guest rebooted'
    wait_for 30 vm_is "$uuid" active
    [[ $(vm_pid "$uuid") != "$pid" ]] || fail 'it is the same process'
    assert ip link show tap-4a4a4a4a
}

test_panic_is_a_failure_of_its_own() {
    vm_without_restart "$uuid"
    vm cmdline=volt.do=panic
    wait_for 60 has_failed
    assert_equal 100 "$(exit_status)" 'exit status'
    assert_match "kernel panicked" "$(systemctl status "$service")"
    nothing_left "$uuid"
}

test_triple_fault_is_a_failure_of_its_own() {
    vm_without_restart "$uuid"
    vm cmdline=volt.do=triple
    wait_for 60 has_failed
    assert_equal 101 "$(exit_status)" 'exit status'
    assert_match 'triple fault' "$(systemctl status "$service")"
    nothing_left "$uuid"
}

test_a_killed_vmm_is_started_again_with_its_network() { # limit 180 s
    vm cmdline=volt.ip=10.42.0.40/24
    wait_ready "$uuid"
    local pid
    pid=$(vm_pid "$uuid")
    kill -KILL "$pid"
    is_new() { [[ $(vm_pid "$uuid") != "$pid" ]] && vm_is "$uuid" active; }
    wait_for 30 is_new
    wait_ready "$uuid"
    wait_for 30 answers_ping 10.42.0.40
}

# host_state_is TEXT : soon; systemd closes what it had for a VM some time after that is gone.
host_state_is() {
    same() { [[ $(host_state) == "$1" ]]; }
    for _ in {1..20}; do
        ! same "$1" || return 0
        sleep 0.5
    done
    assert_equal "$1" "$(host_state)" 'state of the host'
}

test_twenty_restarts_and_twenty_stops_leave_nothing_behind() { # limit 400 s
    local before
    mkdir -p "/run/systemd/system/$service.d"
    trap 'rm -rf "/run/systemd/system/$service.d"' EXIT
    printf '[Unit]\nStartLimitIntervalSec=0\n' >"/run/systemd/system/$service.d/60-test.conf"
    vm "${bare_guest[@]}"
    wait_console "$uuid" 'the way: button'
    before=$(host_state)
    for _ in {1..20}; do
        assert systemctl restart "$service"
    done
    host_state_is "$before"
    for _ in {1..20}; do
        assert vm_stop "$uuid"
        assert systemctl start "$service"
    done
    host_state_is "$before"
    # /dev/kvm was handed over, too, and closed once the machine was built.
    assert_equal 1 "$(find "/proc/$(vm_pid "$uuid")/fd" -lname '*/net/tun' -o -lname '*/kvm' | wc -l)" \
        'handed-over device fds'
    assert vm_stop "$uuid"
    assert_equal 0 "$(exit_status)" 'exit status'
    assert_fails log_has "$uuid" 'cannot be frozen|watchdog|slice|volt-freeze'
    nothing_left "$uuid"
}

test_deleting_the_file_of_a_running_vm_loses_no_clean_up() {
    vm "${bare_guest[@]}"
    wait_console "$uuid" 'the way: button'
    rm /etc/volt/vms/web.ini
    systemctl daemon-reload
    assert vm_is "$uuid" active
    assert vm_stop "$uuid"
    nothing_left "$uuid"
    assert_fails systemctl start "$service"
    assert_match "no VM has the UUID $uuid" "$(status_text)"
    assert_match '/etc/volt/vms' "$(status_text)"
}

test_deleting_the_file_leaves_the_guest_its_time() {
    local template=/run/systemd/system/volt-vm@.service.d
    mkdir -p "$template"
    # shellcheck disable=SC2064
    trap "rm -rf $template" EXIT
    printf '[Service]\nTimeoutStopSec=4s\n' >"$template/40-test.conf" # what is left without a file
    vm "${bare_guest[@]}" stop_timeout_sec=10 cmdline=halt
    wait_console "$uuid" 'the way: halt'
    rm /etc/volt/vms/web.ini
    systemctl daemon-reload
    assert_equal 4s "$(vm_property "$uuid" TimeoutStopUSec)" "the template's limit"
    local start=$SECONDS
    assert vm_stop "$uuid"
    ((SECONDS - start >= 9)) || fail "it had $((SECONDS - start)) s"
    assert_equal 103 "$(exit_status)" 'exit status'
    nothing_left "$uuid"
}

test_the_link_goes_even_when_every_clean_up_fails() {
    mkdir -p "/run/systemd/system/$service.d"
    trap 'rm -rf "/run/systemd/system/$service.d"; /usr/lib/volt/volt-net down "$uuid"' EXIT
    printf '[Service]\nExecStopPost=\nExecStopPost=+-/bin/false\n' \
        >"/run/systemd/system/$service.d/60-test.conf"
    vm "${bare_guest[@]}"
    wait_console "$uuid" 'the way: button'
    assert ip link show tap-4a4a4a4a
    vm_stop "$uuid"
    no_link() { ! ip link show tap-4a4a4a4a; }
    wait_for 5 no_link
}

test_without_networkd_the_vm_has_its_network_all_the_same() {
    systemctl stop systemd-networkd.socket systemd-networkd.service
    trap 'systemctl start systemd-networkd.service' EXIT
    vm cmdline=volt.ip=10.42.0.40/24
    wait_ready "$uuid"
    assert ping -c 2 -W 2 10.42.0.40
    assert log_has "$uuid" networkd
    vm_stop "$uuid"
    nothing_left "$uuid"
}

test_without_br0_it_is_made() {
    ip link delete br0
    vm cmdline=volt.ip=10.42.0.40/24
    wait_ready "$uuid"
    assert ip link show br0
    wait_for 10 answers_ping 10.42.0.40
    assert log_has "$uuid" br0
}

test_an_unknown_bridge_is_named() {
    vm_without_restart "$uuid"
    vm_ini web "$uuid"
    vm_nic web eth0 bridge=nosuch0
    assert_fails vm_start "$uuid"
    assert_match nosuch0 "$(status_text)"
    nothing_left "$uuid"
}
