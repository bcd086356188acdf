# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Traffic by iperf3 in every mode: vhost and userspace, 1, 2 and 4 pairs of queues, both MTUs. One VM for
# each mode; what it goes through is changed inside. How fast it all is decides nothing here: see
# tests/bench/network.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8
guest=10.42.0.10
nic=/sys/class/net/eth0

# start_vm VHOST : with no more CPUs than the lab has; so the driver must be asked for all the pairs.
start_vm() {
    ip link set br0 mtu 9000
    vm_ini traffic "$uuid" vcpus=2 initrd=/var/lib/volt/images/bench.cpio \
        cmdline="volt.remote volt.iperf=1 volt.queues=4 volt.ip=$guest/24"
    vm_nic traffic eth0 mtu=9000 multiqueue=4 vhost="$1"
    vm_start "$uuid"
    wait_ready "$uuid"
    wait_for 20 answers_ping "$guest"
    pid=$(vm_pid "$uuid")
}

in_guest() { guest_do "$guest" "$1" || fail "the guest does not do: $1"; }

# iperf_moves WHAT OPTION… : 4 MB; at least 1 MB arrives, UDP being what it is.
iperf_moves() {
    local what=$1 output bytes
    shift
    output=$(iperf3 --client "$guest" --connect-timeout 5000 --bytes 4M --json "$@" 2>/dev/null) ||
        fail "$what: $output"
    # The figures of UDP's receiver count what was lost, too, and say so.
    bytes=$(awk '/"sum_received"/ { found = 1 } found && /"bytes"/ { gsub(/[^0-9]/, ""); print; exit }' <<<"$output")
    ((bytes >= 1000000)) || fail "$what: $bytes bytes"
    echo "$what: $bytes bytes"
}

# traffic_flows PAIRS MTU
traffic_flows() {
    local what="$1 pairs, MTU $2"
    in_guest "ethtool -L eth0 combined $1; ip link set eth0 mtu $2"
    assert_equal "$1" "$(in_guest 'ethtool -l eth0' | awk '/^Combined/ { n = $2 } END { print n }')" 'pairs in use'
    # What is in the buffers of the sockets when the last byte is sent does not count: small ones.
    iperf_moves "$what, TCP in" --window 128K --parallel "$1"
    iperf_moves "$what, TCP out" --window 128K --parallel "$1" --reverse
    iperf_moves "$what, UDP in" --udp --bitrate 100M --length $(($2 - 28))
    assert ping -q -M 'do' -s $(($2 - 28)) -c 3 -i 0.2 -W 5 "$guest"
}

all_traffic_flows() {
    local pairs mtu
    for pairs in 1 2 4; do
        for mtu in 1500 9000; do
            traffic_flows "$pairs" "$mtu"
        done
    done
}

guest_has_queues_and_offloads() {
    local offloads
    assert_equal 8 "$(in_guest "ls $nic/queues | wc -l")" 'queues in the guest'
    offloads=$(in_guest 'ethtool -k eth0')
    assert_match 'tx-checksum-ip-generic: on' "$offloads"
    assert_match 'tx-tcp-segmentation: on' "$offloads"
    assert_match 'tx-tcp6-segmentation: on' "$offloads"
    assert_match 'rx-checksumming: on' "$offloads"
}

# Each flow finds its queue by its hash: of so many, each queue gets some, and answers on it.
all_queues_are_used() {
    local port counts
    for ((port = 1; port <= 64; port++)); do
        (: <>"/dev/tcp/$guest/9") 2>/dev/null || true
    done
    counts=$(in_guest "grep -E 'virtio[0-9]+-(in|out)put' /proc/interrupts; ethtool -S eth0")
    # shellcheck disable=SC2016 # awk's own variables
    for ((port = 0; port < 4; port++)); do
        assert awk -v "name=-input\\.$port\$" '$0 ~ name { for (i = 2; i <= 3; i++) n += $i } END { exit !n }' <<<"$counts"
        assert awk -v "name=tx_queue_${port}_packets:" '$1 == name { n = $2 } END { exit !n }' <<<"$counts"
    done
    assert_equal 8 "$(grep -c 'put\.' <<<"$counts")" 'interrupts of queues'
}

pairs_change_under_traffic() {
    local pairs client status=0
    iperf3 --client "$guest" --connect-timeout 5000 --time 4 --parallel 4 >/run/iperf.log 2>&1 &
    client=$!
    for pairs in 1 4 2 3 1 4; do
        sleep 0.2
        in_guest "ethtool -L eth0 combined $pairs"
    done
    wait "$client" || status=$?
    ((status == 0)) || fail "iperf3: $status: $(cat /run/iperf.log)"
}

# The connection outlives its interface's driver.
driver_reloads_under_traffic() {
    local client status=0
    iperf3 --client "$guest" --connect-timeout 5000 --time 4 >/run/iperf.log 2>&1 &
    client=$!
    sleep 1
    in_guest "(cd /sys/bus/virtio/drivers/virtio_net && device=\$(basename virtio*) &&
        echo \$device >unbind && sleep 0.3 && echo \$device >bind && ip link set eth0 mtu 9000 up && ethtool -L eth0 combined 4 &&
        ip address add $guest/24 dev eth0) >/dev/null 2>&1 &"
    wait "$client" || status=$?
    ((status == 0)) || fail "iperf3: $status: $(cat /run/iperf.log)"
    assert_equal 8 "$(in_guest "ls $nic/queues | wc -l")" 'queues after binding again'
}

