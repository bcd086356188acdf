# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Disks: what a guest writes and flushes outlives everything, and nobody else writes meanwhile.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=4d4d4d4d-0000-4000-8000-000000000045
other=4e4e4e4e-0000-4000-8000-000000000046
service=$(unit "$uuid")
image=/var/lib/volt/images/test.raw
address=10.42.0.45

# new_image : an empty file system, which the guest's ext4 takes.
new_image() {
    rm -f "$image"
    truncate --size=64M "$image"
    assert busybox mke2fs -F "$image" >/dev/null
}

# disk NAME ID PATH [LINE…] : adds a [disk ID] section.
disk() {
    local file=/etc/volt/vms/$1.ini
    printf '\n[disk %s]\npath = %s\n' "$2" "$3" >>"$file"
    shift 3
    (($# == 0)) || printf '%s\n' "$@" >>"$file"
}

# vm [LINE…] : web.ini with a disk of these settings, started, and waited for.
vm() {
    vm_ini web "$uuid" "cmdline=volt.remote volt.ip=$address/24" ${initrd:+"initrd=$initrd"}
    vm_nic web eth0
    disk web data "$image" "$@"
    assert vm_start "$uuid"
    wait_ready "$uuid"
}

in_guest() { guest_do "$address" "$1"; }
mounted() { in_guest "mkdir -p /mnt; mount -t ext4 $1 /dev/vda /mnt && echo MOUNTED"; }

new_process() {
    local pid
    pid=$(vm_pid "$uuid")
    [[ $pid != 0 && $pid != "$first" ]]
}

# kill_the_vmm : at any moment within a second, and until there is another.
kill_the_vmm() {
    sleep "0.$((RANDOM % 900 + 100))"
    first=$(vm_pid "$uuid")
    kill -KILL "$first"
    wait_for 30 new_process
}

# heard PROCESS : the last flush that disk-check in the guest told of.
heard() { awk -v process="$1" '$1 == process && NF == 2 { n = $2 } END { print n + 0 }' "$SCRATCH/flushes"; }

flushes_are_heard() { (($(wc -l <"$SCRATCH/flushes") > 20)); }

# fio_job KIND PARTS [LINE…] : a job file of fio's: half of the disk in parts of 256 KiB, written at random one after
# another, each flushed and then told of. deep: many requests at a time; cached: by way of the guest's page cache.
fio_job() {
    local kind=$1 parts=$2 begin=0 i
    shift 2
    printf '%s\n' '[global]' filename=/dev/vda rw=randwrite size=256k verify=crc32c thread "$@"
    case $kind in
    deep) printf '%s\n' ioengine=libaio direct=1 iodepth=16 bs=4k ;;
    cached) printf '%s\n' ioengine=psync bs=16k && begin=8192 ;;
    esac
    for ((i = 0; i < parts; i++)); do
        printf '%s\n' "[$kind$i]" "offset=$((begin + i * 256))k" "exec_postrun=(echo FLUSHED $kind $((i + 1)) >/dev/console)"
    done
}

# fio_in_guest KIND PARTS COMMAND [LINE…] : a shell command there about the job file.
fio_in_guest() {
    in_guest "cat >/tmp/$1 <<END
$(fio_job "$1" "$2" "${@:4}")
END
cd /tmp; $3"
}

# fio_told KIND : how many parts were flushed before the crash.
fio_told() {
    journalctl --quiet --output=cat _SYSTEMD_INVOCATION_ID="$invocation" |
        awk -v kind="$1" '$1 == "FLUSHED" && $2 == kind && $3 + 0 > n { n = $3 + 0 } END { print n + 0 }'
}

fio_told_enough() { (($(fio_told deep) >= 3 && $(fio_told cached) >= 3)); }

# fio_verify KIND PARTS : as many blocks must have the checksums that they were written with; fio counts those
# that it has written, too.
fio_verify() {
    local blocks=64
    [[ $1 == deep ]] || blocks=16
    [[ $(fio_in_guest "$1" "$2" "fio /tmp/$1 --output-format=json >/tmp/out 2>&1 && grep -c '\"total_ios\" : $blocks,' /tmp/out" \
        verify_only=1 direct=1) == $((2 * $2)) ]]
}

