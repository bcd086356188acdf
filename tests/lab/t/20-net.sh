# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# volt-net and volt-open under the real template, with a stand-in for volt-vmm that keeps what it gets
# from the fd store: the helpers' recoveries, one by one.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5a5a5a5a-0000-4000-8000-000000000020
tap='tap-5a5a5a5a'
service=$(unit "$uuid")
drop_in=/etc/systemd/system/$service.d

restore() {
    systemctl kill --signal=CONT systemd-networkd 2>/dev/null
    systemctl stop "$service"
    rm -rf "$drop_in"
    rm -f /etc/systemd/network/10-volt-vmm-br0.netdev
    for link in lan0 vpn0 "$tap"; do
        ip link show "$link" && ip link delete "$link"
    done
    systemctl daemon-reload
    if ! systemctl --quiet is-active systemd-networkd || ! ip link show br0; then
        systemctl restart systemd-networkd
    fi
    networkctl reload
} >/dev/null 2>&1
trap restore EXIT

# stand_in NIC… : a VM with these --nic= arguments. It is not started again unless $restart says so:
# each start clears the status that the one before ended with.
stand_in() {
    mkdir -p "$drop_in"
    cat >"$drop_in/50-volt.conf" <<END
[Unit]
StartLimitIntervalSec=0
[Service]
NotifyAccess=all
WatchdogSec=0
Restart=${restart:-no}
ExecStartPre=+/usr/lib/volt/volt-net up --uuid=$uuid $(printf -- '--nic=%s ' "$@")
ExecStartPre=+/usr/lib/volt/volt-open --read-write=kvm=/dev/kvm --read-only=kernel=/etc/os-release
ExecStart=
ExecStart=/usr/bin/sh -c 'echo names \$LISTEN_FDNAMES; systemd-notify --ready; exec sleep infinity'
END
    systemctl daemon-reload
}

plain() { stand_in "eth0,tap=$tap,bridge=br0"; }
start() { assert systemctl start "$service"; }
is_port_of() { [[ $(readlink -f "/sys/class/net/$tap/master") == */"$1" ]]; }
has_carrier() { [[ $(<"/sys/class/net/$tap/carrier") == 1 ]]; }
stored() { assert_equal "$1" "$(vm_property "$uuid" NFileDescriptorStore)" 'stored fds'; }
status_text() { vm_property "$uuid" StatusText; }

# said REGEX : in the journal, since the last start.
said() {
    journalctl --sync
    vm_console "$uuid" | grep -qE -- "$1" || fail "nothing said '$1': $(vm_console "$uuid")"
}

connected_to() {
    assert is_port_of "$1"
    assert has_carrier
    assert_match 'persist off' "$(ip -d link show "$tap")"
}

stop_leaves_nothing() {
    assert systemctl stop "$service"
    nothing_left "$uuid"
}

freeze_networkd() { kill -STOP "$(systemctl show --property=MainPID --value systemd-networkd)"; }
thaw_networkd() { kill -CONT "$(systemctl show --property=MainPID --value systemd-networkd)"; }

test_networkd_makes_the_tap() {
    plain
    start
    connected_to br0
    said 'made by systemd-networkd'
    # What is read at each reload is no more than what is needed.
    assert_equal "50-vm-$uuid-eth0.network" "$(cd /run/systemd/network && echo 50-vm-*)"
    said 'names .*net\.eth0\.0'
    stored 3
    stop_leaves_nothing
}

test_host_forwards_and_masquerades_for_guests() {
    assert_equal 1 "$(cat /proc/sys/net/ipv4/ip_forward)"
    assert_match '10\.42\.0\.' "$(nft list ruleset)"
}

test_three_nics_of_all_kinds() {
    stand_in "eth0,tap=$tap,bridge=br0" "eth1,tap=$tap-1,bridge=br0,queues=4" \
        "eth2,mode=direct,tap=$tap-2,bridge=br0,mtu=1400"
    start
    connected_to br0
    stored 8
    assert_equal 1400 "$(cat "/sys/class/net/$tap-2/mtu")"
    stop_leaves_nothing
    assert_fails ip link show "$tap-1"
    assert_fails ip link show "$tap-2"
}

test_killed_process_comes_back_with_its_network() {
    restart=on-failure
    plain
    start
    kill -KILL "$(vm_pid "$uuid")"
    sleep 1
    wait_for 20 vm_is "$uuid" active
    connected_to br0
    stored 3
}

test_description_removed_while_running() {
    plain
    start
    rm -r "$drop_in"
    systemctl daemon-reload
    stop_leaves_nothing
}

test_networkd_restart_keeps_a_running_vm_connected() {
    plain
    start
    systemctl restart systemd-networkd
    networkctl reload
    sleep 2
    connected_to br0
}

