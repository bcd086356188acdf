/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a kernel, ELF or bzImage, and as its initrd: in guest memory, or refused. */
#include <sys/mman.h>

#include "tests/fuzz/input.h"
#include "vmm/boot/kernel.h"
#include "vmm/boot/zeropage.h"
#include "vmm/kvm/memory.h"
#include "vmm/log.h"

static struct guest_memory memory;
static int fd;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    fd = memfd_create("kernel", MFD_CLOEXEC);
    MUST(fd >= 0 && guest_memory_init(&memory, UINT64_C(64) << 20) == 0);
    return 0;
}

/* Mapped, the same image has the same end. */
static void check_mapped(int r, const struct kernel *kernel)
{
    struct guest_memory mapped;
    struct kernel again;

    MUST(guest_memory_init(&mapped, UINT64_C(64) << 20) == 0);
    MUST(kernel_load(fd, true, &mapped, &again) == r);
    MUST(r < 0 || (again.entry == kernel->entry && again.end == kernel->end));
    MUST(r < 0 || *(uint8_t *)guest_memory_at(&mapped, again.entry, 1) ==
                      *(uint8_t *)guest_memory_at(&memory, again.entry, 1));
    guest_memory_done(&mapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct boot_info info = {.cmdline = "console=ttyS0",
                                   .initrd_fd = fd,
                                   .reserved_base = 0xe0000000,
                                   .reserved_size = 1 << 20};
    struct kernel kernel;

    MUST(ftruncate(fd, (off_t)size) == 0);
    MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
    int r = kernel_load(fd, false, &memory, &kernel);
    check_mapped(r, &kernel);
    if (r < 0)
        return 0;
    MUST(kernel.start >= 0x100000 && kernel.start < kernel.end);
    MUST(kernel.entry >= kernel.start && kernel.entry < kernel.end);
    MUST(guest_memory_at(&memory, kernel.entry, 1));
    MUST(guest_memory_at(&memory, kernel.end - 1, 1));
    (void)zeropage_write(&memory, &kernel, &info);
    return 0;
}
