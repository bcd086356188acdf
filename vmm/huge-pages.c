/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the kernel's figures in /sys; before the lock-down. */
#include "vmm/huge-pages.h"

#include <fcntl.h>
#include <string.h>

#include "vmm/log.h"

#define POOL        "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define TRANSPARENT "/sys/kernel/mm/transparent_hugepage/enabled"

static const char *const names[] = {
    [GUEST_MEMORY_SMALL] = "no",
    [GUEST_MEMORY_HUGE] = "yes",
    [GUEST_MEMORY_TRANSPARENT] = "thp",
};

int huge_pages_parse(const char *text, enum guest_memory_pages *ret)
{
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum guest_memory_pages)i;
            return 0;
        }
    return log_errno(-EINVAL, "--hugepages=%s is neither no, yes nor thp", text);
}

const char *huge_pages_name(enum guest_memory_pages pages)
{
    return names[pages];
}

static bool read_text(const char *path, char *ret, size_t size)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

    ret[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static unsigned long long read_number(const char *path)
{
    char text[32];

    return read_text(path, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

int huge_pages_missing(uint64_t size, int r)
{
    unsigned long long needed = size / GUEST_MEMORY_HUGE_PAGE;
    unsigned long long all = read_number(POOL "nr_hugepages");
    unsigned long long free_pages = read_number(POOL "free_hugepages");
    unsigned long long promised = read_number(POOL "resv_hugepages");
    unsigned long long left = free_pages > promised ? free_pages - promised : 0;
    unsigned long long enough = (all > left ? all - left : 0) + needed;

    if (r == -EINVAL)
        return log_errno(r,
                         "%llu MiB of memory cannot be given to a guest in huge pages: a "
                         "multiple of 2 MiB can, from 16 MiB to 1 TiB",
                         (unsigned long long)size >> 20);
    if (r != -ENOMEM)
        return log_errno(r, "Cannot make %llu MiB of guest memory of huge pages: %s",
                         (unsigned long long)size >> 20, strerror(-r));
    return log_errno(
        r,
        "%llu huge pages of 2 MiB are needed for %llu MiB of guest memory, and %llu of "
        "%llu are free; reserve more: sysctl vm.nr_hugepages=%llu, or hugepages=%llu "
        "on the host's kernel command line",
        needed, (unsigned long long)size >> 20, left, all, enough, enough);
}

void huge_pages_check_transparent(void)
{
    char text[128];

    if (!read_text(TRANSPARENT, text, sizeof(text)))
        log_notice("This kernel has no transparent huge pages for guest memory: it is of small "
                   "pages");
    else if (strstr(text, "[never]"))
        log_notice("Transparent huge pages are turned off on this host: guest memory is of small "
                   "pages; to turn them on: echo madvise >" TRANSPARENT);
}
