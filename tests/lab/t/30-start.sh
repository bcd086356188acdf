# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# From an INI file to a running guest: sizes, kernels, network, and what the host sees of it.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=3a3a3a3a-0000-4000-8000-000000000030
other=3b3b3b3b-0000-4000-8000-000000000031
service=$(unit "$uuid")

# vm [KEY=VALUE…] : web.ini with these keys, started, and waited for.
vm() {
    vm_ini web "$uuid" "$@"
    vm_nic web eth0
    assert vm_start "$uuid"
    wait_ready "$uuid"
}

ready_line() { vm_console "$uuid" | grep '^VOLT-GUEST READY'; }

# memory_between MIN MAX : the guest's memory in KiB.
memory_between() {
    local line kib
    line=$(ready_line)
    kib=${line##*mem=}
    ((kib >= $1 && kib <= $2)) || fail "guest memory: $kib KiB, not from $1 to $2"
}

# has_no_privilege : nor has it a user, a network, the host's files, or a system call too many.
has_no_privilege() {
    local pid status namespace
    pid=$(vm_pid "$uuid")
    for status in /proc/"$pid"/task/*/status; do
        assert grep -qP '^Seccomp:\t2' "$status"
        assert grep -qP '^NoNewPrivs:\t1' "$status"
        assert grep -qP '^CapEff:\t0+$' "$status"
        assert grep -qP '^CapBnd:\t0+$' "$status"
        assert_fails grep -qP '^Uid:\t0\t' "$status"
    done
    for namespace in net mnt user; do
        [[ $(readlink "/proc/$pid/ns/$namespace") != $(readlink "/proc/1/ns/$namespace") ]] ||
            fail "the VMM is in the host's $namespace namespace"
    done
    assert_equal '' "$(find "/proc/$pid/fd" -lname '*.cpio' -o -lname '*vmlinux*' -o -lname '*vda*')" 'open images'
    assert test -c "/proc/$pid/root/dev/null"
    assert_fails test -e "/proc/$pid/root/dev/kvm"
}

# One boot for all that a plain guest shows.
test_guest_and_host_reach_each_other_and_the_vmm_has_no_privilege() {
    vm_ini web "$uuid" vcpus=2 'cmdline=volt.ip=10.42.0.30/24 volt.ping=10.42.0.1'
    vm_nic web eth0
    systemctl daemon-reload
    assert systemctl start volt-web.target # its name
    assert vm_is "$uuid" active
    wait_console "$uuid" 'PING OK'
    wait_ready "$uuid"
    assert_match 'cpus=2' "$(ready_line)"
    assert_match 'master br0' "$(ip link show tap-3a3a3a3a)"
    assert ping -c 3 -i 0.2 -W 2 10.42.0.30
    assert ping -c 3 -i 0.2 -W 2 -s 1400 10.42.0.30
    assert ping -c 3 -i 0.2 -W 2 -s 8000 10.42.0.30 # in fragments
    assert ping -c 300 -i 0.002 -W 2 -q 10.42.0.30

    wait_for 10 log_has "$uuid" "The guest's init runs [0-9.]+ ms after the start"
    assert_match "Running; the guest's init ran [0-9]+ ms" "$(vm_property "$uuid" StatusText)"
    has_no_privilege

    assert systemctl stop volt-web.target
    wait_for 30 vm_is "$uuid" inactive # the target does not wait for it
}

test_two_interfaces_work() {
    vm_ini web "$uuid"
    vm_nic web eth0
    vm_nic web eth1 'mac = 52:54:00:00:00:99' 'mode = direct'
    assert vm_start "$uuid"
    wait_ready "$uuid"
    assert console_has "$uuid" 'NIC eth1 mac=52:54:00:00:00:99'
    assert ip link show tap-3a3a3a3a-1
    assert vm_stop "$uuid"
    assert_fails ip link show tap-3a3a3a3a-1
    nothing_left "$uuid"
}

test_128_mib_and_the_mac_and_mtu_of_the_file() {
    vm_ini web "$uuid" memory_mib=128
    vm_nic web eth0 'mac = 52:54:00:12:34:56' 'mtu = 1400'
    assert vm_start "$uuid"
    wait_ready "$uuid"
    assert_match 'cpus=1' "$(ready_line)"
    memory_between $((80 * 1024)) $((128 * 1024))
    assert console_has "$uuid" 'NIC eth0 mac=52:54:00:12:34:56 mtu=1400'
}

test_four_vcpus_and_4_gib_that_reach_above_the_pci_hole() {
    vm vcpus=4 memory_mib=4096 'cmdline=volt.ip=10.42.0.30/24'
    assert_match 'cpus=4' "$(ready_line)"
    memory_between $((3800 * 1024)) $((4096 * 1024))
    assert_equal 4 "$(find "/proc/$(vm_pid "$uuid")/task" -name comm -exec grep -l vcpu {} + | wc -l)" \
        'vCPU threads'
    assert ping -c 2 -W 2 10.42.0.30
}

test_the_stock_kernel_boots_as_bzimage() { # limit 180 s
    vm_ini web "$uuid" "kernel=$guest_bzimage" 'cmdline=volt.ip=10.42.0.30/24'
    vm_nic web eth0
    assert vm_start "$uuid"
    wait_console "$uuid" '^VOLT-GUEST READY' 150
    assert ping -c 2 -W 2 10.42.0.30
}

test_two_vms_ping_each_other() {
    vm_ini db "$other" 'cmdline=volt.remote volt.ip=10.42.0.31/24'
    vm_nic db eth0
    vm_ini web "$uuid" 'cmdline=volt.remote volt.ip=10.42.0.30/24'
    vm_nic web eth0
    systemctl daemon-reload
    assert systemctl start "$service" "$(unit "$other")"
    wait_ready "$uuid"
    wait_ready "$other"
    assert_match ' 0% packet loss' "$(guest_do 10.42.0.30 'ping -c 2 -W 2 10.42.0.31')"
    assert_match ' 0% packet loss' "$(guest_do 10.42.0.31 'ping -c 2 -W 2 10.42.0.30')"
}

test_autostart_makes_the_target_want_the_vm() {
    vm_ini web "$uuid" "${bare_guest[@]}" autostart=yes
    systemctl daemon-reload
    assert systemctl restart volt.target
    assert vm_is "$uuid" active
    wait_console "$uuid" 'the way: button'
    assert systemctl stop volt.target
    wait_for 30 vm_is "$uuid" inactive
}

test_the_drop_in_verifies_and_the_unit_is_secure() {
    vm_ini web "$uuid" memory_mib=512 vcpus=2
    vm_nic web eth0
    systemctl daemon-reload
    assert_equal '' "$(systemd-analyze verify --man=no "$service" 2>&1)" 'systemd-analyze verify'
    local level
    level=$(systemd-analyze security --no-pager "$service" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
    echo "exposure level $level"
    assert awk "BEGIN { exit !($level <= 0.2) }"
}

test_limits_come_from_the_file() {
    vm_ini web "$uuid" memory_mib=512 vcpus=2 cpu_quota=150%
    systemctl daemon-reload
    assert_match '^1\.50*s$' "$(vm_property "$uuid" CPUQuotaPerSecUSec)" CPUQuota
    assert_match '^[0-9]+$' "$(vm_property "$uuid" MemoryMax)"
    assert_match '^[0-9]+$' "$(vm_property "$uuid" TasksMax)"
    assert_equal volt.slice "$(vm_property "$uuid" Slice)"
}
