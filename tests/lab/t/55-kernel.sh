# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Managed kernels: from a bzImage to a VM that boots it by name; and what becomes of both.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=55555555-0000-4000-8000-000000000055
store=/var/lib/volt/kernels

status_text() { vm_property "$uuid" StatusText; }
# refuses PATTERN COMMAND… : it fails, and says so.
refuses() {
    local pattern=$1 said
    shift
    ! said=$("$@" 2>&1) || fail "$* succeeded: $said"
    assert_match "$pattern" "$said"
}
# vmm_has WORD : the VMM was told so.
vmm_has() { tr '\0' '\n' <"/proc/$(vm_pid "$uuid")/cmdline" | grep -qF -- "$1"; }

# empty_initrd : an archive of nothing.
empty_initrd() { printf 070701 && printf '%08X' 1 0 0 0 1 0 0 0 0 0 0 11 0 && printf 'TRAILER!!!\0\0\0\0'; }

test_a_kernel_is_added_booted_replaced_and_removed() { # limit 240 s
    local pid first second
    # The guests' kernel is the one that the lab runs; an installed Debian has these files in /boot.
    cp "$guest_bzimage" "/boot/vmlinuz-$(uname -r)"
    refuses "there is none in /boot, and neither mkinitramfs nor dracut is here" \
        env PATH=/none "$(command -v volt-kernel)" add lab --from-host
    cp "$guest_initrd" "/boot/initrd.img-$(uname -r)"
    assert volt-kernel add lab --from-host --cmdline='volt.word="one two"'
    assert_equal "$(uname -r)" "$(sed -n 's/^VERSION=//p' $store/lab/manifest)" version
    rm /boot/*-"$(uname -r)"
    assert_match 'lab: good \(6\.1\.[^ ]*-cloud-amd64, ' "$(volt-kernel verify lab)"
    first=$(sed -n 's/^VMLINUX_SHA256=//p' $store/lab/manifest)

    vm_without_restart "$uuid"
    vm_ini web "$uuid" kernel=lab initrd=''
    assert vm_start "$uuid"
    assert log_has "$uuid" "^Kernel lab: 6\.1\.[^ ]*-cloud-amd64, sha256 ${first:0:16}…$"
    assert vmm_has '--cmdline=volt.word="one two" quiet'
    wait_ready "$uuid"
    pid=$(vm_pid "$uuid")
    assert_match 'lab .* web \(runs\)' "$(volt-kernel list)"
    refuses 'lab stays: web names it \(web.ini\)' volt-kernel remove lab

    # What runs keeps what it has; its file may name another kernel, or be gone.
    assert_match 'web runs with the one before' \
        "$(volt-kernel add --replace lab "$guest_bzimage" --initrd="$guest_initrd" --cmdline=volt.word=three)"
    rm /etc/volt/vms/web.ini
    refuses 'lab stays: .* runs with it' volt-kernel remove lab
    assert_equal "$pid" "$(vm_pid "$uuid")"
    assert vmm_has 'volt.word="one two"'
    assert vm_stop "$uuid"

    # Nobody would see this by size and time.
    touch --reference=$store/lab/vmlinux /run/55-time
    printf x | dd of=$store/lab/vmlinux bs=1 seek=5000000 conv=notrunc status=none
    touch --reference=/run/55-time $store/lab/vmlinux
    volt-kernel default lab
    vm_ini web "$uuid" kernel='' initrd='' verify=always
    assert_fails vm_start "$uuid"
    assert_match "^kernel lab: vmlinux is not what the manifest says \(sha256 .*, expected ${first:0:16}…\): .volt-kernel verify lab" \
        "$(status_text)"
    assert_equal 1 "$(systemctl status "$(unit "$uuid")" | grep -c 'Status: .*is not what the manifest says')" lines
    refuses 'lab: 1 of 3 files is wrong' volt-kernel verify lab
    nothing_left "$uuid"

    # Put right, it is what VMs boot that name none.
    assert volt-kernel add --replace lab "$guest_bzimage" --initrd="$guest_initrd" --cmdline=volt.word=three
    second=$(sed -n 's/^VMLINUX_SHA256=//p' $store/lab/manifest)
    assert_equal "$first" "$second" 'hash of the same kernel'
    assert systemctl start "$(unit "$uuid")"
    assert vmm_has '--cmdline=volt.word=three quiet'
    refuses 'lab stays: web \(web.ini\) names no kernel' volt-kernel remove lab
    systemctl kill --signal=KILL "$(unit "$uuid")"
    systemctl stop "$(unit "$uuid")"
    rm /etc/volt/vms/web.ini $store/default
    assert volt-kernel remove lab
    assert_fails test -e $store/lab
}

# The host's initrd has what this host needs, and no more; one is made that takes a VM to its disk.
test_an_initrd_is_made_where_the_hosts_does_not_do() { # limit 1500 s
    command -v mkinitramfs >/dev/null ||
        skip "needs VOLT_LAB_PACKAGES=initramfs-tools tests/lab/test '55-kernel: an initrd'"
    local root=/run/55-root image=/var/lib/volt/images/55.raw before
    before=$(ls -A /var/tmp)
    # A root file system that tells of itself.
    modprobe loop
    truncate --size=32M "$image"
    assert busybox mke2fs -F "$image" >/dev/null
    mkdir -p $root
    assert mount -o loop "$image" $root
    # shellcheck disable=SC2064
    trap "umount --lazy $root" EXIT
    mkdir -p $root/{bin,sbin,dev,proc,sys,run,etc,tmp}
    cp /bin/busybox $root/bin/
    printf '#!/bin/busybox sh\necho ROOT-IS-REACHED >/dev/ttyS0\nbusybox poweroff -f\n' >$root/sbin/init
    chmod 755 $root/sbin/init
    assert umount $root
    trap - EXIT

    cp "$guest_bzimage" "/boot/vmlinuz-$(uname -r)"
    # As Debian has them, as far as anybody here asks.
    printf 'CONFIG_%s\n' 64BIT=y RD_GZIP=y RD_ZSTD=y VIRTIO=m VIRTIO_PCI=m VIRTIO_PCI_LIB=m VIRTIO_BLK=m >"/boot/config-$(uname -r)"
    empty_initrd >"/boot/initrd.img-$(uname -r)"
    printf 'MODULES=dep\nCOMPRESS=zstd\n' >/etc/initramfs-tools/initramfs.conf
    assert_match 'it has no virtio.* virtio_blk; mkinitramfs makes another one' "$(volt-kernel add host --from-host 2>&1)"
    figures "$(stat --format=%s $store/host/initrd) bytes of initrd"
    assert_equal "$before" "$(ls -A /var/tmp)" 'what is left behind'

    vm_without_restart "$uuid"
    vm_ini web "$uuid" kernel=host initrd='' memory_mib=512
    printf '[disk root]\npath = %s\n' "$image" >>/etc/volt/vms/web.ini
    assert vm_start "$uuid"
    wait_console "$uuid" ROOT-IS-REACHED 400
    wait_for 60 vm_is "$uuid" inactive
    rm -rf "$image" "/boot/"*"-$(uname -r)" /etc/volt/vms/web.ini
    assert volt-kernel remove host
}

# As the lab makes it, and people may, too.
test_a_kernel_without_a_manifest_boots_with_a_notice() {
    vm_ini web "$uuid" kernel=debian-12
    assert vm_start "$uuid"
    assert log_has "$uuid" '^Kernel debian-12: made by hand, without a manifest'
    systemctl kill --signal=KILL "$(unit "$uuid")"
}

# A store that can seal its files (fs-verity); the lab's own cannot, so it is on a disk of this test's.
test_a_sealed_kernel_stays_what_it_is() {
    local at=$store/sealed other=$store/other
    modprobe loop
    mount -o loop /lab/guest/sealable.ext4 $store
    vm_without_restart "$uuid"
    trap 'rm -rf "$without_restart_dir" /run/55-*; umount --lazy $store' EXIT
    # A payload that passes for a kernel: it has a version.
    { cat /lab/guest/tests/guest/guest-exits && printf '\0Linux version 6.1.0-lab (lab)\n\0'; } >/run/55-payload
    empty_initrd >/run/55-initrd
    assert_match 'added sealed: 6\.1\.0-lab, elf, .*, sealed by fs-verity' \
        "$(volt-kernel add sealed /run/55-payload --initrd=/run/55-initrd --cmdline=button)"
    assert grep -qE '^VMLINUX_VERITY=sha256:[0-9a-f]{64}$' $at/manifest

    # Nobody changes it, and nobody makes it shorter, root neither.
    refuses 'Operation not permitted' dd if=/run/55-payload of=$at/vmlinux bs=1 count=1 conv=notrunc
    refuses 'Operation not permitted' truncate --size=4096 $at/vmlinux

    # Neither the hash nor the time is looked at: the seal is proof enough.
    sed -i 's/^VMLINUX_SHA256=.*/VMLINUX_SHA256='"$(printf '%064d' 0)/" $at/manifest
    touch --date=@1 $at/vmlinux
    vm_ini web "$uuid" kernel=sealed initrd='' memory_mib=32
    assert vm_start "$uuid"
    systemctl kill --signal=KILL "$(unit "$uuid")"
    systemctl stop "$(unit "$uuid")"

    # Another sealed file of the same size is another file.
    printf '\1' | dd of=/run/55-payload bs=1 seek=$(($(stat --format=%s /run/55-payload) - 1)) conv=notrunc status=none
    assert volt-kernel add other /run/55-payload
    cp $at/vmlinux /run/55-vmlinux
    touch --reference=$at/vmlinux $other/vmlinux
    mv --force $other/vmlinux $at/vmlinux
    assert_fails vm_start "$uuid"
    assert_match '^kernel sealed: vmlinux is not what the manifest says \(fs-verity sha256:' "$(status_text)"

    # So is one that is not sealed any more, whatever its time.
    rm $at/vmlinux
    cp /run/55-vmlinux $at/vmlinux
    touch --date="@$(sed -n 's/^VMLINUX_MTIME=//p' $at/manifest)" $at/vmlinux
    assert_fails vm_start "$uuid"
    assert_match '^kernel sealed: vmlinux is not what the manifest says \(sha256 .*, expected 00000000' "$(status_text)"
}