test_clean_up_that_fails() {
    plain
    printf '[Service]\nExecStopPost=\nExecStopPost=-/bin/false\n' >"$drop_in/90-broken.conf"
    systemctl daemon-reload
    start
    systemctl stop "$service"
    wait_for 5 test ! -e "/sys/class/net/$tap"
    # The files are still there: anyone's reload makes the link again. It is no hindrance.
    networkctl reload
    start
    said 'cleaning up after an earlier run'
    connected_to br0
    assert systemctl restart "$service"
    connected_to br0
    stored 3
    rm "$drop_in/90-broken.conf"
    systemctl daemon-reload
    stop_leaves_nothing
}

test_networkd_silent() {
    plain
    freeze_networkd
    start
    connected_to br0
    said 'making it directly'
    thaw_networkd
    sleep 3
    connected_to br0
    stop_leaves_nothing
}

test_networkd_slow() {
    plain
    freeze_networkd
    systemctl start --no-block "$service"
    wait_console "$uuid" 'asking again' 20
    thaw_networkd
    start
    said 'made by systemd-networkd'
    connected_to br0
}

test_networkd_off_and_no_bridge() {
    plain
    systemctl stop systemd-networkd.socket systemd-networkd.service
    ip link delete br0
    start
    connected_to br0
    assert_match '10\.42\.0\.1/24' "$(ip address show br0)"
    said 'systemd-networkd is not running: .systemctl enable --now'
    said 'the bridge br0 did not exist; made it'
    assert_fails systemctl is-active systemd-networkd
    systemctl start systemd-networkd
    sleep 2
    connected_to br0
    stop_leaves_nothing
}

test_networkd_makes_a_missing_bridge_again() {
    plain
    ip link delete br0
    start
    said 'made by systemd-networkd'
    connected_to br0
}

test_bridge_that_networkd_does_not_know() {
    mkdir -p /etc/systemd/network
    ip link add lan0 type bridge
    ip link set lan0 mtu 1400 up
    stand_in "eth0,tap=$tap,bridge=lan0,mtu=9000"
    start
    connected_to lan0
    assert_equal 9000 "$(cat "/sys/class/net/$tap/mtu")"
    said 'the MTU of the bridge lan0 is 1400'
    networkctl reconfigure "$tap"
    systemctl restart systemd-networkd
    sleep 3
    connected_to lan0
    stop_leaves_nothing
    assert ip link show lan0
}

test_bridge_that_nobody_makes() {
    stand_in "eth0,tap=$tap,bridge=nope"
    assert_fails systemctl start "$service"
    assert_match 'eth0: the bridge nope does not exist: make it' "$(status_text)"
    stop_leaves_nothing
}

test_tap_left_over() {
    ip tuntap add dev "$tap" mode tap
    stand_in "eth0,tap=$tap,bridge=br0,queues=2"
    start
    said 'left over from an earlier run'
    connected_to br0
    stored 4
}

test_tap_name_that_is_taken() {
    ip link add "$tap" type dummy
    plain
    assert_fails systemctl start "$service"
    assert_match "interface $tap exists and is not a TAP but of the kind dummy" "$(status_text)"
    systemctl stop "$service"
    assert ip link show "$tap"
}

test_tap_of_somebody_else() {
    ip tuntap add dev vpn0 mode tap
    stand_in 'eth0,tap=vpn0,bridge=br0'
    assert_fails systemctl start "$service"
    assert_match 'TAP vpn0 exists, and nothing says that this VM made it' "$(status_text)"
    systemctl stop "$service"
    assert ip link show vpn0
}

test_file_that_cannot_be_opened() {
    plain
    sed -i s:/etc/os-release:/nonexistent: "$drop_in/50-volt.conf"
    systemctl daemon-reload
    assert_fails systemctl start "$service"
    assert_match 'kernel: cannot use /nonexistent: No such file or directory' "$(status_text)"
    stop_leaves_nothing
}

test_unknown_vm_is_refused_by_name() {
    local other=5a5a5a5a-0000-4000-8000-0000000000ff
    assert_fails systemctl start "$(unit "$other")"
    assert_match "no VM has the UUID $other: no file in /etc/volt/vms" \
        "$(vm_property "$other" StatusText)"
    assert_equal failed "$(vm_property "$other" ActiveState)"
}

test_helper_by_hand() {
    local output
    output=$(/usr/lib/volt/volt-net up --uuid="$uuid" --nic="eth0,tap=$tap,bridge=br0,mtu=1400")
    assert_equal "--net=eth0,tap=$tap,queues=1,mtu=1400" "$output"
    assert is_port_of br0
    assert_match 'persist on' "$(ip -d link show "$tap")"
    assert /usr/lib/volt/volt-net down "$uuid"
    nothing_left "$uuid"
    assert /usr/lib/volt/volt-net down "$uuid"
}

test_template_exposes_little() {
    local exposure
    exposure=$(systemd-analyze security --no-pager "$service" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
    assert awk "BEGIN { exit !($exposure <= 0.5) }"
}
