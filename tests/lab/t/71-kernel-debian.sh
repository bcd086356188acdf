# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# needs --debian
# Debian's kernels as they come, with the initrds that Debian makes: added, listed, and booted by name, as far as
# to the initrd's own first script. A whole Debian behind them is 70-debian's.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=71717171-0000-4000-8000-000000000071
store=/var/lib/volt/kernels

# of_manifest NAME KEY
of_manifest() { sed -n "s/^$2=//p" "$store/$1/manifest"; }

# add NAME WORD… : volt-kernel add, and what that made is good and listed.
add() {
    local name=$1 begin=$EPOCHREALTIME
    shift
    assert volt-kernel add "$name" "$@"
    figures "$name: added in $(since "$begin" %.1f) s"
    assert_match "^$name: good" "$(volt-kernel verify "$name")"
    volt-kernel list | sed -n "1p; /^. $name /p" | sed 's/^/# figures: /'
    assert_match "$name +$(of_manifest "$name" VERSION | sed 's/+/\\+/g') " "$(volt-kernel list)"
}

# boots NAME : by that name alone; initrd and words come from the store. The words of Debian's initrd: break=top
# ends it before it looks for a disk, and with panic=1, which the store is to have, the guest then reboots.
boots() {
    local begin=$EPOCHREALTIME version
    version=$(of_manifest "$1" VERSION)
    local pattern=${version//+/\\+}
    vm_ini web "$uuid" memory_mib=512 kernel="$1" initrd='' verify=always cmdline='loglevel=6 break=top'
    assert vm_start "$uuid"
    assert log_has "$uuid" "^Kernel $1: $pattern, sha256 "
    wait_console "$uuid" "Linux version $pattern " 200
    figures "$1: $version, its first line after $(since "$begin" %.1f) s"
    wait_console "$uuid" 'Spawning shell within the initramfs' 400
    figures "$1: $version, its initrd after $(since "$begin" %.1f) s"
    wait_console "$uuid" 'Rebooting automatically due to panic= boot argument'
    wait_console "$uuid" 'The guest rebooted'
    systemctl stop "$(unit "$uuid")"
    rm /etc/volt/vms/web.ini
    assert volt-kernel remove "$1"
}

test_debian_12s_kernel_boots_by_name() { # limit 700 s
    needs_debian
    add stock-12 $debian_images/debian-12.bzImage --initrd=$debian_images/debian-12.initrd --cmdline=panic=1
    assert_match '^6\.1\.' "$(of_manifest stock-12 VERSION)"
    boots stock-12
}

test_debian_13s_kernel_boots_by_name() { # limit 700 s
    needs_debian
    add stock-13 $debian_images/debian-13.bzImage --initrd=$debian_images/debian-13.initrd --cmdline=panic=1
    assert_match '^6\.12\.' "$(of_manifest stock-13 VERSION)"
    boots stock-13
}

test_the_newest_kernel_boots_by_name() { # limit 700 s
    needs_debian
    add stock-new $debian_images/debian-new.bzImage --initrd=$debian_images/debian-new.initrd --cmdline=panic=1
    assert_match '^[7-9]\.' "$(of_manifest stock-new VERSION)"
    boots stock-new
}

# As ukify makes it, Debian 13's tool, around systemd's stub.
test_a_unified_kernel_image_boots_by_name() { # limit 700 s
    needs_debian
    add unified $debian_images/debian-13.efi
    assert_match 'Format: uki' "$(volt-kernel show unified)"
    assert_match '^6\.12\.' "$(of_manifest unified VERSION)"
    assert_equal 'panic=1 volt.made=ukify' "$(<$store/unified/cmdline)" 'command line'
    boots unified
}
