/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bzImage, entered by the 64-bit boot protocol (Documentation/arch/x86/boot.rst): any
 * distribution kernel. */
#include <string.h>
#include <sys/stat.h>

#include "vmm/boot/kernel.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"
#include "vmm/log.h"

enum {
    BZIMAGE_HEADER_OFFSET = 0x1f1,
    BZIMAGE_VERSION_MIN = 0x020c, /* 2.12, Linux 3.8: xloadflags */
    BZIMAGE_ENTRY_64 = 0x200,     /* from the load address */
    BZIMAGE_SECTOR = 512,
    BZIMAGE_SETUP_SECTORS_DEFAULT = 4,
};

static int check_header(const struct setup_header *header)
{
    if (header->boot_flag != 0xaa55)
        return log_errno(-ENOEXEC, "The bzImage has no boot flag");
    if (header->version < BZIMAGE_VERSION_MIN)
        return log_errno(-ENOEXEC,
                         "The bzImage speaks boot protocol %u.%02u; 2.12 or newer is needed",
                         header->version >> 8, header->version & 0xff);
    if (!(header->loadflags & LOADED_HIGH))
        return log_errno(-ENOEXEC, "The bzImage wants to be loaded low, as a zImage");
    if (!(header->xloadflags & XLF_KERNEL_64))
        return log_errno(-ENOEXEC, "The bzImage has no 64-bit entry point: is it a 32-bit kernel?");
    return 0;
}

/* The address that the kernel prefers, where that is RAM; for a relocatable one else a place that
 * fits. */
static int choose_address(const struct setup_header *header, const struct guest_memory *memory,
                          uint64_t room, uint64_t *ret)
{
    uint64_t address = header->pref_address;

    if (address >= LAYOUT_KERNEL_MIN && guest_memory_at(memory, address, room)) {
        *ret = address;
        return 0;
    }
    uint64_t alignment = header->kernel_alignment;
    if (header->relocatable_kernel && alignment > 0 && alignment <= (UINT64_C(1) << 30)) {
        address = (LAYOUT_KERNEL_MIN + alignment - 1) / alignment * alignment;
        if (guest_memory_at(memory, address, room)) {
            *ret = address;
            return 0;
        }
    }
    return log_errno(-ENOSPC, "The kernel needs %llu MiB, which the guest's memory does not have",
                     (unsigned long long)(room + (1 << 20) - 1) >> 20);
}

int bzimage_load(int fd, const struct guest_memory *memory, struct kernel *ret)
{
    struct setup_header header;
    struct stat st;
    uint64_t address;

    int r = kernel_read(fd, &header, sizeof(header), BZIMAGE_HEADER_OFFSET);
    if (r < 0)
        return log_errno(r, "Cannot read the bzImage's header: %s", strerror(-r));
    r = check_header(&header);
    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return log_errno(-errno, "Cannot look at the bzImage: %m");

    unsigned sectors = header.setup_sects ? header.setup_sects : BZIMAGE_SETUP_SECTORS_DEFAULT;
    uint64_t offset = (sectors + 1) * (uint64_t)BZIMAGE_SECTOR;
    uint64_t length = header.syssize * UINT64_C(16);
    uint64_t available = (uint64_t)st.st_size > offset ? (uint64_t)st.st_size - offset : 0;
    /* syssize counts paragraphs, and the last one need not be whole in the file. */
    if (length > available + 15 || length <= BZIMAGE_ENTRY_64)
        return log_errno(-EIO, "The bzImage is truncated: %llu of %llu bytes are there",
                         (unsigned long long)available, (unsigned long long)length);
    if (length > available)
        length = available;

    uint64_t room = header.init_size > length ? header.init_size : length;
    r = choose_address(&header, memory, room, &address);
    if (r < 0)
        return r;
    r = kernel_read_guest(fd, memory, address, length, offset);
    if (r < 0)
        return log_errno(r, "Cannot read the bzImage: %s", strerror(-r));

    header.code32_start = (uint32_t)address;
    *ret = (struct kernel){
        .entry = address + BZIMAGE_ENTRY_64,
        .start = address,
        .end = address + room,
        .initrd_max = header.initrd_addr_max,
        .cmdline_max = header.cmdline_size,
        .header = header,
    };
    return 0;
}