# crash_under_fio : once more with fio, which writes and verifies.
crash_under_fio() {
    local invocation first kind parts
    invocation=$(vm_property "$uuid" InvocationID)
    # What was written before must not pass for what is written now.
    in_guest 'dd if=/dev/zero of=/dev/vda bs=1M count=16 conv=fsync 2>/dev/null'
    for kind in deep cached; do
        fio_in_guest "$kind" 32 "fio /tmp/$kind >/dev/null 2>&1 &" do_verify=0 end_fsync=1 stonewall
    done
    wait_for 60 fio_told_enough
    kill_the_vmm
    wait_ready "$uuid"
    for kind in deep cached; do
        parts=$(fio_told "$kind")
        echo "fio: $parts parts were flushed ($kind)"
        assert fio_verify "$kind" "$parts"
    done
    # It would tell.
    printf 'lost' | dd of="$image" bs=1 seek=$((8192 * 1024 + 40000)) conv=notrunc status=none
    assert_fails fio_verify cached "$parts"
}

# writes_take HUNDREDTHS WORD… : so much of the guest's time at least.
writes_take() {
    local least=$1 begin end
    shift
    # shellcheck disable=SC2016 # the guest's
    read -r begin end < <(in_guest 'read a b </proc/uptime; dd if=/dev/zero of=/dev/vda oflag=direct '"$*"' 2>/dev/null
        read c d </proc/uptime; echo "${a%.*}${a#*.} ${c%.*}${c#*.}"')
    echo "$*: $begin to $end hundredths of a second"
    ((end - begin >= least))
}

# crashes_of_the_vmm [LINE…] : SIGKILL in the middle of writing, and once more under fio; what the guest
# had been told to be stable is there afterwards.
crashes_of_the_vmm() {
    local first client
    SCRATCH=$(mktemp -d)
    rm -f "$image"
    truncate --size=16M "$image"
    initrd=/var/lib/volt/images/bench.cpio vm "$@"
    assert_equal data "$(in_guest 'cat /sys/block/vda/serial')" 'serial number'
    : >"$SCRATCH/flushes"
    echo "disk-check write /dev/vda 1" | busybox nc "$address" 7 >"$SCRATCH/flushes" 2>/dev/null &
    client=$!
    wait_for 60 flushes_are_heard
    kill_the_vmm
    kill "$client" 2>/dev/null || true
    wait_ready "$uuid"
    assert_match '^VERIFIED [0-9]+' \
        "$(in_guest "disk-check verify /dev/vda 1 $(heard 0) $(heard 1) $(heard 2) $(heard 3)")"
    rm -r "$SCRATCH"
    crash_under_fio
}

test_what_is_flushed_outlives_the_vmm() { # limit 300 s
    local pid
    crashes_of_the_vmm 'engine = io_uring' 'queues = 2' 'cache = none'
    pid=$(vm_pid "$uuid")
    assert_equal 2 "$(find "/proc/$pid/fd" -lname 'anon_inode:\[io_uring\]' | wc -l)" 'rings'

    # It grows while the guest runs, and is limited; what has to wait is told.
    truncate --size=32M "$image"
    sed -i 's/^queues = 2/queues = 1\niops = 50\nmbps = 1/' /etc/volt/vms/web.ini
    systemctl daemon-reload
    assert systemctl reload "$service"
    assert log_has "$uuid" 'size: 16777216 → 33554432 bytes'
    assert log_has "$uuid" 'iops: none → 50'
    assert log_has "$uuid" 'mbps: none → 1'
    assert log_has "$uuid" 'queues: 2 → 1 takes effect at the next start'
    grown() { [[ $(in_guest 'cat /sys/block/vda/size') == 65536 ]]; }
    wait_for 20 grown
    # A tenth of a second is saved up.
    assert writes_take 280 'bs=4k count=150'
    assert writes_take 280 'bs=256k count=12'
    assert_match OK "$(in_guest 'dd if=/dev/zero of=/dev/vda bs=1M seek=31 count=1 conv=fsync 2>/dev/null && echo OK')"
    assert vm_stop "$uuid"
    nothing_left "$uuid"
}

# Where io_uring is forbidden, the thread does it, and says so.
test_what_is_flushed_outlives_the_vmm_without_io_uring() { # limit 300 s
    mkdir -p "/run/systemd/system/$service.d"
    printf '[Service]\nSystemCallFilter=~io_uring_setup\n' >"/run/systemd/system/$service.d/60-test.conf"
    # shellcheck disable=SC2064 # its name now
    trap "rm -rf '/run/systemd/system/$service.d'; systemctl daemon-reload" EXIT
    crashes_of_the_vmm
    assert log_has "$uuid" "Disk 'data' cannot have io_uring: it is forbidden here"
    assert_match 'data without io_uring' "$(vm_property "$uuid" StatusText)"
    assert vm_stop "$uuid"
    nothing_left "$uuid"
}

test_a_read_only_disk_is_not_written_to() {
    local before
    new_image
    before=$(md5sum <"$image")
    vm 'readonly = yes'
    assert_equal 1 "$(in_guest 'cat /sys/block/vda/ro')" 'read-only in the guest'
    assert_match MOUNTED "$(mounted '-o ro')"
    in_guest 'umount /mnt; dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync 2>&1' >/dev/null
    assert vm_stop "$uuid"
    assert_equal "$before" "$(md5sum <"$image")" 'the image'
}

test_trimmed_space_goes_back_to_the_host() {
    local full trimmed
    new_image
    vm
    assert_match MOUNTED "$(mounted '')"
    in_guest 'dd if=/dev/zero of=/mnt/file bs=1M count=16 2>/dev/null; sync; echo OK' >/dev/null
    full=$(stat --format=%b "$image")
    in_guest 'rm /mnt/file; sync; fstrim /mnt; sync; echo OK' >/dev/null
    trimmed=$(stat --format=%b "$image")
    ((trimmed < full - 24000)) || fail "blocks: $full, then $trimmed"
}

test_a_second_writer_is_refused_by_name() {
    new_image
    vm
    vm_ini second "$other"
    disk second data "$image"
    mkdir -p "/run/systemd/system/volt-vm@$other.service.d"
    printf '[Service]\nRestart=no\n' >"/run/systemd/system/volt-vm@$other.service.d/60-test.conf"
    trap 'rm -rf "/run/systemd/system/volt-vm@$other.service.d"' EXIT
    assert_fails vm_start "$other"
    assert_match "cannot use $image: it is in use by VM web \($uuid\)" "$(vm_property "$other" StatusText)"
    assert_match MOUNTED "$(mounted '')"
    assert vm_stop "$uuid"
    assert vm_start "$other"
    wait_ready "$other"
    assert vm_is "$other" active
}

test_a_block_device_is_a_disk_and_a_mounted_one_is_refused() {
    local loop
    new_image
    loop=$(losetup --find --show "$image") || skip 'no loop devices here'
    # shellcheck disable=SC2064 # its name now
    trap "umount /mnt 2>/dev/null || true; losetup --detach $loop; rm -rf '/run/systemd/system/$service.d'" EXIT
    mkdir -p "/run/systemd/system/$service.d"
    printf '[Service]\nRestart=no\n' >"/run/systemd/system/$service.d/60-test.conf"
    vm_ini web "$uuid" "cmdline=volt.remote volt.ip=$address/24"
    vm_nic web eth0
    disk web data "$loop"
    assert mount "$loop" /mnt
    assert_fails vm_start "$uuid"
    assert_match "the host has it mounted at /mnt" "$(vm_property "$uuid" StatusText)"
    assert umount /mnt
    assert vm_start "$uuid"
    wait_ready "$uuid"
    assert_match MOUNTED "$(mounted '')"
    assert_fails mount "$loop" /mnt
    assert vm_stop "$uuid"
}

# slow_down MS : both slow disks; what they have begun is not affected.
slow_down() {
    local name
    for name in slow0 slow1; do
        dmsetup suspend "$name"
        dmsetup load "$name" --table "0 8192 delay $loop $((${name#slow} * 8192 + 16384)) $1"
        dmsetup resume "$name"
    done
}

# give_back DIRECTORY LOOP : no process may be left that waits for a disk that hangs.
give_back() {
    local name
    set +e
    for name in slow0 slow1; do
        dmsetup resume "$name"
    done
    vm_stop "$uuid"
    for name in bad0 bad1 slow0 slow1; do
        dmsetup remove "$name"
    done
    losetup --detach "$2"
    umount "$1"
} >/dev/null 2>&1

# A full file system, disks half of which fail, and disks that hang and are slow, by either engine: each is its own
# trouble, and no other disk's, no other VM's, and not that of who stops this one.
test_a_host_that_fails_is_an_io_error() { # limit 300 s
    local full=/run/volt-full loop i id name serial pid
    local -A dev=()
    mkdir -p "$full"
    assert mount -t tmpfs -o size=2M tmpfs "$full"
    truncate --size=8M "$full/test.raw"
    rm -f "$image"
    truncate --size=16M "$image"
    loop=$(losetup --find --show "$image")
    # shellcheck disable=SC2064 # their names now
    trap "give_back $full $loop" EXIT
    vm_ini web "$uuid" "cmdline=volt.remote volt.ip=$address/24"
    vm_nic web eth0
    disk web data "$full/test.raw"
    for i in 0 1; do
        id=$((i * 8192))
        assert dmsetup create "bad$i" <<<"0 4096 linear $loop $id
4096 4096 error"
        assert dmsetup create "slow$i" --table "0 8192 delay $loop $((id + 16384)) 0"
        for name in "bad$i" "slow$i"; do
            disk web "$name" "/dev/mapper/$name" 'cache = none' "engine = $( ((i)) && echo sync || echo io_uring)"
        done
    done
    assert vm_start "$uuid"
    wait_ready "$uuid"
    pid=$(vm_pid "$uuid")
    # shellcheck disable=SC2016 # the guest's
    while read -r name serial; do
        dev[$serial]=/dev/$name
    done < <(in_guest 'cd /sys/block; for disk in vd*; do echo "$disk $(cat $disk/serial)"; done')
    assert_equal 5 "${#dev[@]}" disks

    assert_match 'Input/output error|No space' "$(in_guest "dd if=/dev/zero of=${dev[data]} bs=1M count=6 conv=fsync 2>&1")"
    assert log_has "$uuid" "Disk 'data': the host cannot write at sector [0-9]+: No space left on device"
    for i in 0 1; do
        name=${dev[bad$i]}
        assert_match OK "$(in_guest "dd if=$name of=/dev/null bs=64k count=32 2>/dev/null && echo OK")" "bad$i's good half"
        assert_match 'Input/output error' "$(in_guest "dd if=$name of=/dev/null bs=64k skip=48 count=1 2>&1")"
        assert log_has "$uuid" "Disk 'bad$i': the host cannot read at sector [0-9]+: Input/output error"
        assert_match 'Input/output error' "$(in_guest "dd if=/dev/zero of=$name bs=64k seek=48 count=1 conv=fsync 2>&1")"
    done

    # The slow ones hang, with requests under way. Where the disk's thread makes the calls, it hangs, too: a reload
    # would not hear of that disk.
    for i in 0 1; do
        name=${dev[slow$i]}
        dmsetup suspend "slow$i"
        in_guest "for n in 1 2 3 4; do { dd if=$name of=/dev/null bs=4k skip=\$n count=1 iflag=direct 2>/dev/null && echo READ >>/tmp/slow$i; } >/dev/null & done"
        assert_match OK "$(in_guest "dd if=${dev[bad$i]} of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null && echo OK")" 'another disk'
        ((i == 0)) || continue
        sed -i 's/^\[disk slow0\]/&\niops = 1000/' /etc/volt/vms/web.ini
        systemctl daemon-reload
        assert systemctl reload "$service"
        assert log_has "$uuid" 'slow0: iops: none → 1000'
    done
    vm_ini other "$other" "${bare_guest[@]}"
    assert vm_start "$other"
    assert vm_stop "$other"
    assert_equal '' "$(in_guest 'cat /tmp/slow? 2>/dev/null')" 'what disks that hang have read'
    assert_equal "$pid" "$(vm_pid "$uuid")" 'process'

    # They come back, and each request is answered; then they are slow, and the VM is stopped meanwhile.
    dmsetup resume slow0
    dmsetup resume slow1
    all_read() { [[ $(in_guest 'cat /tmp/slow? | wc -l') == 8 ]]; }
    wait_for 30 all_read
    slow_down 3000
    for i in 0 1; do
        name=${dev[slow$i]}
        in_guest "dd if=$name of=/dev/null bs=4k count=99 iflag=direct >/dev/null 2>&1 &"
    done
    assert vm_stop "$uuid"
    assert_equal success "$(vm_property "$uuid" Result)"
    nothing_left "$uuid"
}
