# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sockets between guest and host, and what the guest says of itself by them.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=6d6d6d6d-0000-4000-8000-000000000046
other=6e6e6e6e-0000-4000-8000-000000000047

# vsock_ini NAME UUID CID [KEY=VALUE…] : a VM with a [vsock].
vsock_ini() {
    local name=$1 id=$2 cid=$3
    shift 3
    vm_ini "$name" "$id" "$@"
    printf '\n[vsock]\ncid = %s\n' "$cid" >>"/etc/volt/vms/$name.ini"
}

cid() { sed -n 's/^VOLT_CID=//p' "/run/volt/vm/$1/environment"; }

# in_guest COMMAND [UUID] : in a guest that serves a shell at port 7.
in_guest() { echo "$1" | timeout 30 socat -t 20 -T 20 - "VSOCK-CONNECT:$(cid "${2:-$uuid}"):7"; }

status_has() { [[ $(vm_property "$uuid" StatusText) == *"$1"* ]]; }
vhosts_of() { find "/proc/$1/fd" -lname '*/vhost-vsock' 2>/dev/null | wc -l; }
systemd_holds_none() { [[ $(vhosts_of 1) == 0 ]]; }

test_a_guest_talks_by_sockets_and_says_when_it_is_ready() { # limit 480 s
    local first port
    # Failures stay to be looked at.
    mkdir -p /run/systemd/system/volt-vm@.service.d
    trap 'rm -rf /run/systemd/system/volt-vm@.service.d' EXIT
    printf '[Service]\nRestart=no\n' >/run/systemd/system/volt-vm@.service.d/60-test.conf
    vsock_ini web "$uuid" auto readiness=guest ready_timeout_sec=100 'cmdline=volt.load=vsock volt.vsock'
    vsock_ini second "$other" auto readiness=vmm 'cmdline=volt.load=vsock volt.vsock'
    assert systemctl daemon-reload
    assert systemctl start --no-block "$(unit "$uuid")" "$(unit "$other")"
    wait_ready "$uuid"
    assert status_has "Booting; waiting for the guest's READY=1"
    first=$(cid "$uuid")
    assert_equal "$uuid" "$(cat "/var/lib/volt/vsock/$first")" 'what is kept'
    # A shell command, there and back.
    assert_match 'Linux' "$(in_guest uname)" 'the answer'
    # An owned one holds the guest's memory: the VMM has it, and nobody else.
    assert_equal 1 "$(vhosts_of "$(vm_pid "$uuid")")" 'vhost descriptors of the VMM'
    wait_for 10 systemd_holds_none

    # Strangers: a port that is anybody's in the guest, another guest, and the host.
    in_guest 'vsock notify READY=1 2000; echo' >/dev/null
    wait_for 10 log_has "$uuid" "Port 2000 of CID $first is refused"
    port=$(in_guest 'vsock address')
    assert_match '^[0-9]+$' "$port" 'port'
    wait_ready "$other"
    in_guest "vsock notify READY=1 1023 $port; echo" "$other" >/dev/null
    wait_for 10 log_has "$uuid" "Port 1023 of CID $(cid "$other") is refused: ports below 1024 of CID $first"
    systemctl kill --signal=KILL "$(unit "$other")"
    modprobe vsock_loopback || true
    echo READY=1 | timeout 10 socat - "VSOCK-CONNECT:2:$port" || true
    assert vm_is "$uuid" activating

    in_guest 'vsock notify "STATUS=half way"; echo' >/dev/null
    wait_for 10 status_has 'guest: half way'
    assert vm_is "$uuid" activating
    in_guest 'vsock notify READY=1; echo' >/dev/null
    wait_for 10 vm_is "$uuid" active
    assert status_has 'Running'

    # What is taken is another VM's, by name.
    vsock_ini second "$other" "$first"
    assert_fails vm_start "$other"
    assert_match "vsock: CID $first is in use by VM web \($uuid\)" "$(vm_property "$other" StatusText)"
    rm /etc/volt/vms/second.ini

    # shellcheck disable=SC2016 # the guest's to expand
    in_guest 'vsock notify "$(printf "EXIT_STATUS=7\nX_SYSTEMD_SHUTDOWN=poweroff")"; poweroff -f' >/dev/null || true
    wait_for 20 vm_is "$uuid" failed
    assert_equal 7 "$(vm_property "$uuid" ExecMainStatus)" 'exit status'
    assert log_has "$uuid" 'The guest says that it powers off'

    # The same again, and a limit that it will not keep.
    sed -i 's/ready_timeout_sec.*/ready_timeout_sec = 2/' /etc/volt/vms/web.ini
    assert_fails vm_start "$uuid"
    assert_equal 104 "$(vm_property "$uuid" ExecMainStatus)" 'exit status'
    assert status_has 'The guest did not report readiness within 2 s and was ended'

    # Nobody asked, and the guest knows nothing of it.
    sed -i '/^readiness/d' /etc/volt/vms/web.ini
    assert vm_start "$uuid"
    assert_equal "$first" "$(cid "$uuid")" 'CID, once more'
    assert log_has "$uuid" 'The guest did not report readiness within 2 s, nor anything else; it counts as started'
    # It still boots, and would take its time to hear the power button.
    systemctl kill --signal=KILL "$(unit "$uuid")"
    wait_for 30 vm_is "$uuid" failed
    nothing_left "$uuid"
}
