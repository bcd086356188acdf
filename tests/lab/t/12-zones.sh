# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Zones, as far as volt-generator and systemd are concerned. The programs are stand-ins that show their
# arguments.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=5c5c5c5c-0000-4000-8000-000000000012
other=5d5d5d5d-0000-4000-8000-000000000012
service=$(unit "$uuid")
run=/run/volt-lab-stand-in

# stand_in : volt-vmm and the helpers print each argument in <>; volt-net also does $run/net.
stand_in() {
    local program
    mkdir -p "$run" "/run/systemd/system/$service.d"
    # shellcheck disable=SC2016 # as it is
    printf '%s\n' '#!/usr/bin/bash' 'printf "net <%s>\n" "$@"' '[[ $1 != up ]] || . /run/volt-lab-stand-in/net' \
        >"$run/volt-net"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/usr/bin/bash' 'printf "open <%s>\n" "$@"' >"$run/volt-open"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/usr/bin/bash' 'printf "vmm <%s>\n" "$@"' 'systemd-notify --ready' \
        'exec sleep infinity' >"$run/volt-vmm"
    : >"$run/net"
    chmod +x "$run"/volt-*
    for program in vmm open net; do
        mount --bind "$run/volt-$program" "/usr/lib/volt/volt-$program"
    done
    # A shell needs more than the sandbox has, and its children notify.
    printf '%s\n' '[Service]' NotifyAccess=all SystemCallFilter= DynamicUser=no PrivateUsers=no \
        MemoryDenyWriteExecute=no WatchdogSec=0 >"/run/systemd/system/$service.d/90-lab.conf"
}

