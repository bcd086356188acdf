/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way to guest memory, for every size that memory can have, every address and every length up
 * to 2^64 - 1: a pointer is to RAM of one region, the very bytes that were asked for; and NULL only
 * where some of them are not there. First the layout, as it is made.
 */
#include "model.h"

#include "vmm/kvm/memory.c"

uint8_t *model_ram;
uint64_t model_ram_size;

/* The kernel, as far as it matters here: it may refuse, and a mapping is as long as was asked for.
 */
static int any_result(void)
{
    errno = ENOMEM;
    return nondet_bool() ? 0 : -1;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    (void)protection, (void)fd, (void)offset;
    if (any_result() < 0)
        return MAP_FAILED;
    return flags & MAP_FIXED ? at : malloc(length);
}

int munmap(void *at, size_t length)
{
    (void)at, (void)length;
    return 0;
}

int madvise(void *at, size_t length, int advice)
{
    (void)at, (void)length, (void)advice;
    return any_result();
}

int memfd_create(const char *name, unsigned flags)
{
    (void)name, (void)flags;
    return any_result() < 0 ? -1 : 7;
}

int ftruncate(int fd, off_t length)
{
    (void)fd, (void)length;
    return any_result();
}

int fcntl(int fd, int command, ...)
{
    (void)fd, (void)command;
    return any_result();
}

int close(int fd)
{
    (void)fd;
    return 0;
}

int main(void)
{
    struct guest_memory memory = {0};
    uint64_t size = nondet_u64();
    enum guest_memory_pages pages = nondet_bool()   ? GUEST_MEMORY_HUGE
                                    : nondet_bool() ? GUEST_MEMORY_SMALL
                                                    : GUEST_MEMORY_TRANSPARENT;

    int r = guest_memory_init_pages(&memory, size, pages);
    if (r < 0) {
        SHOW(memory.base == NULL, "a failure leaves nothing");
        return 0;
    }
    model_ram = memory.base;
    SHOW(size >= GUEST_MEMORY_MIN && size <= GUEST_MEMORY_MAX && size % 4096 == 0,
         "the size is one that is documented");
    SHOW(memory.n_regions >= 1 && memory.n_regions <= 2 && memory.regions[0].gpa == 0 &&
             memory.regions[0].offset == 0 && memory.regions[0].size <= GUEST_MEMORY_LOW_END,
         "there is low memory, up to the hole");
    SHOW(memory.n_regions == 1 ? memory.regions[0].size == size
                               : memory.regions[1].gpa == GUEST_MEMORY_HIGH_START &&
                                     memory.regions[1].offset == memory.regions[0].size &&
                                     memory.regions[0].size + memory.regions[1].size == size,
         "the regions are all of the file, once");

    uint64_t gpa = nondet_u64(), length = nondet_u64();
    __uint128_t end = (__uint128_t)gpa + length;
    const uint8_t *p = guest_memory_at(&memory, gpa, length);
    bool low = end <= memory.regions[0].size;
    bool high = memory.n_regions == 2 && gpa >= GUEST_MEMORY_HIGH_START &&
                end <= (__uint128_t)GUEST_MEMORY_HIGH_START + memory.regions[1].size;

    SHOW((p != NULL) == (low || high), "RAM, and all of it, is what can be had");
    if (!p)
        return 0;
    uint64_t offset = low ? gpa : memory.regions[0].size + (gpa - GUEST_MEMORY_HIGH_START);
    SHOW(p == memory.base + offset, "the bytes are those that were asked for");
    SHOW(offset <= size && length <= size - offset, "and end where the file ends, at the latest");
    return 0;
}
