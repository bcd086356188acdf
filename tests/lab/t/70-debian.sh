# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# needs --debian
# A stock Debian 13 with the kernels of Debian 12 and 13 and the newest: systemd in the guest meets
# systemd on the host. All boot the same disk, one after the other.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=7d7d7d7d-0000-4000-8000-000000000070
images=/var/lib/volt/debian
key=/run/lab-debian-key
screen=/run/lab-debian-screen
# The guest's own limits are made for hardware: a minute and a half for a unit and a device, two for a login.
words='systemd.show_status=yes systemd.default_timeout_start_sec=600 systemd.default_device_timeout_sec=600'

# debian KERNEL [KEY=VALUE…] : debian.ini with these keys in [vm] is started: it is up then.
debian() {
    [[ -e $images/debian-13.raw ]] || skip 'takes minutes: tests/lab/test 70-debian'
    local kernel=$1 begin=$EPOCHREALTIME
    shift
    modprobe vhost_vsock
    [[ -e $key ]] || ssh-keygen -q -t ed25519 -N '' -f "$key"
    # Large pages spare the emulator three exits of four.
    echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
    # A failure stays to be looked at.
    vm_without_restart "$uuid"
    vm_ini debian "$uuid" memory_mib=512 kernel="$images/$kernel.bzImage" initrd="$images/$kernel.initrd" \
        hugepages=thp cmdline="$words" ready_timeout_sec=900 stop_timeout_sec=200 "$@"
    cat >>/etc/volt/vms/debian.ini <<END
[disk root]
path = $images/debian-13.raw

[vsock]

[console]

[credentials]
system.hostname = web-13
ssh.authorized_keys.root = @$key.pub
tmpfiles.extra = f /etc/ssh/sshd_config.d/slow.conf - - - - LoginGraceTime 0

[network eth0]
zone = default
ipv4 = 10.42.0.70/24
address = cmdline
END
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

figures() { echo "# figures: $*"; }
since() { awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $1 }"; }
resident() { awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$(vm_pid "$uuid")/status"; }

# in_guest COMMAND : by SSH over vsock, for which the guest's systemd listens by itself. The CID is not the
# host's name here: ssh takes a number for an IPv4 address.
in_guest() {
    local cid
    cid=$(sed -n 's/^VOLT_CID=//p' "/run/volt/vm/$uuid/environment")
    ssh -q -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o KexAlgorithms=curve25519-sha256 -o "ProxyCommand=socat -t 100 - VSOCK-CONNECT:${cid:?}:22" \
        root@debian "$1"
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

asks_for_a_login() { grep -aq 'web-13 login:' "$screen"; }

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
    assert_equal web-13 "${said[2]}" 'its name, by a credential'
    assert_equal 0 "${said[3]}" 'failed units in the guest'
    assert_match '^ext4 +/dev/vda$' "${said[4]}" 'its root file system'
    assert_equal systemd "${said[5]}" 'its PID 1'
    assert_equal "$(<"$key.pub")" "${said[6]}" "root's key, by a credential"
    wait_for 60 asks_for_a_login

    powered_off_by in_guest 'systemctl poweroff'
    assert log_has "$uuid" 'The guest says that it powers off'
}

# By default a guest that asks for it is waited for, too.
test_the_newest_kernel_boots_it_and_stop_powers_it_off() { # limit 1200 s
    debian debian-new
    assert_match '^active 7\..* web-13$' \
        "$(in_guest 'systemctl is-active multi-user.target; uname -r; hostname' | xargs)" 'state, kernel and name'
    powered_off_by vm_stop "$uuid"
}

test_debian_12s_kernel_boots_it_and_machinectl_powers_it_off() { # limit 1200 s
    debian debian-12
    assert_match '^active 6\.1\..* web-13$' \
        "$(in_guest 'systemctl is-active multi-user.target; uname -r; hostname' | xargs)" 'state, kernel and name'
    powered_off_by machinectl poweroff debian
}
