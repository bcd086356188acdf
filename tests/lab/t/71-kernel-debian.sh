# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# needs --debian
# Debian's kernels as they come, with the initrds that Debian makes: added, listed, and booted by name, as far as
# to the initrd's first program. A whole Debian behind them is 70-debian's.
# shellcheck source=../lib.sh
. /lab/lib.sh

uuid=71717171-0000-4000-8000-000000000071
images=/var/lib/volt/debian

# boots NAME : by that name alone; its initrd and its words come from the store.
boots() {
    local begin=$EPOCHREALTIME version
    version=$(sed -n 's/^VERSION=//p' "/var/lib/volt/kernels/$1/manifest")
    local pattern=${version//+/\\+}
    vm_ini web "$uuid" memory_mib=512 kernel="$1" initrd='' verify=always cmdline=loglevel=7
    assert vm_start "$uuid"
    assert log_has "$uuid" "^Kernel $1: $pattern, sha256 "
    wait_console "$uuid" "Linux version $pattern "
    wait_console "$uuid" 'Run /init as init process' 200
    echo "# figures: $1: $version, to the initrd's first program after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }") s"
    systemctl kill --signal=KILL "$(unit "$uuid")"
    systemctl stop "$(unit "$uuid")"
    rm /etc/volt/vms/web.ini
}

test_debians_kernels_are_added_and_booted_by_name() { # limit 900 s
    local kernel name
    [[ -e $images/debian-13.raw ]] || skip 'takes minutes: tests/lab/test 71-kernel'
    vm_without_restart "$uuid"
    for kernel in debian-12 debian-13 debian-new; do
        name=stock-${kernel#*-}
        assert volt-kernel add "$name" "$images/$kernel.bzImage" --initrd="$images/$kernel.initrd" --cmdline=panic=10
        assert_match "^$name: good" "$(volt-kernel verify "$name")"
    done
    volt-kernel list | sed 's/^/# figures: /'
    assert_match 'stock-12 +6\.1\..*stock-13 +6\.12\..*stock-new +[6-9]\.' "$(volt-kernel list | tr '\n' ' ')"
    for name in stock-12 stock-13 stock-new; do
        boots "$name"
        assert volt-kernel remove "$name"
    done
}

# A unified kernel image, as `ukify build` or objcopy make it around systemd's stub, comes along by
#   tests/lab/test --debian --file web.efi:/lab/web.efi 71-kernel
test_a_unified_kernel_image_boots_by_name() { # limit 400 s
    [[ -e /lab/web.efi ]] || skip 'needs --file web.efi:/lab/web.efi, a unified kernel image'
    vm_without_restart "$uuid"
    assert volt-kernel add uki /lab/web.efi
    assert_match 'Format: uki' "$(volt-kernel show uki)"
    boots uki
    assert volt-kernel remove uki
}
