# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What keeps VMs from each other, and what they share a bridge with; what becomes of running VMs when
# the network around them breaks. The guests are real ones, where frames have to come from one.
# shellcheck source=../lib.sh
. /lab/lib.sh

a=a0000027-0000-4000-8000-000000000001
b=b0000027-0000-4000-8000-000000000002
tap='tap-a0000027'
guest=10.42.0.10

restore() {
    set +e
    systemctl kill --signal=CONT systemd-networkd 2>/dev/null
    systemctl stop 'volt-vm@*.service' box.service
    rm -rf /run/systemd/system/volt-vm@*.service.d /etc/volt/vms/* /run/systemd/network/30-data.* /var/lib/volt/zones
    ip netns delete foreign
    ip link delete data0
    systemctl daemon-reload
    systemctl start systemd-networkd
    networkctl reload
} >/dev/null 2>&1
trap restore EXIT

# begin_guest NAME UUID ADDRESS [KEY=VALUE…] : a VM that runs a guest, with these keys of its interface.
begin_guest() {
    local name=$1 uuid=$2 address=$3
    shift 3
    vm_ini "$name" "$uuid" cmdline="volt.remote volt.ip=$address/24"
    vm_nic "$name" eth0 "ipv4=$address/24" "$@"
    vm_start "$uuid"
}

# guest_is_up UUID ADDRESS
guest_is_up() {
    wait_ready "$1"
    wait_for 20 answers_ping "$2"
}

# guest NAME UUID ADDRESS [KEY=VALUE…] : both.
guest() {
    begin_guest "$@"
    guest_is_up "$2" "$3"
}

said() {
    journalctl --sync
    console_has "$1" "$2" || fail "nothing said '$2': $(vm_console "$1")"
}

# in_guest ADDRESS COMMAND : it succeeds in the guest there.
in_guest() { [[ $(guest_do "$1" "($2) >/dev/null 2>&1 && echo yes || echo no") == yes ]]; }

# stop_all : nothing is left of the two, not in nftables either.
stop_all() {
    systemctl stop "$(unit "$a")" "$(unit "$b")"
    nothing_left "$a"
    nothing_left "$b"
    [[ $(nft list tables) != *volt-[ab]0000027* ]] || fail "left in nftables: $(nft list tables)"
}

test_isolated_vms_and_spoofing() { # limit 300 s
    begin_guest one "$a" $guest isolated=yes antispoof=yes
    begin_guest two "$b" 10.42.0.11 isolated=yes
    guest_is_up "$a" $guest
    guest_is_up "$b" 10.42.0.11
    assert in_guest $guest 'ping -c 2 -W 2 10.42.0.1'
    assert_fails in_guest $guest 'ping -c 2 -W 1 10.42.0.11'
    assert_fails in_guest 10.42.0.11 "ping -c 2 -W 1 $guest"
    bridge -d link show dev $tap | grep -q 'isolated on' || fail 'the port is not isolated'

    # Another address.
    assert in_guest $guest 'ip address add 10.42.0.77/24 dev eth0'
    assert in_guest $guest "ping -c 2 -W 2 -I $guest 10.42.0.1"
    assert_fails in_guest $guest 'ping -c 2 -W 1 -I 10.42.0.77 10.42.0.1'
    assert in_guest 10.42.0.11 'ip address add 10.42.0.78/24 dev eth0'
    assert in_guest 10.42.0.11 'ping -c 2 -W 2 -I 10.42.0.78 10.42.0.1'
    # Another MAC. The guest is not to be reached meanwhile: it tells afterwards.
    # shellcheck disable=SC2016 # for the guest's shell
    guest_do $guest '(mac=$(cat /sys/class/net/eth0/address)
        ip link set eth0 address 52:54:00:27:00:99
        echo $? $(cat /sys/class/net/eth0/address) >/tmp/set
        ping -c 3 -W 1 10.42.0.1 >/dev/null && echo reached >/tmp/result || echo lost >/tmp/result
        ip link set eth0 address $mac) >/dev/null 2>&1 &'
    sleep 6
    wait_for 20 answers_ping $guest
    assert_equal '0 52:54:00:27:00:99' "$(guest_do $guest 'cat /tmp/set')"
    assert_equal lost "$(guest_do $guest 'cat /tmp/result')"
    assert_fails grep -q 52:54:00:27:00:99 <(bridge fdb show br br0)

    assert systemctl restart "$(unit "$a")"
    wait_for 60 answers_ping $guest
    assert_match "table netdev volt-$a" "$(nft list tables)"
    stop_all
}

bounded() {
    bridge -d link show dev $tap | grep -q 'isolated on' || fail 'the port is not isolated'
    assert_match 'qdisc tbf [^ ]* root .*rate 8Mbit' "$(tc qdisc show dev $tap)"
    assert_match 'limit rate over 1000000 bytes/second' "$(nft list table netdev "volt-$a")"
    assert_match 'ether saddr != ' "$(nft list table netdev "volt-$a")"
}

test_bounds_however_the_tap_is_made() {
    local keys=(isolated=yes antispoof=yes rate_mbit=8 "ipv4=$guest/24" multiqueue=4)
    stand_in one "$a" "${keys[@]}"
    assert vm_start "$a"
    bounded
    systemctl restart systemd-networkd
    networkctl reload
    sleep 2
    bounded
    systemctl stop "$(unit "$a")"
    stand_in one "$a" "${keys[@]}" mode=direct
    assert vm_start "$a"
    bounded
    systemctl stop "$(unit "$a")"
    stand_in one "$a" "${keys[@]}"
    systemctl stop systemd-networkd.socket systemd-networkd.service
    assert vm_start "$a"
    bounded
    systemctl start systemd-networkd
    sleep 2
    bounded
    stop_all
}

test_bounds_that_cannot_be_had() {
    local library
    library=$(ldconfig -p | sed -n 's/.*libnftables.so.1 .*=> //p')
    stand_in one "$a" antispoof=yes
    mv "$library" "$library.away" # without ldconfig, which would mend it
    vm_start "$a" && started=yes || started=no
    status=$(vm_property "$a" StatusText)
    mv "$library.away" "$library"
    assert_equal no "$started"
    assert_match 'eth0: antispoof = yes needs nftables: libnftables.so.1 cannot be loaded' "$status"
    stop_all
}

test_clean_up_that_was_skipped() {
    stand_in one "$a" antispoof=yes ipv4=$guest/24
    printf '[Service]\nExecStopPost=\n' >"/run/systemd/system/volt-vm@$a.service.d/90-broken.conf"
    systemctl daemon-reload
    assert systemctl start "$(unit "$a")"
    systemctl stop "$(unit "$a")"
    assert_match "volt-$a" "$(nft list tables)"
    rm "/run/systemd/system/volt-vm@$a.service.d/90-broken.conf"
    systemctl daemon-reload
    assert systemctl start "$(unit "$a")"
    assert_match 'ether saddr != ' "$(nft list table netdev "volt-$a")"
    stop_all
}

test_no_tap_holds_the_boot_up() {
    ip netns add foreign
    stand_in one "$a"
    assert vm_start "$a"
    wait_for 10 grep -qx REQUIRED_FOR_ONLINE=no "/run/systemd/netif/links/$(<"/sys/class/net/$tap/ifindex")"
    # The host's own link is there: that is enough.
    printf '%s\n' '[Match]' Name=to-foreign '[Network]' Address=192.0.2.1/24 IPv6AcceptRA=no >/run/systemd/network/30-data.network
    networkctl reload
    ip link add to-foreign type veth peer name eth0 netns foreign
    ip -n foreign link set eth0 up
    assert /lib/systemd/systemd-networkd-wait-online --timeout=20
}

# seconds COMMAND… : how long it takes.
seconds() {
    local start=$EPOCHREALTIME
    "$@" >/dev/null || fail "$* (status $?)"
    since "$start" %.1f
}

# The guest tells when it has all.
to_guest() {
    local count
    exec 3<>/dev/tcp/$guest/9
    head -c 8000000 /dev/zero >&3
    read -r -t 100 count <&3
    exec 3<&-
    [[ $count == 8000000 ]]
}

from_guest() { [[ $(timeout 100 head -c 8000000 </dev/tcp/$guest/10 | wc -c) == 8000000 ]]; }

test_rate_holds_both_ways() { # limit 300 s
    local time
    guest one "$a" $guest rate_mbit=16
    # 8 MB at 2 MB/s, less the burst: 3.9 s. TCP over a limit that drops gets some part of it.
    guest_do $guest 'exec </dev/null >/dev/null 2>&1; nc -l -p 9 -e sh -c "head -c 8000000 | wc -c" & nc -l -p 10 -e head -c 8000000 /dev/zero &'
    wait_for 20 in_guest $guest 'netstat -ltn | grep -q :9 && netstat -ltn | grep -q :10'
    time=$(seconds to_guest)
    echo "to the guest: $time s"
    assert awk "BEGIN { exit !($time > 3 && $time < 30) }"
    time=$(seconds from_guest)
    echo "from the guest: $time s"
    assert awk "BEGIN { exit !($time > 3 && $time < 60) }"
    stop_all
}

# The seed design's example: an interface for management, one for data.
test_two_interfaces_on_two_bridges() { # limit 200 s
    printf '%s\n' '[NetDev]' Name=data0 Kind=bridge MTUBytes=9000 >/run/systemd/network/30-data.netdev
    printf '%s\n' '[Match]' Name=data0 '[Link]' RequiredForOnline=no '[Network]' Address=10.43.0.1/24 \
        ConfigureWithoutCarrier=yes >/run/systemd/network/30-data.network
    vm_ini one "$a" vcpus=2 cmdline='volt.remote'
    vm_nic one mgmt bridge=br0 ipv4=$guest/24 address=cmdline isolated=yes
    vm_nic one data bridge=data0 ipv4=10.43.0.10/24 address=cmdline mtu=9000 multiqueue=2
    vm_start "$a"
    wait_ready "$a"
    said "$a" 'NIC eth0 .*mtu=1500'
    said "$a" 'NIC eth1 .*mtu=9000'
    wait_for 20 answers_ping $guest
    wait_for 20 answers_ping 10.43.0.10
    assert ping -c 2 -W 2 -M 'do' -s 8900 10.43.0.10
    assert_fails ping -c 1 -W 1 -M 'do' -s 8900 $guest
    assert_equal 9000 "$(cat /sys/class/net/data0/mtu)"
    bridge -d link show dev $tap | grep -q 'isolated on' || fail 'mgmt is not isolated'
    bridge -d link show dev $tap-1 | grep -q 'isolated off' || fail 'data is isolated'
    stop_all
}

test_mtu_above_the_bridge() {
    stand_in two "$b"
    assert vm_start "$b"
    stand_in one "$a" mtu=9000
    assert vm_start "$a"
    said "$a" "eth0: the MTU of the bridge br0 is 1500, below this interface's 9000"
    stop_all
}

test_containers_on_the_same_bridge() { # limit 300 s
    guest one "$a" $guest
    # A veth in a namespace.
    ip netns add foreign
    ip link add to-foreign type veth peer name eth0 netns foreign
    ip link set to-foreign master br0 up
    ip -n foreign address add 10.42.0.90/24 dev eth0
    ip -n foreign link set eth0 up
    wait_for 10 ip netns exec foreign ping -c 1 -W 1 $guest
    assert in_guest $guest 'ping -c 2 -W 2 10.42.0.90'
    # A container of systemd-nspawn's.
    systemd-run --quiet --unit=box systemd-nspawn --quiet --register=no --keep-unit --volatile=yes \
        --directory=/ --network-bridge=br0 \
        sh -c 'ip link set host0 up; ip address add 10.42.0.91/24 dev host0
            until ping -c 1 -W 1 '$guest'; do sleep 0.2; done; echo container reached it; sleep 300'
    wait_for 60 sh -c 'journalctl -u box | grep -q "container reached it"'
    assert in_guest $guest 'ping -c 2 -W 2 10.42.0.91'
    stop_all
}

test_running_vm_whose_network_breaks() { # limit 300 s
    guest one "$a" $guest isolated=yes antispoof=yes
    # networkd is started anew.
    ping -q -i 0.2 -w 60 $guest >/run/ping &
    systemctl restart systemd-networkd
    networkctl reload
    sleep 4
    kill -INT %1
    wait %1 || true
    echo "networkd restarted: $(grep transmitted /run/ping)"
    # shellcheck disable=SC2016 # awk's fields
    assert awk '/transmitted/ { exit !($1 - $4 <= 1) }' /run/ping

    # The bridge is deleted, and made again by networkd: udev and volt-net bring the port back.
    ip link delete br0
    assert_fails answers_ping $guest
    networkctl reload
    wait_for 30 answers_ping $guest
    bridge -d link show dev $tap | grep -q 'isolated on' || fail 'the port is not isolated any more'
    assert_match 'ether saddr != ' "$(nft list table netdev "volt-$a")"

    # The TAP is deleted: the VM runs on, cut off, and a restart heals it.
    ip link delete $tap
    sleep 2
    assert vm_is "$a" active
    assert_fails answers_ping $guest
    assert systemctl restart "$(unit "$a")"
    wait_for 60 answers_ping $guest
    stop_all
}

# ---- many at once

count=30
many() { printf '5%07x-0027-4000-8000-0000000000%02x' "$1" "$1"; }

# many_vms : their interfaces have addresses, so that each needs a lease, too; the VMM is the real one, its
# guest a small one.
many_vms() {
    local i dir=/run/systemd/system/volt-vm@.service.d
    for ((i = 1; i <= count; i++)); do
        vm_ini "many$i" "$(many $i)" "${bare_guest[@]}"
        vm_nic "many$i" eth0 zone=default ipv4=auto
    done
    mkdir -p $dir
    printf '%s\n' '[Unit]' StartLimitIntervalSec=0 '[Service]' Restart=no >$dir/60-many.conf
    systemctl daemon-reload
}

states() { systemctl show --property=ActiveState --value "${units[@]}" | grep -v '^$' | sort | uniq -c | xargs; }
settled() { [[ $(states) != *activating* ]]; }

# start_many SECONDS : all are started at once; none is left half-way.
start_many() {
    local i start=$EPOCHREALTIME reloads
    units=()
    for ((i = 1; i <= count; i++)); do
        units+=("$(unit "$(many $i)")")
    done
    systemctl start --no-block "${units[@]}"
    wait_for "$1" settled
    journalctl --sync
    reloads=$(journalctl --quiet --unit=systemd-networkd --since="@${start%.*}" | grep -c 'br0: Reconfiguring' || true)
    echo "$count VMs: $(states); $(since "$start" %.1f) s; br0 was set up anew $reloads times"
    ((reloads <= 15)) || fail "networkd set br0 up $reloads times"
}

# all_or_clearly : each runs, or its status tells why it does not; most run, slow as the lab may be.
all_or_clearly() {
    local unit failed=0
    for unit in "${units[@]}"; do
        unit_is "$unit" active && continue
        ((++failed))
        echo "$unit: $(systemctl show --property=Result,StatusText "$unit" | xargs)"
        [[ $(systemctl show --property=Result --value "$unit") == timeout ||
            -n $(systemctl show --property=StatusText --value "$unit") ]] || fail "$unit does not tell why it failed"
    done
    ((failed <= 3)) || fail "$failed of $count do not run"
}

stop_many() {
    local left
    systemctl stop "${units[@]}"
    left=$(
        exec 2>/dev/null
        ip -brief link | grep tap-5
        ls -d /run/volt/vm/5* /run/systemd/network/50-vm-5*
        pgrep -f 'volt-vmm.*--uuid=5'
        systemctl show --property=NFileDescriptorStore --value "${units[@]}" | grep -v '^0*$'
    ) || true
    assert_equal '' "$left" 'left by the VMs'
}

# One that does not answer at all is in 20-net.sh.
test_thirty_at_once_on_a_slow_networkd() { # limit 400 s
    many_vms
    mkdir -p /run/systemd/system/systemd-networkd.service.d
    systemctl set-property --runtime systemd-networkd.service CPUQuota=3%
    start_many 300
    systemctl set-property --runtime systemd-networkd.service CPUQuota=
    all_or_clearly
    assert_equal $count "$(find /var/lib/volt/zones/default -type f | wc -l)" 'kept addresses'
    stop_many
    networkctl reload
    sleep 3
    assert_equal '' "$(ip -brief link | grep tap-5 || true)" 'links that came back'
    # As slow as that, networkd may have given up br0, too, which the tests after this one need.
    systemctl restart systemd-networkd
    wait_for 60 bridge_has_its_address
}

bridge_has_its_address() { ip -4 address show br0 | grep -qF 10.42.0.1/24; }
