# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the test scripts in t/, which run inside the lab: VMs, waiting, assertions.

guest_initrd=/var/lib/volt/images/guest.cpio
# shellcheck disable=SC2034 # for the tests
guest_bzimage=/var/lib/volt/images/debian-12.bzImage
# For vm_ini: a payload of tests/guest that does nothing but to power off at the button. It is up at once,
# where it matters what the host does.
# shellcheck disable=SC2034 # for the tests
bare_guest=(kernel=/lab/guest/tests/guest/guest-exits initrd='' memory_mib=32 cmdline=button)

# ---- assertions: each ends the test, and says what it wanted

fail() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# skip REASON : the test cannot be made here.
skip() {
    printf '%s\n' "$*" >"$SKIP_FILE"
    exit 77
}

# assert COMMAND… : it succeeds.
assert() { "$@" || fail "$* (status $?)"; }

# assert_fails COMMAND… : it does not.
assert_fails() { ! "$@" || fail "$* succeeded"; }

# assert_equal WANTED GOT [WHAT]
assert_equal() { [[ $1 == "$2" ]] || fail "${3:-value}: wanted '$1', got '$2'"; }

# assert_match REGEX TEXT [WHAT]
assert_match() { [[ $2 =~ $1 ]] || fail "${3:-text}: nothing matches '$1' in: $2"; }

