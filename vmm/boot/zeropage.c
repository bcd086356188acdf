/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zero page, memory map, command line and initrd. */
#include "vmm/boot/zeropage.h"

#include <string.h>
#include <sys/stat.h>

#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/log.h"

enum {
    E820_RAM = 1,
    E820_RESERVED = 2,
    LOADER_UNDEFINED = 0xff,
};

static void e820_add(struct boot_params *zero, uint64_t start, uint64_t size, uint32_t type)
{
    if (size == 0)
        return;
    zero->e820_table[zero->e820_entries++] = (struct boot_e820_entry){
        .addr = start,
        .size = size,
        .type = type,
    };
}

static void write_memory_map(struct boot_params *zero, const struct guest_memory *memory,
                             const struct boot_info *info)
{
    e820_add(zero, 0, LAYOUT_EBDA, E820_RAM);
    e820_add(zero, LAYOUT_EBDA, LAYOUT_KERNEL_MIN - LAYOUT_EBDA, E820_RESERVED);
    e820_add(zero, LAYOUT_KERNEL_MIN, guest_memory_low_end(memory) - LAYOUT_KERNEL_MIN, E820_RAM);
    e820_add(zero, info->reserved_base, info->reserved_size, E820_RESERVED);
    for (unsigned i = 1; i < memory->n_regions; i++)
        e820_add(zero, memory->regions[i].gpa, memory->regions[i].size, E820_RAM);
}

static int write_cmdline(const struct guest_memory *memory, const struct kernel *kernel,
                         const char *cmdline)
{
    size_t length = strlen(cmdline);

    if (length > kernel->cmdline_max || length >= LAYOUT_CMDLINE_MAX)
        return log_errno(-E2BIG,
                         "The kernel's command line has %zu characters; this kernel takes %u",
                         length, kernel->cmdline_max);
    return guest_memory_write(memory, LAYOUT_CMDLINE, cmdline, length + 1);
}

/* As high as the kernel allows, so that it does not stand in the way of the decompression. */
static int load_initrd(const struct guest_memory *memory, const struct kernel *kernel, int fd,
                       struct setup_header *header)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return log_errno(-errno, "Cannot look at the initrd: %m");
    if (st.st_size <= 0)
        return log_errno(-EINVAL, "The initrd is empty");

    uint64_t size = (uint64_t)st.st_size, limit = guest_memory_low_end(memory);
    if (limit - 1 > kernel->initrd_max)
        limit = kernel->initrd_max + 1;
    uint64_t start = size < limit ? (limit - size) & ~UINT64_C(4095) : 0;
    if (start < LAYOUT_KERNEL_MIN || (start < kernel->end && start + size > kernel->start))
        return log_errno(
            -E2BIG,
            "The initrd of %llu KiB does not fit beside the kernel: give the VM more memory",
            (unsigned long long)size >> 10);
    int r = kernel_read_guest(fd, memory, start, size, 0);
    if (r < 0)
        return log_errno(r, "Cannot read the initrd: %s", strerror(-r));
    header->ramdisk_image = (uint32_t)start;
    header->ramdisk_size = (uint32_t)size;
    return 0;
}

int zeropage_write(const struct guest_memory *memory, const struct kernel *kernel,
                   const struct boot_info *info)
{
    struct boot_params zero = {.hdr = kernel->header};

    write_memory_map(&zero, memory, info);
    int r = write_cmdline(memory, kernel, info->cmdline);
    if (r < 0)
        return r;
    /* What the kernel image says of an initrd is not ours to believe. */
    zero.hdr.ramdisk_image = 0;
    zero.hdr.ramdisk_size = 0;
    if (info->initrd_fd >= 0) {
        r = load_initrd(memory, kernel, info->initrd_fd, &zero.hdr);
        if (r < 0)
            return r;
    }
    zero.hdr.type_of_loader = LOADER_UNDEFINED;
    zero.hdr.cmd_line_ptr = (uint32_t)LAYOUT_CMDLINE;
    zero.hdr.setup_data = 0;
    zero.acpi_rsdp_addr = LAYOUT_ACPI;
    return guest_memory_write(memory, LAYOUT_ZERO_PAGE, &zero, sizeof(zero));
}
