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

# debian KERNEL : debian.ini, of which nothing but the kernel differs from boot to boot.
debian() {
    [[ -e $images/debian-13.raw ]] || skip 'takes minutes: tests/lab/test 70-debian'
    modprobe vhost_vsock
    [[ -e $key ]] || ssh-keygen -q -t ed25519 -N '' -f "$key"
    mkdir -p /etc/volt/vms
    cat >/etc/volt/vms/debian.ini <<END
[vm]
uuid = $uuid
vcpus = 1
memory_mib = 512
kernel = $images/$1.bzImage
initrd = $images/$1.initrd
cmdline = quiet
readiness = guest
ready_timeout_sec = 400
stop_timeout_sec = 120

[disk root]
path = $images/debian-13.raw

[vsock]

[credentials]
system.hostname = web-13
ssh.authorized_keys.root = @$key.pub

[network eth0]
zone = default
ipv4 = 10.42.0.70/24
address = cmdline
END
    assert vm_start "$uuid"
}

# in_guest COMMAND : by SSH over vsock, for which the guest's systemd listens by itself. The CID is not the
# host's name here: ssh takes a number for an IPv4 address.
in_guest() {
    local cid
    cid=$(sed -n 's/^VOLT_CID=//p' "/run/volt/vm/$uuid/environment")
    ssh -q -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o KexAlgorithms=curve25519-sha256 -o "ProxyCommand=socat - VSOCK-CONNECT:${cid:?}:22" \
        root@debian "$1"
}

test_debian_13_is_up_when_start_returns_and_powers_itself_off() { # limit 600 s
    debian debian-13
    # Nothing is waited for here: a guest that says that it is ready has reached what it boots for.
    local said
    mapfile -t said < <(in_guest 'systemctl is-active multi-user.target; uname -r; hostname
        systemctl --failed --no-legend | wc -l; findmnt --noheadings --output FSTYPE /
        cat /root/.ssh/authorized_keys')
    assert_equal active "${said[0]:-}" 'multi-user.target'
    assert_match '^6\.12\.' "${said[1]}" 'its kernel'
    assert_equal web-13 "${said[2]}" 'its name, by a credential'
    assert_equal 0 "${said[3]}" 'failed units in the guest'
    assert_equal ext4 "${said[4]}" 'its root file system'
    assert_equal "$(cat "$key.pub")" "${said[5]}" "root's key, by a credential"
    assert ping -c 2 -W 5 10.42.0.70
    assert_match '^debian +vm ' "$(machinectl list --no-legend)" 'machines'
    in_guest 'systemctl poweroff' || true # the connection may end first
    wait_for 150 vm_is "$uuid" inactive
    assert_equal success "$(vm_property "$uuid" Result)"
    assert_equal '' "$(machinectl list --no-legend)" 'machines'
    nothing_left "$uuid"
}

test_the_newest_kernel_boots_it_and_stop_powers_it_off() { # limit 600 s
    debian debian-new
    assert_match '^7\..* web-13$' "$(in_guest 'echo "$(uname -r) $(hostname)"')" 'its kernel and name'
    assert vm_stop "$uuid"
    assert_equal success "$(vm_property "$uuid" Result)"
    nothing_left "$uuid"
}

test_debian_12s_kernel_boots_it_and_machinectl_powers_it_off() { # limit 600 s
    debian debian-12
    assert_match '^6\.1\..* web-13$' "$(in_guest 'echo "$(uname -r) $(hostname)"')" 'its kernel and name'
    assert machinectl poweroff debian
    wait_for 150 vm_is "$uuid" inactive
    assert_equal success "$(vm_property "$uuid" Result)"
    nothing_left "$uuid"
}