vhost_threads() {
    { grep -lxs "vhost-$pid" /proc/[0-9]*/comm "/proc/$pid"/task/*/comm || true; } | sed 's/comm$/schedstat/'
}

# run_time_ms FILE… : CPU time that these threads have had.
run_time_ms() { cat "$@" | awk '{ n += $1 } END { printf "%d\n", n / 1e6 }'; }

# own_threads : those of the VMM but its vCPUs.
own_threads() { grep -Lx 'vcpu[0-9]*\|vhost-.*' "/proc/$pid"/task/*/comm | sed 's/comm$/schedstat/'; }

uses_vhost() { [[ $(vm_property "$uuid" StatusText) != *without* ]] || fail "$(vm_property "$uuid" StatusText)"; }

test_traffic_by_vhost_in_every_mode() { # limit 240 s
    local threads own before_own before_vhost spent_own spent_vhost
    start_vm yes
    mapfile -t threads < <(vhost_threads)
    assert_equal 4 "${#threads[@]}" 'vhost threads'
    uses_vhost
    # volt-net keeps the queues of the TAP in the store; nobody keeps a vhost device that has an owner.
    assert_equal 4 "$(find "/proc/$pid/fd" -lname '*/vhost-net' | wc -l)" 'vhost devices of the VMM'
    assert_equal 0 "$(find /proc/1/fd -lname '*/vhost-net' | wc -l)" 'vhost devices of PID 1'
    guest_has_queues_and_offloads
    all_queues_are_used

    mapfile -t own < <(own_threads)
    before_own=$(run_time_ms "${own[@]}") before_vhost=$(run_time_ms "${threads[@]}")
    all_traffic_flows
    spent_own=$(($(run_time_ms "${own[@]}") - before_own))
    spent_vhost=$(($(run_time_ms "${threads[@]}") - before_vhost))
    echo "CPU time: vhost $spent_vhost ms, VMM without vCPUs $spent_own ms"
    ((spent_own * 10 < spent_vhost)) || fail 'packets go through the VMM'

    pairs_change_under_traffic
    driver_reloads_under_traffic
    all_queues_are_used
    traffic_flows 4 9000
    vm_stop "$uuid"
    nothing_left "$uuid"
    assert_equal '' "$(vhost_threads)" 'vhost threads after the stop'
}

test_traffic_by_userspace_in_every_mode() { # limit 240 s
    start_vm no
    assert_equal '' "$(vhost_threads)" 'vhost threads'
    guest_has_queues_and_offloads
    all_queues_are_used
    all_traffic_flows
    pairs_change_under_traffic
    driver_reloads_under_traffic
    all_queues_are_used
    traffic_flows 4 9000
    vm_stop "$uuid"
    nothing_left "$uuid"
}

# falls_back REASON : the VM runs without vhost, says why once, and systemctl status says that it does.
falls_back() {
    vm_start "$uuid"
    pid=$(vm_pid "$uuid")
    assert_equal '' "$(vhost_threads)" 'vhost threads'
    assert_match 'eth0 without vhost' "$(vm_property "$uuid" StatusText)"
    journalctl --sync
    assert_equal 1 "$(vm_console "$uuid" | grep -c 'falling back to userspace virtio-net')" 'lines about it'
    assert console_has "$uuid" "eth0: cannot open /dev/vhost-net: $1"
}

test_vm_runs_without_vhost() {
    local block=/etc/modprobe.d/no-vhost.conf drop_in=/run/systemd/system/volt-vm@$uuid.service.d
    # shellcheck disable=SC2064
    trap "rm -rf $block $drop_in; modprobe vhost_net; systemctl daemon-reload" EXIT
    vm_ini traffic "$uuid" vcpus=2 cmdline="volt.ip=$guest/24"
    vm_nic traffic eth0 multiqueue=2

    # To open the device file would load the module.
    echo 'install vhost_net /bin/false' >"$block"
    assert rmmod vhost_net
    falls_back 'No such (device|file or directory)'
    wait_ready "$uuid"
    assert ping -q -c 3 -i 0.2 -W 5 "$guest"
    vm_stop "$uuid"

    rm "$block"
    assert modprobe vhost_net
    mkdir -p "$drop_in"
    printf '[Service]\nDeviceAllow=\nDeviceAllow=%s rw\nDeviceAllow=%s rw\n' /dev/kvm /dev/net/tun >"$drop_in/60-test.conf"
    falls_back 'Operation not permitted'
    vm_stop "$uuid"

    rm -r "$drop_in"
    vm_start "$uuid"
    uses_vhost
}

# Guests that write nonsense into every ring and every register, among others; of vhost-vsock, too. Each has
# a minute.
test_bare_metal_payloads_by_vhost() { # limit 300 s
    local output name
    output=$(VOLT_QUEUES=1 VOLT_ONLY='^(pci|net|vectors|hostile.*)$' timeout 280 /lab/guest/run --vhost /lab/guest 2>&1) || true
    echo "$output"
    for name in {pci,net,vectors,hostile,hostile-control,hostile-storm}-vhost vsock vsock-2-vcpus; do
        [[ $'\n'$output$'\n' == *$'\n'"ok - guest-$name"$'\n'* ]] || fail "guest-$name: $output"
    done
}