# wait_for SECONDS COMMAND… : until it succeeds; its output is thrown away.
wait_for() {
    local seconds=$1 end=$((SECONDS + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "not within $seconds s: $*"
        sleep 0.2
    done
}

# ---- figures: what a test has measured, shown with its result

figures() { echo "# figures: $*"; }

# since TIME [FORMAT] : seconds from then, an $EPOCHREALTIME of the past, until now; printf's format, %.0f unless given.
since() { awk "BEGIN { printf \"${2:-%.0f}\", $EPOCHREALTIME - $1 }"; }

# ---- VMs

# vm_ini NAME UUID [KEY=VALUE…] : writes NAME.ini with these keys in [vm], and ours for the rest; a key
# without a value is left out. The kernel is quiet: in the emulator each character on the console takes its time.
vm_ini() {
    local name=$1 uuid=$2 setting
    local -A settings=(
        [vcpus]=1 [memory_mib]=256 [kernel]=debian-12 [initrd]=$guest_initrd
    )
    shift 2
    for setting; do
        settings[${setting%%=*}]=${setting#*=}
    done
    settings[cmdline]="quiet ${settings[cmdline]:-}"
    mkdir -p /etc/volt/vms
    {
        echo '[vm]'
        echo "uuid = $uuid"
        for setting in "${!settings[@]}"; do
            [[ -z ${settings[$setting]} ]] || echo "$setting = ${settings[$setting]}"
        done
    } >"/etc/volt/vms/$name.ini"
}

# vm_nic NAME ID [KEY=VALUE…] : adds a [network ID] section with these keys; bridge = br0 unless given.
vm_nic() {
    local file=/etc/volt/vms/$1.ini id=$2
    shift 2
    printf '\n[network %s]\n' "$id" >>"$file"
    [[ " $*" == *' bridge='* || " $*" == *' zone='* ]] || echo 'bridge = br0' >>"$file"
    (($# == 0)) || printf '%s\n' "$@" >>"$file"
}

# vm_without_restart UUID : a failure stays to be looked at, until the test's end.
vm_without_restart() {
    without_restart_dir=/run/systemd/system/volt-vm@$1.service.d
    mkdir -p "$without_restart_dir"
    printf '[Service]\nRestart=no\n' >"$without_restart_dir/60-test.conf"
    trap 'rm -rf "$without_restart_dir"' EXIT
}

# stand_in NAME UUID [KEY=VALUE…] : a VM with one interface of these keys, and a sleep in place of its VMM.
stand_in() {
    local name=$1 uuid=$2 dir=/run/systemd/system/volt-vm@$2.service.d
    shift 2
    vm_ini "$name" "$uuid"
    vm_nic "$name" eth0 "$@"
    mkdir -p "$dir"
    cat >"$dir/60-stand-in.conf" <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
NotifyAccess=all
WatchdogSec=0
Restart=no
ExecStart=
ExecStart=/usr/bin/sh -c 'echo mac ${VOLT_MAC_0} ip ${VOLT_IP}; systemd-notify --ready; exec sleep infinity'
END
}

unit() { echo "volt-vm@$1.service"; }

vm_start() { systemctl daemon-reload && systemctl start "$(unit "$1")"; }
vm_stop() { systemctl stop "$(unit "$1")"; }
vm_property() { systemctl show --property "$2" --value "$(unit "$1")"; }
vm_pid() { vm_property "$1" MainPID; }

# vm_console UUID : what guest and VMM have said since the last start.
vm_console() {
    journalctl --quiet --output=cat _SYSTEMD_INVOCATION_ID="$(vm_property "$1" InvocationID)"
}

# vm_log UUID : all that the journal has of this VM, systemd's own lines too.
vm_log() { journalctl --quiet --output=cat --unit "$(unit "$1")"; }

console_has() { vm_console "$1" | grep -qE -- "$2"; }
log_has() { vm_log "$1" | grep -qE -- "$2"; }

# wait_console UUID REGEX [SECONDS] : one process that sleeps until there is a line, where many that look for
# it would keep the guest from its work. Looks now and then whether the VM was started anew.
wait_console() {
    local id end=$((SECONDS + ${3:-60} + 1))
    while id=$(vm_property "$1" InvocationID) && ! console_follows "$id" "$2"; do
        ((SECONDS < end)) || fail "not within ${3:-60} s on the console: $2"
        [[ -n $id ]] || sleep 0.2
    done
}

# console_follows INVOCATION REGEX : there is such a line, or is within some seconds.
console_follows() {
    [[ -n $1 ]] && grep -qm 1 -E -- "$2" < <(exec timeout 4 journalctl --quiet --follow --lines=all \
        --output=cat _SYSTEMD_INVOCATION_ID="$1" 2>/dev/null)
}

# wait_ready UUID : the guest is up.
wait_ready() { wait_console "$1" '^VOLT-GUEST READY'; }

# guest_do ADDRESS COMMAND : a shell command in a guest that has volt.remote; its output.
guest_do() { echo "$2" | timeout 20 busybox nc -w 5 "$1" 7; }

answers_ping() { ping -c 1 -W 1 "$1"; }
unit_is() { [[ $(systemctl is-active "$1") == "$2" ]]; }
vm_is() { unit_is "$(unit "$1")" "$2"; }

# nothing_left UUID : no link, no file, no process, no fd in the store.
nothing_left() {
    local tap=tap-${1%%-*}
    ! ip link show "$tap" >/dev/null 2>&1 || fail "$tap is still there"
    [[ ! -e /run/volt/vm/$1 ]] || fail "/run/volt/vm/$1 is still there"
    ! compgen -G "/run/systemd/network/50-vm-$1-*" || fail 'networkd files are still there'
    [[ -z $(pgrep -f "volt-vmm.*$1") ]] || fail 'a volt-vmm is still there'
    assert_equal 0 "$(vm_property "$1" NFileDescriptorStore)" 'stored fds'
}

# ---- Debian guests, where the lab has the disk with them

debian_images=/var/lib/volt/debian
debian_key=/run/lab-debian-key

# needs_debian : else the test is skipped.
needs_debian() {
    [[ -e $debian_images/debian-13.raw ]] ||
        skip "takes minutes: tests/lab/test $(basename "${BASH_SOURCE[1]}" .sh)"
}

# debian_ini UUID NUMBER [KEY=VALUE…] : debian.ini is Debian 13's root file system with these keys in [vm], called
# web-NUMBER, at 10.42.0.NUMBER, with a key for root.
debian_ini() {
    local uuid=$1 number=$2
    shift 2
    modprobe vhost_vsock
    [[ -e $debian_key ]] || ssh-keygen -q -t ed25519 -N '' -f "$debian_key"
    # The guest's own limits are made for hardware: a minute and a half for a unit and a device, two for a login.
    vm_ini debian "$uuid" memory_mib=512 ready_timeout_sec=900 stop_timeout_sec=200 \
        cmdline='systemd.show_status=yes systemd.default_timeout_start_sec=600 systemd.default_device_timeout_sec=600' "$@"
    cat >>/etc/volt/vms/debian.ini <<END
[disk root]
path = $debian_images/debian-13.raw

[vsock]

[console]

[credentials]
system.hostname = web-$number
ssh.authorized_keys.root = @$debian_key.pub
tmpfiles.extra = f /etc/ssh/sshd_config.d/slow.conf - - - - LoginGraceTime 0

[network eth0]
zone = default
ipv4 = 10.42.0.$number/24
address = cmdline
END
}

# debian_ssh HOST COMMAND [OPTION…] : the command's output, by SSH as root.
debian_ssh() {
    ssh -q -i "$debian_key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o KexAlgorithms=curve25519-sha256 "${@:3}" "root@$1" "$2"
}

# ---- the host

# host_state : a text to compare: what may not grow from start to start.
host_state() {
    ip -brief link | awk '{ print "link", $1 }'
    find /run/systemd/network /run/volt -path /run/volt/root -prune -o -printf 'file %p\n' 2>/dev/null | sort
    echo "fds of PID 1: $(find /proc/1/fd -mindepth 1 | wc -l)"
    echo "fds of networkd: $(find "/proc/$(pidof systemd-networkd)/fd" -mindepth 1 | wc -l)"
}

# clean_up : what the runner does between two tests. Each call of systemctl takes its time in the emulator.
clean_up() {
    local units
    units=$(systemctl --plain --no-legend list-units 'volt-vm@*')
    [[ -n $units ]] || compgen -G '/etc/volt/vms/*' || compgen -G '/run/volt/v*/*' || return 0
    if grep -vE '^[^ ]+ +[^ ]+ +(inactive|failed) ' <<<"$units"; then
        systemctl stop --no-block 'volt-vm@*.service'
        systemctl kill --signal=KILL 'volt-vm@*.service'
        systemctl stop 'volt-vm@*.service'
    fi
    rm -rf /etc/volt/vms/* /run/volt/vms/* /usr/lib/volt/vms/*
    systemctl daemon-reload
    systemctl reset-failed
    systemctl --quiet is-active systemd-networkd.service || systemctl start systemd-networkd.service
} >/dev/null 2>&1
