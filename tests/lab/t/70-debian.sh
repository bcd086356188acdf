# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# needs --debian
# A stock Debian 13 with the kernels of Debian 12 and 13 and the newest: systemd in the guest meets
# systemd on the host. All boot the same disk, one after the other.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=7d7d7d7d-0000-4000-8000-000000000070
screen=/run/lab-debian-screen

# debian KERNEL [KEY=VALUE…] : debian.ini with these keys in [vm] is started: it is up then.
debian() {
    needs_debian
    local kernel=$1 begin=$EPOCHREALTIME
    shift
    # A failure stays to be looked at.
    vm_without_restart "$uuid"
    debian_ini "$uuid" 70 kernel="$debian_images/$kernel.bzImage" initrd="$debian_images/$kernel.initrd" "$@"
    watch &
    vm_start "$uuid" || {
        tail --lines=40 "$screen"
        fail "$kernel is not up"
    }
    assert console_has "$uuid" 'The guest says that it is ready'
    assert_match 'Running' "$(vm_property "$uuid" StatusText)" 'status'
    figures "$kernel: ready after $(since "$begin") s, the VMM holds $(resident) MiB of the guest's 512"
}

# watch : what the guest shows at hvc0, into a file, from soon after the start until it ends.
watch() {
    local try
    for ((try = 0; try < 60; try++)); do
        volt-console --watch debian >"$screen" 2>/dev/null </dev/null && return
        sleep 1
    done
}

resident() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$(vm_pid "$uuid")/status"; }

# in_guest COMMAND : by SSH over vsock, for which the guest's systemd listens by itself. The CID is not the
# host's name here: ssh takes a number for an IPv4 address.
in_guest() {
    local cid
    cid=$(sed -n 's/^VOLT_CID=//p' "/run/volt/vm/$uuid/environment")
    debian_ssh debian "$1" -o "ProxyCommand=socat -t 100 - VSOCK-CONNECT:${cid:?}:22"
}

# powered_off_by COMMAND… : the guest, and nothing is left of it. The connection may end before the command.
powered_off_by() {
    local begin=$EPOCHREALTIME
    "$@" || true
    wait_for 200 vm_is "$uuid" inactive
    figures "powered off after $(since "$begin") s"
    assert_equal success "$(vm_property "$uuid" Result)"
    assert_equal '' "$(machinectl list --no-legend)" 'machines'
    nothing_left "$uuid"
}

asks_for_a_login() { grep -aq 'web-70 login:' "$screen"; }

test_debian_13_is_up_when_start_returns_and_powers_itself_off() { # limit 1200 s
    local said begin
    debian debian-13 readiness=guest
    assert ping -c 2 -W 5 10.42.0.70
    assert_match '^debian +vm +volt ' "$(machinectl list --no-legend)" 'machines'
    assert_match "Leader: $(vm_pid "$uuid") \(volt-vmm\)" "$(machinectl status debian --no-pager)" 'status'

    # Nothing is waited for: a guest that says that it is ready has reached what it boots for.
    begin=$EPOCHREALTIME
    mapfile -t said < <(in_guest 'systemctl is-active multi-user.target; uname -r; hostname
        systemctl --failed --no-legend | wc -l; findmnt --noheadings --output FSTYPE,SOURCE /
        cat /proc/1/comm /root/.ssh/authorized_keys')
    figures "a command by SSH over vsock: $(since "$begin") s"
    assert_equal active "${said[0]:-}" 'multi-user.target'
    assert_match '^6\.12\.' "${said[1]}" 'its kernel'
    assert_equal web-70 "${said[2]}" 'its name, by a credential'
    assert_equal 0 "${said[3]}" 'failed units in the guest'
    assert_match '^ext4 +/dev/vda$' "${said[4]}" 'its root file system'
    assert_equal systemd "${said[5]}" 'its PID 1'
    assert_equal "$(<"$debian_key.pub")" "${said[6]}" "root's key, by a credential"
    wait_for 60 asks_for_a_login

    powered_off_by in_guest 'systemctl poweroff'
    assert log_has "$uuid" 'The guest says that it powers off'
}

# By default a guest that asks for it is waited for, too.
test_the_newest_kernel_boots_it_and_stop_powers_it_off() { # limit 1200 s
    debian debian-new
    assert_match '^active 7\..* web-70$' \
        "$(in_guest 'systemctl is-active multi-user.target; uname -r; hostname' | xargs)" 'state, kernel and name'
    powered_off_by vm_stop "$uuid"
}

test_debian_12s_kernel_boots_it_and_machinectl_powers_it_off() { # limit 1200 s
    debian debian-12
    assert_match '^active 6\.1\..* web-70$' \
        "$(in_guest 'systemctl is-active multi-user.target; uname -r; hostname' | xargs)" 'state, kernel and name'
    powered_off_by machinectl poweroff debian
}
