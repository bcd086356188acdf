/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest tells of its memory (5.5.6.3), and who hears of it. */
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>

#include "vmm/devices/balloon-device.h"
#include "vmm/log.h"

enum {
    FILE_SIZE = 1024, /* at most */
    MIB_SHIFT = 20,
    PAGES_PER_MIB = 1 << (MIB_SHIFT - VIRTIO_BALLOON_PFN_SHIFT),
};

static const struct {
    unsigned tag;
    const char *key;
    unsigned shift; /* what the guest tells in bytes is shown in KiB */
} figures[] = {
    {VIRTIO_BALLOON_S_MEMTOT, "guest_total_kib", 10},
    {VIRTIO_BALLOON_S_MEMFREE, "guest_free_kib", 10},
    {VIRTIO_BALLOON_S_AVAIL, "guest_available_kib", 10},
    {VIRTIO_BALLOON_S_CACHES, "guest_caches_kib", 10},
    {VIRTIO_BALLOON_S_SWAP_IN, "guest_swap_in_kib", 10},
    {VIRTIO_BALLOON_S_SWAP_OUT, "guest_swap_out_kib", 10},
    {VIRTIO_BALLOON_S_MAJFLT, "guest_major_faults", 0},
    {VIRTIO_BALLOON_S_MINFLT, "guest_minor_faults", 0},
};

int balloon_take_statistics(struct balloon *balloon)
{
    struct virtio_balloon_stat stats[2 * BALLOON_STATISTICS_MAX];

    if (balloon->chain.n_in > 0)
        return -EPROTO;
    size_t length = virtqueue_chain_read(&balloon->chain, 0, stats, sizeof(stats));
    for (size_t i = 0; i < length / sizeof(stats[0]); i++) {
        if (stats[i].tag >= BALLOON_STATISTICS_MAX)
            continue;
        balloon->statistics.values[stats[i].tag] = stats[i].val;
        balloon->statistics.known |= 1u << stats[i].tag;
    }
    return 0;
}

/* How large the balloon is to be, and is as far as can be, in MiB. */
static void sizes(struct balloon *balloon, uint32_t *ret_size, uint32_t *ret_actual)
{
    uint64_t most = balloon->device.memory->size >> VIRTIO_BALLOON_PFN_SHIFT;

    pthread_mutex_lock(&balloon->device.mutex);
    *ret_size = balloon->config.num_pages / PAGES_PER_MIB;
    *ret_actual =
        (balloon->config.actual < most ? balloon->config.actual : (uint32_t)most) / PAGES_PER_MIB;
    pthread_mutex_unlock(&balloon->device.mutex);
}

static void write_file(struct balloon *balloon, uint32_t size, uint32_t actual)
{
    char text[FILE_SIZE];
    size_t n;

    memset(text, '\n', sizeof(text)); /* empty lines, to the end */
    n = (size_t)snprintf(text, sizeof(text),
                         "size_mib=%" PRIu32 "\nactual_mib=%" PRIu32 "\nreturned_kib=%" PRIu64 "\n",
                         size, actual, balloon->released >> 10);
    for (size_t i = 0; i < ELEMENTSOF(figures); i++)
        if (balloon->statistics.known >> figures[i].tag & 1)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s=%" PRIu64 "\n", figures[i].key,
                                  balloon->statistics.values[figures[i].tag] >> figures[i].shift);
    text[n] = '\n'; /* in place of the string's end */
    /* Never less than before: whoever reads while it is written never sees an old line's rest. */
    if (n > balloon->file_size)
        balloon->file_size = n;
    struct iovec iov = {.iov_base = text, .iov_len = balloon->file_size};
    if (pwritev(balloon->file, &iov, 1, 0) != (ssize_t)iov.iov_len && !balloon->file_failed) {
        log_warning("'%s': its figures cannot be written: %m", balloon->device.id);
        balloon->file_failed = true;
    }
}

void balloon_tell(struct balloon *balloon)
{
    const struct balloon_statistics *statistics = &balloon->statistics;
    char sized[48] = "";
    uint32_t size, actual;

    sizes(balloon, &size, &actual);
    if (balloon->file >= 0)
        write_file(balloon, size, actual);
    if (size != actual)
        (void)snprintf(sized, sizeof(sized), "balloon %" PRIu32 " of %" PRIu32 " MiB", actual,
                       size);
    else if (size > 0)
        (void)snprintf(sized, sizeof(sized), "balloon %" PRIu32 " MiB", actual);
    if (statistics->known >> VIRTIO_BALLOON_S_MEMFREE & 1)
        virtio_device_tell(&balloon->device, "%s%sguest free %" PRIu64 " MiB", sized,
                           sized[0] ? ", " : "",
                           statistics->values[VIRTIO_BALLOON_S_MEMFREE] >> MIB_SHIFT);
    else
        virtio_device_tell(&balloon->device, "%s", sized);
}

void balloon_describe(struct virtio_device *device, char *ret, size_t size)
{
    struct balloon *balloon = balloon_of(device);
    const struct balloon_statistics *statistics = &balloon->statistics;
    uint32_t wanted, actual;
    size_t n;

    sizes(balloon, &wanted, &actual);
    n = (size_t)snprintf(ret, size,
                         "size_mib=%" PRIu32 " actual_mib=%" PRIu32 " returned_kib=%" PRIu64,
                         wanted, actual, balloon->released >> 10);
    if (n < size && (statistics->known >> VIRTIO_BALLOON_S_MEMFREE & 1))
        (void)snprintf(ret + n, size - n, " guest_free_kib=%" PRIu64,
                       statistics->values[VIRTIO_BALLOON_S_MEMFREE] >> 10);
}
