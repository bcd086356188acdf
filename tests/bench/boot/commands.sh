# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The machines of `measure` and of `entries`, and their command lines. Whoever reads this has $results, a directory,
# and what `run` sets.

# set_command MACHINE VARIANT : the VMM's command line, in $command. Each VMM has what it does by itself, the same words
# for the kernel, and nothing that the guest does not need.
set_command() {
    local kernel=$KERNEL nic='' vcpus mib more words="console=ttyS0 quiet panic=-1 volt.do=ignore${WORDS:+ $WORDS}"
    local mac=52:54:00:43:00:0b
    IFS=- read -r vcpus mib nic <<<"$2"
    [[ $1 != *-bzimage ]] || kernel=$BZIMAGE
    case $1 in
    volt-* | before-*)
        command=("$VOLT")
        [[ $1 == volt-* ]] || command=("$BEFORE")
        command+=(--kernel="$kernel" --initrd="$INITRD" --memory="$mib" --vcpus="$vcpus" --cmdline="$words")
        # As a managed kernel; volt-copy: as one that is named by its path.
        [[ $1 != volt-elf && $1 != volt-small-elf ]] || command+=(--map-kernel=yes)
        [[ $1 != volt-small-* ]] || command+=(--hugepages=no)
        [[ -z $nic ]] || command+=(--net="eth0,tap=bench11,mac=$mac")
        ;;
    qemu-*)
        command=("$QEMU" -M "$QEMU_MACHINE" -accel kvm -cpu host -m "$mib" -smp "$vcpus"
            -nodefaults -no-user-config -display none -no-reboot -serial stdio
            -kernel "$kernel" -initrd "$INITRD" -append "$words")
        [[ -z $nic ]] || command+=(-netdev 'tap,id=net,ifname=bench11,script=no,downscript=no,vhost=off'
            -device "virtio-net-device,netdev=net,mac=$mac")
        ;;
    kvmtool-*)
        more=(-n mode=none)
        [[ -z $nic ]] || more=(-n "mode=tap,tapif=bench11,script=none,downscript=none,guest_mac=$mac")
        command=("$KVMTOOL" run --name bench -c "$vcpus" -m "$mib" -k "$kernel" -i "$INITRD" -p "$words" "${more[@]}")
        ;;
    esac
}

# all_names : every machine that can be measured; TYPE-KERNEL. kvmtool boots no ELF kernel.
all_names() {
    local kernel
    for kernel in ${KERNEL:+elf} ${BZIMAGE:+bzimage}; do
        [[ -z $VOLT ]] || echo "volt-$kernel"
        [[ -z $VOLT || $kernel != elf ]] || echo volt-copy-elf
        [[ -z $VOLT ]] || echo "volt-small-$kernel"
        [[ -z $BEFORE ]] || echo "before-$kernel"
        [[ -z $QEMU ]] || echo "qemu-$kernel"
        [[ -z $KVMTOOL || $kernel == elf ]] || echo kvmtool-bzimage
    done
}

mapfile -t names < <(all_names | grep -E -- "$VMS")
export HOME=$results # kvmtool's sockets