restore() {
    systemctl stop "$service" || :
    umount --lazy /usr/lib/volt/volt-{vmm,open,net} || :
    rm -rf "$run" "/run/systemd/system/$service.d" /etc/volt/zones/* /etc/voltainer \
        /var/lib/volt/zones/lab /run/volt/vm/"$uuid"
} 2>/dev/null
trap restore EXIT

# has LINE : a program was given this argument.
has() { vm_console "$uuid" | grep -qxF -- "$1" || fail "no line '$1' in: $(vm_console "$uuid")"; }

# start_shown : starts the VM, and waits for what its VMM was given last.
start_shown() {
    assert vm_start "$uuid"
    wait_console "$uuid" '^vmm <--stop-timeout=30>$' 10
}

test_zone_default_as_it_is_shipped() {
    stand_in
    vm_ini web "$uuid"
    vm_nic web eth0 zone=default ipv4=10.42.0.10/24 mac=52:54:00:12:34:56
    start_shown
    has 'net <--nic=eth0,mode=networkd,tap=tap-5c5c5c5c,bridge=br0,queues=1,mac=52:54:00:12:34:56,zone=default,ipv4=10.42.0.10/24,gateway=10.42.0.1,address=dhcp>'
    has 'vmm <--net=eth0,tap=fd:net.eth0,queues=1,vhost=fd:vhost.eth0,mac=52:54:00:12:34:56>'
    has 'open <--try-read-write=vhost.eth0.0=/dev/vhost-net>'
}

# host_has ADDRESS/PREFIX LINK
host_has() { ip -4 address show "$2" | grep -qF " $1 "; }

# The bridge that networkd makes is what the zone says.
test_shipped_zone_fits_the_shipped_bridge() {
    systemctl start systemd-networkd
    wait_for 20 host_has 10.42.0.1/24 br0
}

test_voltainers_zone_goes_before_the_shipped_one() {
    mkdir -p /etc/voltainer/network
    cat >/etc/voltainer/network/zone-default.yaml <<'END'
kind: NetworkZone
name: default
bridge: br0
subnet: 10.43.0.0/24
gateway: 10.43.0.1
dhcp:
  enabled: false
  range: 10.43.0.100-10.43.0.199
END
    stand_in
    vm_ini web "$uuid"
    vm_nic web eth0 zone=default ipv4=auto mac=52:54:00:12:34:56
    start_shown
    has 'net <--nic=eth0,mode=networkd,tap=tap-5c5c5c5c,bridge=br0,queues=1,mac=52:54:00:12:34:56,zone=default,ipv4=auto/24,pool=10.43.0.2-10.43.0.99,gateway=10.43.0.1,address=cmdline>'
}

# What volt-net leaves in its file is read before the VMM starts, and each variable is one argument.
test_vmm_gets_what_volt_net_decided() {
    stand_in
    cat >"$run/net" <<END
mkdir -p /run/volt/vm/$uuid
printf 'VOLT_MAC_0=02:00:00:00:00:07\nVOLT_KERNEL_CMDLINE="k x=\\\\"y z\\\\" \\\\\$HOME"\nVOLT_IP=ip=10.42.0.7::10.42.0.1:255.255.255.0::eth0:off ip=10.1.0.7::::eth1:off\n' \
    >/run/volt/vm/$uuid/environment
END
    # shellcheck disable=SC2016 # as it is
    vm_ini web "$uuid" 'cmdline=a "b" ${VOLT_IP} $VOLT_MAC_0 100%'
    vm_nic web eth0 zone=default ipv4=10.42.0.7/24 address=cmdline
    start_shown
    # shellcheck disable=SC2016
    has 'vmm <--cmdline=k x="y z" $HOME quiet a "b" ${VOLT_IP} $VOLT_MAC_0 100% ip=10.42.0.7::10.42.0.1:255.255.255.0::eth0:off ip=10.1.0.7::::eth1:off>'
    has 'vmm <--net=eth0,tap=fd:net.eth0,queues=1,vhost=fd:vhost.eth0,mac=02:00:00:00:00:07>'
}

# Were the file not there: the derived MAC, and no address.
test_vmm_starts_without_volt_nets_file() {
    stand_in
    vm_ini web "$uuid"
    vm_nic web eth0 address=cmdline ipv4=10.42.0.7/24
    start_shown
    has 'vmm <--cmdline= quiet >'
    vm_console "$uuid" | grep -qE '^vmm <--net=eth0,.*mac=[0-9a-f]{2}(:[0-9a-f]{2}){5}>$' ||
        fail "no MAC in: $(vm_console "$uuid")"
}

# The template leaves nothing but what is the VMM's own writable; volt-net runs outside of that.
test_volt_net_can_keep_addresses() {
    stand_in
    # shellcheck disable=SC2016
    echo 'mkdir -p /var/lib/volt/zones/lab && echo kept >/var/lib/volt/zones/lab/10.42.0.7' >"$run/net"
    vm_ini web "$uuid"
    vm_nic web eth0 zone=default
    start_shown
    assert_equal kept "$(cat /var/lib/volt/zones/lab/10.42.0.7)" 'the file'
}

test_bad_zone_is_said_in_the_status() {
    mkdir -p /etc/volt/zones /etc/voltainer/network
    printf '[zone]\nbridge = br0\nsubnett = 10.42.0.0/24\n' >/etc/volt/zones/typo.ini
    printf 'kind: NetworkZone\nbridge: br0\nsubnet: 10.42.0.0/99\n' >/etc/voltainer/network/zone-yaml.yaml
    vm_ini web "$uuid"
    vm_nic web eth0 zone=typo
    vm_ini db "$other"
    vm_nic db eth0 zone=yaml
    assert_fails vm_start "$uuid"
    assert_match "web.ini:[0-9]+: zone 'typo': /etc/volt/zones/typo.ini:3: unknown key 'subnett' in \[zone\]; did you mean 'subnet'\?" \
        "$(systemctl status "$service")"
    assert_match "volt-generator: web.ini:[0-9]+: zone 'typo': " "$(dmesg)"
    assert_fails systemctl start "$(unit "$other")"
    assert_match "db.ini:[0-9]+: zone 'yaml': /etc/voltainer/network/zone-yaml.yaml:3: subnet must be a network" \
        "$(systemctl status "$(unit "$other")")"
}

test_two_vms_with_one_address_name_each_other() {
    vm_ini web "$uuid"
    vm_nic web eth0 zone=default ipv4=10.42.0.10/24
    vm_ini db "$other"
    vm_nic db eth0 bridge=br0 ipv4=10.42.0.10/24
    assert_fails vm_start "$uuid"
    assert_match 'web.ini:[0-9]+: ipv4 10.42.0.10 on br0 is also that of db.ini:[0-9]+' "$(systemctl status "$service")"
    assert_fails systemctl start "$(unit "$other")"
    assert_match 'db.ini:[0-9]+: ipv4 10.42.0.10 on br0 is also that of web.ini:[0-9]+' \
        "$(systemctl status "$(unit "$other")")"
}

test_derived_mac_gives_way_and_says_so() {
    local mac
    stand_in
    vm_ini web "$uuid"
    vm_nic web eth0
    start_shown
    mac=$(vm_console "$uuid" | sed -n 's/^vmm <--net=.*mac=\(.*\)>$/\1/p')
    vm_stop "$uuid"
    vm_ini db "$other"
    vm_nic db eth0 "mac=$mac"
    start_shown
    assert_fails console_has "$uuid" "^vmm <--net=.*mac=$mac>"
    assert_match "volt-generator: web.ini:[0-9]+: the MAC address of eth0 would be $mac, which is also that of db.ini" "$(dmesg)"
}

test_systemd_has_no_complaint() {
    # shellcheck disable=SC2016 # as it is
    vm_ini web "$uuid" 'cmdline=$HOME 100%'
    vm_nic web mgmt zone=default ipv4=auto address=cmdline isolated=yes antispoof=yes rate_mbit=100
    vm_nic web data ipv4=10.42.0.9/24 multiqueue=8 mtu=9000
    systemctl daemon-reload
    assert_equal '' "$(systemd-analyze verify --man=no --generators=yes "$service" volt-web.target 2>&1)" complaints
}
