/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM fd. Section numbers in comments are those of the kernel's virt/kvm/api.rst. */
#include "vmm/kvm/vm.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/kvm/memory.h"
#include "vmm/log.h"

/* Three pages below the local APICs' neighbourhood that Intel's real-mode emulation needs (4.35).
 */
#define VM_TSS_ADDRESS          UINT64_C(0xfffbd000)
#define VM_IDENTITY_MAP_ADDRESS UINT64_C(0xfffbc000)

static const struct {
    int capability;
    const char *name;
} required[] = {
    {KVM_CAP_IRQCHIP, "in-kernel interrupt controllers"},
    {KVM_CAP_USER_MEMORY, "user memory regions"},
    {KVM_CAP_IRQ_ROUTING, "GSI routing"},
    {KVM_CAP_IRQFD, "irqfd"},
    {KVM_CAP_IOEVENTFD, "ioeventfd"},
    {KVM_CAP_EXT_CPUID, "CPUID tables"},
    {KVM_CAP_SET_TSS_ADDR, "TSS placement"},
};

static int check_host(int kvm_fd)
{
    int version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

    if (version < 0)
        return log_errno(-errno, "This is no KVM device: %m");
    if (version != KVM_API_VERSION)
        return log_errno(-ENOTSUP, "KVM speaks API version %d, not %d", version, KVM_API_VERSION);
    for (size_t i = 0; i < ELEMENTSOF(required); i++)
        if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, required[i].capability) <= 0)
            return log_errno(-ENOTSUP, "This host's KVM has no %s", required[i].name);
    return 0;
}

int vm_init(struct vm *vm, int kvm_fd)
{
    int r = check_host(kvm_fd);
    if (r < 0)
        return r;

    int run_size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_size < (int)sizeof(struct kvm_run))
        return log_errno(-ENOTSUP, "KVM's vCPU mapping is too small: %d bytes", run_size);

    _cleanup_close_ int fd = -EBADF;
    do
        fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return log_errno(-errno, "Cannot create a VM: %m");

    uint64_t identity_map = VM_IDENTITY_MAP_ADDRESS;
    if (ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
        return log_errno(-errno, "Cannot place the identity map: %m");
    if (ioctl(fd, KVM_SET_TSS_ADDR, VM_TSS_ADDRESS) < 0)
        return log_errno(-errno, "Cannot place the TSS: %m");

    int max_vcpus = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
    *vm = (struct vm){
        .kvm_fd = kvm_fd,
        .fd = TAKE_FD(fd),
        .run_size = (size_t)run_size,
        .max_vcpus = max_vcpus > 0 ? (unsigned)max_vcpus : 4, /* 4.8's advice for old hosts */
        .any_length_ioeventfd =
            ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0,
        .tsc_deadline_timer = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
    };
    return 0;
}

int vm_make_interrupt_controllers(struct vm *vm)
{
    return ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0
               ? log_errno(-errno, "Cannot create the interrupt controllers: %m")
               : 0;
}

void vm_done(struct vm *vm)
{
    vm->fd = close_fd(vm->fd);
}

int vm_set_memory(struct vm *vm, const struct guest_memory *memory)
{
    for (unsigned i = 0; i < memory->n_regions; i++) {
        const struct memory_region *region = &memory->regions[i];
        struct kvm_userspace_memory_region slot = {
            .slot = i,
            .guest_phys_addr = region->gpa,
            .memory_size = region->size,
            .userspace_addr = (uintptr_t)memory->base + region->offset,
        };

        if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
            return log_errno(-errno, "Cannot give the guest %llu MiB at %#llx: %m",
                             (unsigned long long)(region->size >> 20),
                             (unsigned long long)region->gpa);
    }
    return 0;
}
