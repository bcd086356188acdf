# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A running VM: reloaded, frozen and thawed, ended by its watchdog.
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

# clock_is_right : the guest's time is the host's, but for how long it takes to ask.
clock_is_right() {
    local before guest after
    before=$(date +%s)
    guest=$(guest_do "$address" 'date +%s')
    after=$(date +%s)
    echo "host $before, guest $guest, host $after"
    ((guest >= before - 1 && guest <= after + 1))
}

uptime_of_guest() { guest_do "$address" 'cut -d. -f1 /proc/uptime'; }

# watchdog SECONDS
watchdog() {
    drop_in=/run/systemd/system/$service.d
    mkdir -p "$drop_in"
    trap 'rm -rf "$drop_in"; systemctl daemon-reload' EXIT
    printf '[Service]\nWatchdogSec=%s\n' "$1" >"$drop_in/70-life.conf"
}

# writes_more_than N : the guest's loop goes on, and each write has come to an end.
writes_more_than() { (($(guest_do "$address" 'wc -l </writes') > $1)); }

# With vhost, whose threads are the kernel's, for which a freeze would wait; and for longer than systemd's
# watchdog would.
test_frozen_and_thawed_the_clocks_are_right() { # limit 240 s
    local slice=/sys/fs/cgroup/volt.slice/volt-${uuid//-/}.slice image=/var/lib/volt/images/life.raw pid uptime
    watchdog 8
    truncate --size=4M "$image"
    describe vcpus=2 readiness=vmm
    printf '[vsock]\ncid = auto\n[disk data]\npath = %s\n' "$image" >>/etc/volt/vms/web.ini
    assert vm_start "$uuid"
    wait_ready "$uuid"
    wait_for 30 clock_is_right
    pid=$(vm_pid "$uuid")
    assert_equal "$pid" "$(cat "/sys/fs/cgroup$(vm_property "$uuid" ControlGroup)/cgroup.procs")" "the unit's processes"
    assert_equal 2 "$(xargs -I{} cat /proc/{}/comm <"$slice/cgroup.procs" | grep -c "vhost-$pid")" "vhost's threads"
    guest_do "$address" 'touch /writes; setsid sh -c "
        while dd if=/dev/zero of=/dev/vda bs=64k count=32 conv=fsync && echo >>/writes; do sleep 0.2; done
        " >/dev/null 2>&1 &'
    wait_for 30 writes_more_than 1
    uptime=$(uptime_of_guest)

    # For longer than the guest's own watchdogs have patience (some 20 s).
    assert systemctl freeze "$service"
    assert_fails answers_ping "$address"
    sleep 24
    assert vm_is "$uuid" active
    assert systemctl thaw "$service"
    wait_for 30 clock_is_right
    (($(uptime_of_guest) - uptime >= 24)) || fail 'the uptime has a gap'
    wait_for 30 writes_more_than "$(guest_do "$address" 'wc -l </writes')"
    wait_for 20 log_has "$uuid" 'The VM stood still for [0-9]+ s or more'
    assert_fails console_has "$uuid" 'soft lockup|rcu.*stall|hung task|blocked for more'
    assert_equal "$pid" "$(vm_pid "$uuid")" 'process'
    limit_is() { [[ $(vm_property "$uuid" WatchdogUSec) == "$1" ]]; }
    wait_for 20 limit_is 8s # again, with the next sign of life
    assert vm_stop "$uuid"
    nothing_left "$uuid"
    assert_fails test -e "$slice"
    assert unit_is "volt-freeze@$uuid.path" inactive
}

# An event loop that hangs; and virtual CPUs that do, held by a tracer outside of KVM.
test_the_watchdog_ends_what_hangs() { # limit 240 s
    local pid threads tracer
    is_new() { [[ $(vm_pid "$uuid") != "$pid" ]] && vm_is "$uuid" active; }
    watchdog 4
    vm_ini web "$uuid" "${bare_guest[@]}" vcpus=2
    assert vm_start "$uuid"
    pid=$(vm_pid "$uuid")
    kill -STOP "$pid"
    wait_for 60 is_new
    assert log_has "$uuid" 'Watchdog timeout'
    assert_fails log_has "$uuid" 'No virtual CPU gets ahead'

    # One that is killed while it is frozen is no watchdog's case, and started again all the same.
    pid=$(vm_pid "$uuid")
    assert systemctl freeze "$service"
    kill -KILL "$pid"
    wait_for 60 is_new

    pid=$(vm_pid "$uuid")
    mapfile -t threads < <(ps -L -o tid=,comm= -p "$pid" | awk '$2 ~ /^vcpu/ { print "--attach=" $1 }')
    assert_equal 2 "${#threads[@]}" 'threads of virtual CPUs'
    strace --output=/dev/null --inject=ioctl:delay_enter=600000000 "${threads[@]}" 2>/dev/null &
    tracer=$!
    twice() { (($(vm_log "$uuid" | grep -c 'Watchdog timeout') == 2)); }
    wait_for 60 twice
    assert log_has "$uuid" "No virtual CPU gets ahead; systemd's watchdog will end the VM"
    kill -KILL "$tracer" # which leaves no process alone, not even a dying one
    wait_for 60 is_new
    assert vm_stop "$uuid"
    nothing_left "$uuid"
}
