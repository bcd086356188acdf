# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A running VM: reloaded, and powered off as machinectl does it.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=43434343-0000-4000-8000-000000000043
service=$(unit "$uuid")
address=10.42.0.43

# describe [KEY=VALUE…] : web.ini, with a guest that takes commands.
describe() {
    vm_ini web "$uuid" cmdline="volt.ip=$address/24 volt.remote" "$@"
    vm_nic web eth0 ${mtu:+mtu=$mtu}
}

reload() { systemctl daemon-reload && systemctl reload "$service"; }

test_reload_applies_what_can_change_and_tells_the_rest() { # limit 240 s
    describe stop_timeout_sec=20
    assert vm_start "$uuid"
    local pid
    pid=$(vm_pid "$uuid")
    assert_equal 600 "$(stat --format=%a "/run/volt/vm/$uuid/control")" 'mode of the socket'

    assert reload
    wait_for 20 log_has "$uuid" 'nothing has changed that a running VM would notice'

    mtu=1400 describe stop_timeout_sec=30 vcpus=2 kernel="$guest_bzimage"
    assert reload
    wait_for 20 log_has "$uuid" 'net eth0: mtu: .* → 1400 takes effect at the next start'
    assert log_has "$uuid" '^stop timeout: 20 s → 30 s$'
    assert log_has "$uuid" '^vcpus: 1 → 2 takes effect at the next start$'
    assert log_has "$uuid" '^kernel: debian-12 → /.*bzImage takes effect at the next start$'

    echo 'colour = red' >>/etc/volt/vms/web.ini
    assert_fails reload
    wait_for 20 log_has "$uuid" 'web.ini:[0-9]+: .*colour.*; the VM runs on as it was started'
    rm /etc/volt/vms/web.ini
    assert_fails reload
    wait_for 20 log_has "$uuid" 'no VM has the UUID .*; the VM runs on as it was started'

    # A restart has the same as the reload before.
    describe stop_timeout_sec=30 vcpus=2
    assert reload
    assert_equal "$pid" "$(vm_pid "$uuid")" 'process'
    wait_ready "$uuid"
    assert systemctl restart "$service"
    wait_ready "$uuid"
    assert console_has "$uuid" 'READY cpus=2'
    assert reload
    assert_match '^vm: name=web .*vcpus=2' "$(/usr/lib/volt/volt-reload --status "$uuid")" 'status'

    systemctl kill --kill-who=main --signal=RTMIN+4 "$service" # machinectl poweroff
    wait_for 60 vm_is "$uuid" inactive
    assert log_has "$uuid" "Pressing the guest's power button; it has 30 s to power off"
    assert log_has "$uuid" 'The guest powered off'
    nothing_left "$uuid"
}
