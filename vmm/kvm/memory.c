/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory and its checked accessor. */
#include "vmm/kvm/memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static int memory_map(struct guest_memory *memory)
{
    memory->fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory->fd < 0)
        return -errno;
    if (ftruncate(memory->fd, (off_t)memory->size) < 0)
        return -errno;
    /* A memfd that cannot shrink cannot turn an access into SIGBUS. */
    if (fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    void *p =
        mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    memory->base = p;
    /* The guest's secrets stay out of core files. */
    if (madvise(p, memory->size, MADV_DONTDUMP) < 0)
        return -errno;
    return 0;
}

int guest_memory_init(struct guest_memory *memory, uint64_t size)
{
    if (size < GUEST_MEMORY_MIN || size > GUEST_MEMORY_MAX || size % 4096 != 0)
        return -EINVAL;

    struct guest_memory m = {.fd = -EBADF, .size = size, .n_regions = 1};
    uint64_t low = size < GUEST_MEMORY_LOW_END ? size : GUEST_MEMORY_LOW_END;
    m.regions[0] = (struct memory_region){.gpa = 0, .size = low, .offset = 0};
    if (size > low) {
        m.regions[1] = (struct memory_region){
            .gpa = GUEST_MEMORY_HIGH_START, .size = size - low, .offset = low};
        m.n_regions = 2;
    }
    int r = memory_map(&m);
    if (r < 0) {
        guest_memory_done(&m);
        return r;
    }
    *memory = m;
    return 0;
}

void guest_memory_done(struct guest_memory *memory)
{
    if (memory->base) {
        (void)munmap(memory->base, memory->size);
        memory->base = NULL;
    }
    if (memory->size > 0)
        memory->fd = close_fd(memory->fd);
    memory->size = 0;
    memory->n_regions = 0;
}

void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t length)
{
    for (unsigned i = 0; i < memory->n_regions; i++) {
        const struct memory_region *region = &memory->regions[i];

        if (gpa < region->gpa || gpa - region->gpa > region->size)
            continue;
        uint64_t start = gpa - region->gpa;
        if (length > region->size - start)
            continue;
        return memory->base + region->offset + start;
    }
    return NULL;
}

int guest_memory_write(const struct guest_memory *memory, uint64_t gpa, const void *data,
                       size_t length)
{
    void *p = guest_memory_at(memory, gpa, length);

    if (!p)
        return -EFAULT;
    memcpy(p, data, length);
    return 0;
}

int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *ret_data,
                      size_t length)
{
    const void *p = guest_memory_at(memory, gpa, length);

    if (!p)
        return -EFAULT;
    memcpy(ret_data, p, length);
    return 0;
}

uint64_t guest_memory_low_end(const struct guest_memory *memory)
{
    return memory->n_regions > 0 ? memory->regions[0].size : 0;
}
