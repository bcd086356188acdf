/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory and its checked accessor. */
#include "vmm/kvm/memory.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(GUEST_MEMORY_LOW_END % GUEST_MEMORY_HUGE_PAGE == 0, "the hole cuts no huge page");

static int make_file(struct guest_memory *memory)
{
    bool reserved = guest_memory_is_reserved(memory);

    memory->fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING |
                                                  (reserved ? MFD_HUGETLB | MFD_HUGE_2MB : 0u));
    if (memory->fd < 0)
        return -errno;
    if (ftruncate(memory->fd, (off_t)memory->size) < 0)
        return -errno;
    /* A memfd that cannot shrink cannot turn an access into SIGBUS. */
    if (fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return 0;
}

/* At an address where huge pages of the mapping, of its file and of the guest are the same. */
static int map_memory(struct guest_memory *memory)
{
    uint64_t room = memory->size + GUEST_MEMORY_HUGE_PAGE;
    int flags = MAP_FIXED | (memory->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    int fd = memory->fd < 0 ? -1 : memory->fd; /* which is no file's; Linux takes others, too */
    uint8_t *space =
        mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return -errno;

    if (!guest_memory_is_reserved(memory))
        flags |= MAP_NORESERVE; /* which else reserves huge pages here */
    uint64_t before = -(uintptr_t)space % GUEST_MEMORY_HUGE_PAGE;
    void *p = mmap(space + before, memory->size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) {
        int r = -errno;

        (void)munmap(space, room);
        return r;
    }
    memory->base = p;
    if (before > 0)
        (void)munmap(space, before);
    (void)munmap(memory->base + memory->size, GUEST_MEMORY_HUGE_PAGE - before);
    return 0;
}

/*
 * Of the lowest 2 MiB little is used but tables that are made before the start: making all of it
 * zeros would cost more. A kernel that makes no huge pages makes small ones.
 */
static int advise_huge_pages(const struct guest_memory *memory)
{
    uint64_t low = GUEST_MEMORY_HUGE_PAGE;

    if (madvise(memory->base, low, MADV_NOHUGEPAGE) < 0 ||
        madvise(memory->base + low, memory->size - low, MADV_HUGEPAGE) < 0)
        return errno == EINVAL ? 0 : -errno;
    return 0;
}

static int memory_map(struct guest_memory *memory, enum guest_memory_pages pages)
{
    int r = pages == GUEST_MEMORY_TRANSPARENT ? 0 : make_file(memory);

    if (r >= 0)
        r = map_memory(memory);
    if (r >= 0 && pages == GUEST_MEMORY_TRANSPARENT)
        r = advise_huge_pages(memory);
    if (r < 0)
        return r;
    /* The guest's secrets stay out of core files. */
    return madvise(memory->base, memory->size, MADV_DONTDUMP) < 0 ? -errno : 0;
}

int guest_memory_init_pages(struct guest_memory *memory, uint64_t size,
                            enum guest_memory_pages pages)
{
    uint64_t page_size = pages == GUEST_MEMORY_HUGE ? GUEST_MEMORY_HUGE_PAGE : 4096;

    if (size < GUEST_MEMORY_MIN || size > GUEST_MEMORY_MAX || size % page_size != 0)
        return -EINVAL;

    struct guest_memory m = {.fd = -EBADF, .size = size, .page_size = page_size, .n_regions = 1};
    uint64_t low = size < GUEST_MEMORY_LOW_END ? size : GUEST_MEMORY_LOW_END;
    m.regions[0] = (struct memory_region){.gpa = 0, .size = low, .offset = 0};
    if (size > low) {
        m.regions[1] = (struct memory_region){
            .gpa = GUEST_MEMORY_HIGH_START, .size = size - low, .offset = low};
        m.n_regions = 2;
    }
    int r = memory_map(&m, pages);
    if (r < 0) {
        guest_memory_done(&m);
        return r;
    }
    *memory = m;
    return 0;
}

int guest_memory_init(struct guest_memory *memory, uint64_t size)
{
    return guest_memory_init_pages(memory, size, GUEST_MEMORY_SMALL);
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

int guest_memory_map_file(struct guest_memory *memory, uint64_t gpa, uint64_t length, int fd,
                          uint64_t offset)
{
    uint8_t *p = guest_memory_at(memory, gpa, length);

    if (!p)
        return -EFAULT;
    if ((gpa | length | offset) % 4096 != 0 || guest_memory_is_reserved(memory))
        return -EINVAL;
    if (length == 0)
        return 0;
    if (mmap(p, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
             (off_t)offset) == MAP_FAILED)
        return -errno;

    uint64_t begin = (uint64_t)(p - memory->base), end = begin + length;
    bool first = memory->file_end == 0;
    if (first || begin < memory->file_begin)
        memory->file_begin = begin;
    if (end > memory->file_end)
        memory->file_end = end;
    return madvise(p, length, MADV_DONTDUMP) < 0 ? -errno : 0;
}

static int give_back(const struct guest_memory *memory, uint64_t begin, uint64_t end)
{
    int r;

    if (end <= begin)
        return 0;
    do
        r = memory->fd < 0 ? madvise(memory->base + begin, end - begin, MADV_DONTNEED)
                           : fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       (off_t)begin, (off_t)(end - begin));
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int guest_memory_release(const struct guest_memory *memory, const void *p, uint64_t length,
                         uint64_t *ret_released)
{
    uint64_t mask = memory->page_size - 1, offset = (uint64_t)((const uint8_t *)p - memory->base);
    uint64_t begin = (offset + mask) & ~mask, end = (offset + length) & ~mask, released = 0;
    /* Pages of a file would read as the file's again, where the guest may count on zeros. */
    const uint64_t pieces[][2] = {
        {begin, end < memory->file_begin ? end : memory->file_begin},
        {begin > memory->file_end ? begin : memory->file_end, end},
    };

    for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
        int r = give_back(memory, pieces[i][0], pieces[i][1]);
        if (r < 0)
            return r;
        released += pieces[i][1] > pieces[i][0] ? pieces[i][1] - pieces[i][0] : 0;
    }
    *ret_released = released;
    return 0;
}

uint64_t guest_memory_low_end(const struct guest_memory *memory)
{
    return memory->n_regions > 0 ? memory->regions[0].size : 0;
}
