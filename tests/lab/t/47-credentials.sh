# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Credentials: from the INI file and from the unit, by way of SMBIOS, into the guest and nowhere else.
# And the limits of the service, where the kernel has them.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=47474747-0000-4000-8000-000000000047
address=10.42.0.47
keys=/etc/volt/keys
drop_in=/run/systemd/system/volt-vm@$uuid.service.d

# private_memory : what the VMM has in memory but the guest's, which is left out of core dumps (dd).
private_memory() {
    local pid from to
    pid=$(vm_pid "$uuid")
    awk '$1 ~ /^[0-9a-f]+-[0-9a-f]+$/ { range = $1; own = $2 ~ /^rw/ && ($6 == "" || $6 ~ /^\[(heap|stack)/) }
        /^VmFlags:/ && own && !/ dd( |$)/ { sub("-", " ", range); print range }' "/proc/$pid/smaps" |
        while read -r from to; do
            dd if="/proc/$pid/mem" bs=4096 skip=$((16#$from / 4096)) count=$(((16#$to - 16#$from) / 4096)) status=none
        done
}

# limit FILE WANTED [GROUP] : a file of the VM's control group, or another one.
limit() { assert_equal "$2" "$(cat "/sys/fs/cgroup${3:-$(vm_property "$uuid" ControlGroup)}/$1")" "$1"; }

# affinities : the CPUs on which the VMM's threads may run.
affinities() { sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' "/proc/$(vm_pid "$uuid")"/task/*/status | sort -u; }

# The words of the INI file as they are; what systemd would take apart in them is left alone.
test_credentials_and_limits() {
    # shellcheck disable=SC2016,SC1003 # as it is
    local strings expected slice text='50 %i of "it": \n ${HOME} $$ \'
    modprobe bfq # the scheduler that knows weights
    mkdir -p "$keys" "$drop_in"
    trap 'rm -rf "$keys" "$drop_in"; systemctl daemon-reload' EXIT
    head -c 2000 /dev/urandom >"$keys/binary-100%"
    printf 'swordfish-from-a-file' >"$keys/secret"
    printf '\0\n' >"$keys/drop-in"
    chmod 600 "$keys"/*
    printf '[Service]\nLoadCredential=from.drop-in:%s/drop-in\nSetCredential=set.drop-in:as it is\n' "$keys" >"$drop_in/70-test.conf"
    vm_ini web "$uuid" "cmdline=volt.remote volt.ip=$address/24" cpus=0 cpu_weight=200 cpu_quota=150% \
        io_weight=50 memory_max=400M
    vm_nic web eth0
    cat >>/etc/volt/vms/web.ini <<END
[credentials]
system.hostname = web
text = $text
a-b%20 = :x
binary = @$keys/binary-100%
secret = @$keys/secret
END
    assert vm_start "$uuid"
    wait_ready "$uuid"

    assert_equal "$uuid" "$(guest_do "$address" 'cat /sys/class/dmi/id/product_uuid')" 'product_uuid'
    strings=$(guest_do "$address" "tail -c +6 /sys/firmware/dmi/entries/11-0/raw | tr '\0' '\n' | sort")
    expected=$(
        sort <<END

io.systemd.credential:system.hostname=web
io.systemd.credential:text=$text
io.systemd.credential:a-b%20=:x
io.systemd.credential:set.drop-in=as it is
io.systemd.credential:secret=swordfish-from-a-file
io.systemd.credential.binary:binary=$(base64 --wrap=0 "$keys/binary-100%")
io.systemd.credential.binary:from.drop-in=AAo=
END
    )
    assert_equal "$expected" "$strings" 'OEM strings'

    private_memory >/run/private-memory
    assert grep -q "$uuid" /run/private-memory # it is what it should be
    assert_fails grep -q swordfish /run/private-memory
    rm /run/private-memory
    assert_fails log_has "$uuid" swordfish

    limit cpuset.cpus 0
    limit cpu.weight 200
    limit cpu.max '150000 100000'
    limit memory.max 419430400
    limit io.bfq.weight 'default 50'
    assert_equal 0 "$(affinities)" 'the CPUs'
    # The kernel's threads for the VM have a slice of their own, and the limits to the CPU there.
    slice=/volt.slice/volt-${uuid//-/}.slice
    limit cpuset.cpus 0 "$slice"
    limit cpu.weight 200 "$slice"
    limit cpu.max '150000 100000' "$slice"
    # With CPUs of its own, too, none of those is left that would keep it from being frozen.
    assert_fails log_has "$uuid" 'cannot be frozen'
    assert systemctl freeze "$(unit "$uuid")"
    assert_fails answers_ping "$address"
    assert systemctl thaw "$(unit "$uuid")"
    wait_for 30 answers_ping "$address"
    assert vm_stop "$uuid"
    nothing_left "$uuid"
}

test_a_missing_credential_is_said() {
    vm_ini web "$uuid"
    vm_without_restart "$uuid"
    printf '[credentials]\nkey = @%s/none\n' "$keys" >>/etc/volt/vms/web.ini
    assert_fails vm_start "$uuid"
    assert log_has "$uuid" '243/CREDENTIALS'
    assert vm_is "$uuid" failed
    nothing_left "$uuid"
}
