# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Addresses: how a guest gets its own, whose they are, and what happens when two want one. Where no
# guest has to run, a sleeping process stands for volt-vmm; generator and helpers are the real ones.
# shellcheck source=../lib.sh
. /lab/lib.sh

a=a0000026-0000-4000-8000-000000000001
b=b0000026-0000-4000-8000-000000000002
c=c0000026-0000-4000-8000-000000000003
network=/run/systemd/network
kept=/var/lib/volt/zones

restore() {
    set +e
    systemctl kill --signal=CONT systemd-networkd 2>/dev/null
    systemctl stop 'volt-vm@*.service'
    rm -rf /run/systemd/system/volt-vm@*.service.d /etc/volt/vms/* /etc/volt/zones "$kept"
    rm -rf /etc/systemd/network/10-volt-vmm-br0.network.d
    no_foreign
    systemctl daemon-reload
    systemctl start systemd-networkd
    rm -rf $network/10-volt-vmm-br0.network.d
    networkctl reload
} >/dev/null 2>&1
trap restore EXIT

status_text() { vm_property "$1" StatusText; }
owner() { cat "$kept/$1/$2" 2>/dev/null; }
lease() { echo "$network/10-volt-vmm-br0.network.d/50-vm-$1-eth0.conf"; }
mac_of() { sed -nE 's/.*,mac=([0-9a-f:]{17}).*/\1/p' "/run/volt/vm/$1/taps"; }
said() {
    journalctl --sync
    console_has "$1" "$2" || fail "nothing said '$2': $(vm_console "$1")"
}

# lab_zone [LINE…] : the zone "lab" on br0, with 10.42.0.2 to 10.42.0.4 and these lines.
lab_zone() {
    mkdir -p /etc/volt/zones
    printf '%s\n' '[zone]' 'bridge = br0' 'subnet = 10.42.0.0/24' 'gateway = 10.42.0.1' 'dhcp = yes' \
        'dhcp_range = 10.42.0.100-10.42.0.199' 'reserved = 10.42.0.2-10.42.0.4' "$@" \
        >/etc/volt/zones/lab.ini
}

# foreign MAC : a machine with this MAC on br0, in a namespace, that is heard.
foreign() {
    ip netns add foreign
    ip link add to-foreign type veth peer name eth0 netns foreign
    ip -n foreign link set eth0 address "$1"
    ip link set to-foreign master br0 up
    ip -n foreign link set eth0 up
    ip -n foreign address add 10.42.0.250/24 dev eth0
    wait_for 10 ip netns exec foreign ping -c 1 -W 1 10.42.0.1
    # It goes on to be heard.
    ip netns exec foreign ping -q -i 2 -w 100 10.42.0.1 >/dev/null 2>&1 &
}

no_foreign() {
    ip netns pids foreign | xargs --no-run-if-empty kill
    ip netns delete foreign
}

test_dhcp_gives_the_configured_address() { # limit 300 s
    local before lost
    lab_zone 'dns = 10.42.0.1 9.9.9.9'
    vm_ini web "$a" cmdline='volt.dhcp volt.remote'
    vm_nic web eth0 zone=lab ipv4=10.42.0.3/24
    vm_start "$a"
    wait_console "$a" 'VOLT-GUEST ADDRESS eth0 by=dhcp 10\.42\.0\.3/24 gateway=10\.42\.0\.1 dns=10\.42\.0\.1,9\.9\.9\.9'
    assert_equal "$a eth0" "$(owner lab 10.42.0.3)"
    wait_for 20 answers_ping 10.42.0.3

    # Another VM's lease makes networkd set the bridge up anew: nobody may notice.
    ping -q -i 0.1 -w 60 10.42.0.3 >/run/ping &
    stand_in other "$b" zone=lab ipv4=10.42.0.4/24
    vm_start "$b"
    assert grep -q 'Address=10.42.0.4' "$(lease "$b")"
    sleep 3
    kill -INT %1
    wait %1 || true
    lost=$(awk '/transmitted/ { print $1 - $4 }' /run/ping)
    echo "lost $lost packets while another VM started: $(grep transmitted /run/ping)"
    ((lost <= 3)) || fail "lost $lost packets: $(</run/ping)"

    # Over a restart the lease is not touched; it goes with the last of its VM.
    before=$(stat -c '%i %Y' "$(lease "$b")")
    assert systemctl restart "$(unit "$b")"
    assert_equal "$before" "$(stat -c '%i %Y' "$(lease "$b")")" 'lease file'
    vm_stop "$b"
    assert_equal '' "$(owner lab 10.42.0.4)"
    assert test -e "$(lease "$b")"
    rm /etc/volt/vms/other.ini
    systemctl daemon-reload
    vm_stop "$a"
    assert test ! -e "$(lease "$b")"
    assert test -e "$(lease "$a")"
    nothing_left "$a"
}

test_cmdline_carries_a_chosen_address() { # limit 300 s
    lab_zone 'dns = 10.42.0.1'
    vm_ini web "$a" cmdline='volt.remote'
    vm_nic web eth0 zone=lab ipv4=auto address=cmdline
    vm_start "$a"
    wait_console "$a" 'VOLT-GUEST ADDRESS eth0 by=cmdline 10\.42\.0\.2/24 gateway=10\.42\.0\.1 dns=10\.42\.0\.1'
    wait_ready "$a"
    wait_for 20 answers_ping 10.42.0.2
    assert_match ' ip=10\.42\.0\.2::10\.42\.0\.1:255\.255\.255\.0:::off:10\.42\.0\.1:( |$)' \
        "$(guest_do 10.42.0.2 'cat /proc/cmdline')"
    assert_match "^$(guest_do 10.42.0.2 'cat /sys/class/net/eth0/address')\$" "$(mac_of "$a")"
    assert test ! -e "$(lease "$a")"
    vm_stop "$a"
    nothing_left "$a"
}

test_auto_is_stable_and_one_each() {
    lab_zone
    stand_in one "$a" zone=lab ipv4=auto
    stand_in two "$b" zone=lab ipv4=auto
    systemctl daemon-reload
    systemctl start --no-block "$(unit "$a")"
    assert systemctl start "$(unit "$a")" "$(unit "$b")"
    assert_equal "$(printf '%s\n' "$a eth0" "$b eth0")" "$(sort $kept/lab/*)"
    before=$(grep -l "$b" $kept/lab/*)
    assert systemctl restart "$(unit "$b")"
    vm_stop "$a"
    vm_stop "$b"
    assert systemctl start "$(unit "$b")"
    assert systemctl start "$(unit "$a")"
    assert_equal "$before" "$(grep -l "$b" $kept/lab/*)"
    assert_match "Address=${before##*/}" "$(cat "$(lease "$b")")"
}

test_kept_address_gives_way() {
    lab_zone
    stand_in one "$a" zone=lab ipv4=auto
    vm_start "$a"
    assert_equal "$a eth0" "$(owner lab 10.42.0.2)"
    # Somebody writes down what a running VM has: it is refused, and named.
    stand_in two "$b" zone=lab ipv4=10.42.0.2/24
    systemctl daemon-reload
    assert_fails systemctl start "$(unit "$b")"
    assert_match "eth0: the address 10.42.0.2 is in use by the VM one \($a\), interface eth0" \
        "$(status_text "$b")"
    # Stopped it gives way, and gets another one.
    vm_stop "$a"
    assert systemctl start "$(unit "$b")"
    assert systemctl start "$(unit "$a")"
    assert_equal "$b eth0" "$(owner lab 10.42.0.2)"
    assert_equal "$a eth0" "$(owner lab 10.42.0.3)"
    vm_stop "$b"
    assert_equal '' "$(owner lab 10.42.0.2)"
}

test_addresses_of_vms_that_are_gone() {
    lab_zone
    mkdir -p $kept/lab
    # The zone's three: one of a VM that is gone, one damaged by a power failure, one free.
    echo 'd0000026-0000-4000-8000-000000000004 eth0' >$kept/lab/10.42.0.2
    : >$kept/lab/10.42.0.3
    stand_in one "$a" zone=lab ipv4=auto
    stand_in two "$b" zone=lab ipv4=auto
    stand_in three "$c" zone=lab ipv4=auto
    systemctl daemon-reload
    for uuid in "$a" "$b" "$c"; do
        assert systemctl start "$(unit "$uuid")"
    done
    assert_equal "$a eth0" "$(owner lab 10.42.0.3)"
    assert_equal "$b eth0" "$(owner lab 10.42.0.4)"
    assert_equal "$c eth0" "$(owner lab 10.42.0.2)"
    stand_in four d0000026-0000-4000-8000-000000000004 zone=lab ipv4=auto
    systemctl daemon-reload
    assert_fails systemctl start "$(unit d0000026-0000-4000-8000-000000000004)"
    assert_match 'no address of the zone lab is free' "$(status_text d0000026-0000-4000-8000-000000000004)"
    nothing_left d0000026-0000-4000-8000-000000000004
}

test_derived_mac_gives_way() {
    local derived
    stand_in one "$a" ipv4=10.42.0.10/24
    vm_start "$a"
    derived=$(mac_of "$a")
    said "$a" "^mac $derived ip"
    vm_stop "$a"
    foreign "$derived"
    assert systemctl start "$(unit "$a")"
    said "$a" "eth0: the derived MAC address $derived is in use by a machine on the port to-foreign of the bridge br0"
    assert test "$(mac_of "$a")" != "$derived"
    said "$a" "^mac $(mac_of "$a") ip"
    assert grep -qF "MACAddress=$(mac_of "$a")" "$(lease "$a")"
    before=$(mac_of "$a")
    assert systemctl restart "$(unit "$a")"
    assert_equal "$before" "$(mac_of "$a")"
}

test_configured_mac_is_refused() {
    local mac=52:54:00:26:00:01
    foreign $mac
    stand_in one "$a" mac=$mac
    systemctl daemon-reload
    assert_fails systemctl start "$(unit "$a")"
    assert_match "the MAC address $mac is in use by a machine on the port to-foreign of the bridge br0, no VM of Volt" \
        "$(status_text "$a")"
    nothing_left "$a"
    no_foreign
    wait_for 5 test ! -e /sys/class/net/to-foreign
    assert systemctl start "$(unit "$a")"

    # The file of a running VM is changed; what it has is not free yet.
    stand_in one "$a" mac=52:54:00:26:00:02
    stand_in two "$b" mac=$mac
    systemctl daemon-reload
    assert_fails systemctl start "$(unit "$b")"
    assert_match "the MAC address $mac is in use by the VM one \($a\), interface eth0" \
        "$(status_text "$b")"
    vm_stop "$a"
    assert systemctl start "$(unit "$b")"
}

test_bridge_without_dhcp_server() {
    mkdir -p /etc/systemd/network/10-volt-vmm-br0.network.d
    printf '[Network]\nDHCPServer=no\n' >/etc/systemd/network/10-volt-vmm-br0.network.d/50.conf
    networkctl reload
    stand_in one "$a" ipv4=10.42.0.10/24
    vm_start "$a"
    said "$a" 'eth0: 10-volt-vmm-br0.network, which is about the bridge br0, has no DHCPServer=yes, so nobody gives the guest its address 10.42.0.10 by DHCP: write address = cmdline'
    assert test ! -e "$(lease "$a")"
    vm_stop "$a"
    systemctl stop systemd-networkd.socket systemd-networkd.service
    rm -r /etc/systemd/network/10-volt-vmm-br0.network.d
    assert systemctl start "$(unit "$a")"
    said "$a" 'eth0: without systemd-networkd nobody gives the guest its address 10.42.0.10 by DHCP'
    systemctl start systemd-networkd
}

test_zone_without_dns_has_the_hosts() {
    local saved
    saved=$(cat /etc/resolv.conf || true)
    lab_zone
    printf 'nameserver 127.0.0.53\nnameserver 192.0.2.53\n' >/etc/resolv.conf
    stand_in one "$a" zone=lab ipv4=auto address=cmdline
    stand_in two "$b" zone=lab ipv4=auto
    systemctl daemon-reload
    systemctl start "$(unit "$a")" "$(unit "$b")" && started=yes || started=no
    echo "$saved" >/etc/resolv.conf
    assert_equal yes $started
    said "$a" 'ip=10\.42\.0\.[234]::10\.42\.0\.1:255\.255\.255\.0:::off:192\.0\.2\.53:$'
    assert_match 'Router=10.42.0.1.DNS=192.0.2.53' "$(cat $network/10-volt-vmm-br0.network.d/40-volt-zone.conf)"
}

# Guests that identify themselves another way than by their MAC: systemd 254 knows them, too.
test_dhcp_client_with_another_identifier() {
    local version
    version=$(networkctl --version | sed -nE '1s/systemd ([0-9]+).*/\1/p')
    ((version >= 254)) || skip "systemd $version matches leases by client identifier alone"
    foreign 52:54:00:26:00:03
    stand_in one "$a" mac=52:54:00:26:00:04 ipv4=10.42.0.10/24
    vm_start "$a"
    vm_stop "$a"
    ip -n foreign link set eth0 address 52:54:00:26:00:04
    assert_match 'lease of 10\.42\.0\.10 obtained' \
        "$(ip netns exec foreign busybox udhcpc -n -q -i eth0 -s /bin/true -x 0x3d:ff0102030405 2>&1)"
}
