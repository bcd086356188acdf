/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vCPU fds. */
#include "vmm/kvm/vcpu.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm/kvm/vm.h"
#include "vmm/log.h"

int vcpu_init(struct vcpu *vcpu, const struct vm *vm, unsigned index)
{
    _cleanup_close_ int fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
    if (fd < 0)
        return log_errno(-errno, "Cannot create vCPU %u: %m", index);

    void *run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (run == MAP_FAILED)
        return log_errno(-errno, "Cannot map vCPU %u: %m", index);
    *vcpu = (struct vcpu){
        .index = index,
        .fd = TAKE_FD(fd),
        .run = run,
        .run_size = vm->run_size,
    };
    return 0;
}

void vcpu_done(struct vcpu *vcpu)
{
    if (!vcpu->run)
        return;
    (void)munmap(vcpu->run, vcpu->run_size);
    vcpu->run = NULL;
    vcpu->fd = close_fd(vcpu->fd);
}

int vcpu_run(struct vcpu *vcpu)
{
    if (ioctl(vcpu->fd, KVM_RUN, 0) < 0)
        return -errno;
    return (int)vcpu->run->exit_reason;
}

void vcpu_tell_stopped(const struct vcpu *vcpu)
{
    (void)ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}
