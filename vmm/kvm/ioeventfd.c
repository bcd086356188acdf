/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioeventfd registration. */
#include "vmm/kvm/ioeventfd.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "vmm/kvm/vm.h"

static int ioeventfd(const struct vm *vm, uint64_t address, int eventfd, uint32_t flags)
{
    struct kvm_ioeventfd arguments = {
        .addr = address,
        /* Length 0 spares KVM the decoding of the instruction; else virtio's 16 bits. */
        .len = vm->any_length_ioeventfd ? 0 : 2,
        .fd = eventfd,
        .flags = flags,
    };

    return ioctl(vm->fd, KVM_IOEVENTFD, &arguments) < 0 ? -errno : 0;
}

int ioeventfd_assign(const struct vm *vm, uint64_t address, int eventfd)
{
    return ioeventfd(vm, address, eventfd, 0);
}

int ioeventfd_deassign(const struct vm *vm, uint64_t address, int eventfd)
{
    return ioeventfd(vm, address, eventfd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
