# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Memory: the guest's entropy, what it frees, what it gives up, and what its memory is made of.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=4d4d4d4d-0000-4000-8000-000000000049
other=4e4e4e4e-0000-4000-8000-000000000050
service=$(unit "$uuid")
address=10.42.0.49
statistics=/run/volt/vm/$uuid/balloon

in_guest() { guest_do "$address" "$1"; }

# vm [KEY=VALUE…] : web.ini with these keys in [vm], with entropy source and balloon in the guest.
vm() {
    vm_ini web "$uuid" "cmdline=volt.load=rng,balloon volt.remote volt.ip=$address/24" "$@"
    vm_nic web eth0
}

# balloon LINE… : adds [balloon].
balloon() { printf '%s\n' '' '[balloon]' 'statistics_sec = 1' "$@" >>/etc/volt/vms/web.ini; }

# resident : MiB of the guest's memory that the host has, and what the service is charged for.
resident() { awk '/^Rss(Anon|Shmem)/ { n += $2 } END { print int(n / 1024) }' "/proc/$(vm_pid "$uuid")/status"; }
charged() { echo $(($(vm_property "$uuid" MemoryCurrent) >> 20)); }
figure() { sed -n "s/^$1=//p" "$statistics"; }

tell() { figures "$1: $(resident) MiB of the guest resident, $(charged) MiB charged to the service"; }

# fill MIB : the guest writes a file in memory, however long that takes.
fill() {
    in_guest "mkdir -p /big; mountpoint -q /big || mount -t tmpfs -o size=95% big /big; rm -f /big/*
        (dd if=/dev/zero of=/big/file bs=1M count=$1; echo $1 >/big/filled) >/dev/null 2>&1 </dev/null &" >/dev/null
}
is_filled() { [[ $(in_guest 'cat /big/filled') == "$1" ]]; }
fill_and_wait() { fill "$1" && wait_for 120 is_filled "$1"; }
less_than() { (($(resident) < $1)); }
is_figure() { [[ $(figure "$1") == "$2" ]]; }

test_a_guest_has_entropy_and_what_it_frees_goes_back() { # limit 240 s
    local full
    vm memory_mib=256
    balloon
    assert vm_start "$uuid"
    wait_ready "$uuid"
    assert_match '^virtio_rng' "$(in_guest 'cat /sys/class/misc/hw_random/rng_current')"
    assert_match '^[1-9]' "$(in_guest 'dd if=/dev/hwrng bs=64 count=8 2>/dev/null | tr -d "\0" | wc -c')"
    assert_match '[1-9]' "$(awk '/^AnonHugePages/ { n += $2 } END { print n }' "/proc/$(vm_pid "$uuid")/smaps")" 'huge pages'
    assert_fails log_has "$uuid" 'Transparent huge pages are turned off'

    wait_for 30 grep -q '^guest_free_kib=[1-9]' "$statistics"
    tell 'booted'
    fill_and_wait 100
    full=$(resident)
    tell 'the guest filled 100 MiB'
    in_guest 'rm /big/*' >/dev/null
    wait_for 60 less_than $((full - 70))
    tell 'the guest freed them'
    assert_match 'guest free [1-9][0-9]* MiB' "$(vm_property "$uuid" StatusText)"
    fill_and_wait 100 # and has them again
    assert vm_stop "$uuid"
    nothing_left "$uuid"
}

test_a_balloon_grows_while_the_guest_runs_and_gives_way() { # limit 300 s
    local before after available
    vm memory_mib=256 hugepages=no
    balloon 'free_page_reporting = no'
    assert vm_start "$uuid"
    wait_ready "$uuid"
    fill_and_wait 100
    in_guest 'rm /big/*' >/dev/null
    before=$(resident)
    available=$(in_guest "awk '/^MemAvailable/ { print int(\$2 / 1024) }' /proc/meminfo")
    tell 'the guest filled and freed 100 MiB, and reports nothing'
    echo 'size_mib = 128' >>/etc/volt/vms/web.ini
    systemctl daemon-reload
    assert systemctl reload "$service"
    assert log_has "$uuid" 'size: 0 → 128 MiB'
    wait_for 120 is_figure actual_mib 128
    after=$(in_guest "awk '/^MemAvailable/ { print int(\$2 / 1024) }' /proc/meminfo")
    tell "a balloon of 128 MiB, by reload (MemAvailable: $available MiB, then $after MiB)"
    ((after < available - 110)) || fail "MemAvailable: $available MiB, then $after MiB"
    assert less_than $((before - 60))
    wait_for 20 grep -q '^guest_free_kib=[1-9]' "$statistics"
    assert_match 'balloon 128 MiB, guest free [0-9]+ MiB' "$(vm_property "$uuid" StatusText)"

    # More than there is: the balloon gives way, and nobody is killed.
    fill $((after + 24))
    smaller() { (($(figure actual_mib) < 122)); }
    wait_for 120 smaller
    wait_for 120 is_filled $((after + 24))
    assert vm_is "$uuid" active
    assert_fails console_has "$uuid" 'Out of memory: Killed'
    tell "the guest took $((after + 24)) MiB: a balloon of $(figure actual_mib) MiB"
    assert vm_stop "$uuid"
}

test_reserved_huge_pages_are_the_guests() {
    vm_without_restart "$other"
    sysctl -q vm.nr_hugepages=80
    trap 'sysctl -q vm.nr_hugepages=0; rm -rf "$without_restart_dir"' EXIT
    (($(sysctl -n vm.nr_hugepages) == 80)) || fail 'the lab has no 160 MiB of huge pages'
    vm hugepages=yes memory_mib=128
    assert vm_start "$uuid"
    vm_ini second "$other" hugepages=yes memory_mib=128
    assert_fails vm_start "$other"
    assert_match '64 huge pages of 2 MiB are needed for 128 MiB of guest memory, and 16 of 80 are free; reserve more: sysctl vm.nr_hugepages=128' \
        "$(vm_property "$other" StatusText)"
    wait_ready "$uuid"
    assert_match '[1-9]' "$(awk '/^Shared_Hugetlb|^Private_Hugetlb/ { n += $2 } END { print n }' "/proc/$(vm_pid "$uuid")/smaps")"
    figures "$(charged) MiB charged to a service with 128 MiB of reserved huge pages"
    assert vm_stop "$uuid"
    assert_equal 80 "$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)" 'free huge pages'
}
