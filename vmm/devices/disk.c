/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk: features, configuration, and the life of the device around its queues. */
#include "vmm/devices/disk.h"

#include <string.h>

#include "vmm/clock.h"
#include "vmm/devices/disk-live.h"
#include "vmm/devices/disk-queue.h"
#include "vmm/filters.h"
#include "vmm/log.h"

enum {
    DISK_PCI_CLASS = 0x010000, /* mass storage, SCSI, as Linux expects of virtio-blk */
    TELL_SECONDS = 10,
    DISK_PAGE_SIZE = 4096, /* of drivers */
};

#define DISK_FEATURE(bit) (UINT64_C(1) << (bit))

#define DISK_FEATURES                                                                              \
    (DISK_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | DISK_FEATURE(VIRTIO_RING_F_EVENT_IDX) |           \
     DISK_FEATURE(VIRTIO_BLK_F_SIZE_MAX) | DISK_FEATURE(VIRTIO_BLK_F_SEG_MAX) |                    \
     DISK_FEATURE(VIRTIO_BLK_F_BLK_SIZE) | DISK_FEATURE(VIRTIO_BLK_F_TOPOLOGY) |                   \
     DISK_FEATURE(VIRTIO_BLK_F_FLUSH))

void disk_tell_error(struct disk *disk, int r, const char *what, uint64_t sector)
{
    uint64_t now = clock_now_ns(), told = atomic_load(&disk->told_ns);

    if ((told != 0 && now - told < TELL_SECONDS * CLOCK_NS_PER_SEC) ||
        !atomic_compare_exchange_strong(&disk->told_ns, &told, now)) {
        atomic_fetch_add(&disk->untold, 1);
        return;
    }
    unsigned before = atomic_exchange(&disk->untold, 0);
    char more[64] = "";
    if (before > 0)
        (void)snprintf(more, sizeof(more), " (and %u errors before)", before);
    log_error("Disk '%s': the host cannot %s at sector %llu: %s; the guest gets an I/O error%s",
              disk->device.id, what, (unsigned long long)sector, strerror(-r), more);
}

static void disk_stop(struct virtio_device *device)
{
    struct disk *disk = disk_of(device);

    for (unsigned i = disk->n_queues; i-- > 0;)
        disk_queue_stop(disk->queues[i]);
}

static int disk_start(struct virtio_device *device)
{
    struct disk *disk = disk_of(device);
    unsigned n = virtio_device_has(device, VIRTIO_BLK_F_MQ) ? disk->n_queues : 1;
    int r = device->queues[0].state.enabled ? 0 : -EINVAL;

    for (unsigned i = 0; i < n && r >= 0; i++)
        if (device->queues[i].state.enabled)
            r = disk_queue_start(disk->queues[i]);
    if (r < 0)
        disk_stop(device);
    return r;
}

static int disk_start_threads(struct virtio_device *device, struct thread_gate *gate)
{
    struct disk *disk = disk_of(device);
    int n = 0;

    for (unsigned i = 0; i < disk->n_queues; i++) {
        int r = disk_queue_start_thread(disk->queues[i], gate);

        if (r < 0)
            return r;
        n += r;
    }
    return n;
}

static void disk_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                             unsigned length)
{
    const struct virtio_blk_config *config = &disk_of(device)->config;

    if (offset < sizeof(*config) && length <= sizeof(*config) - offset)
        memcpy(ret_data, (const uint8_t *)config + offset, length);
}

static void disk_destroy(struct virtio_device *device)
{
    struct disk *disk = disk_of(device);

    virtio_device_done(device);
    for (unsigned i = 0; i < DISK_QUEUES_MAX; i++)
        disk_queue_free(disk->queues[i]);
    disk_image_done(&disk->image);
    disk_limit_done(&disk->limit);
    free(disk->argument);
    free(disk);
}

static const struct virtio_type disk_type = {
    .id = VIRTIO_ID_BLOCK,
    .pci_class = DISK_PCI_CLASS,
    .filter = &filter_disk,
    .start = disk_start,
    .stop = disk_stop,
    .read_config = disk_read_config,
    .start_threads = disk_start_threads,
    .reconfigure = disk_reconfigure,
    .describe = disk_describe,
    .destroy = disk_destroy,
};

/* 5.2.4: counts of logical blocks, and the physical block as a power of two of them. */
static void configure_topology(struct virtio_blk_config *config, const struct disk_image *image)
{
    uint32_t block = image->block_size;

    config->blk_size = block;
    while (config->physical_block_exp < 8 &&
           (uint64_t)block << (config->physical_block_exp + 1) <= image->physical_size)
        config->physical_block_exp++;
    config->min_io_size =
        (uint16_t)(image->min_io / block < UINT16_MAX ? image->min_io / block : 0);
    config->opt_io_size = image->best_io / block;
}

/* So that no segment alone is more than the disk takes at once; a page is the least for drivers. */
static uint32_t segment_size_max(const struct disk_image *image)
{
    uint32_t pages = image->at_once / DISK_PAGE_SIZE * DISK_PAGE_SIZE;

    return pages > 0 && pages < DISK_SEGMENT_SIZE_MAX ? pages : DISK_SEGMENT_SIZE_MAX;
}

static uint64_t disk_configure(struct disk *disk, const struct disk_settings *settings)
{
    const struct disk_image *image = &disk->image;
    struct virtio_blk_config *config = &disk->config;
    uint64_t features = DISK_FEATURES;

    config->capacity = image->sectors;
    config->size_max = segment_size_max(image);
    config->seg_max = DISK_SEGMENTS_MAX;
    configure_topology(config, image);
    config->num_queues = settings->queues;
    if (settings->queues > 1)
        features |= DISK_FEATURE(VIRTIO_BLK_F_MQ);
    if (image->readonly)
        return features | DISK_FEATURE(VIRTIO_BLK_F_RO);
    config->max_discard_sectors = config->max_write_zeroes_sectors = DISK_RANGE_SECTORS_MAX;
    config->max_discard_seg = config->max_write_zeroes_seg = DISK_RANGES_MAX;
    config->discard_sector_alignment = image->block_size >> DISK_SECTOR_SHIFT;
    config->write_zeroes_may_unmap = 1;
    return features | DISK_FEATURE(VIRTIO_BLK_F_DISCARD) | DISK_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
}

/* All of them with a ring, or none. */
static int make_queues(struct disk *disk, bool with_ring)
{
    int r = 0;

    for (unsigned i = 0; i < disk->n_queues && r >= 0; i++)
        r = disk_queue_new(disk, i, with_ring, &disk->queues[i]);
    for (unsigned i = 0; i < disk->n_queues && r < 0; i++) {
        disk_queue_free(disk->queues[i]);
        disk->queues[i] = NULL;
    }
    return r;
}

static const char *why_no_ring(int r)
{
    return r == -EPERM ? "it is forbidden here (kernel.io_uring_disabled, or a container's filter)"
           : r == -ENOSYS ? "this kernel has none"
                          : strerror(-r);
}

static int choose_engine(struct disk *disk, enum disk_engine engine)
{
    int r = engine == DISK_ENGINE_SYNC ? -EOPNOTSUPP : make_queues(disk, true);

    disk->has_rings = r >= 0;
    if (disk->has_rings)
        disk->device.filter = &filter_disk_uring;
    else
        disk->image.at_once = 0;
    if (r >= 0)
        return r;
    if (engine == DISK_ENGINE_IO_URING)
        return log_errno(r, "Disk '%s' cannot have io_uring: %s; engine=auto would do without",
                         disk->device.id, why_no_ring(r));
    if (engine == DISK_ENGINE_AUTO)
        log_notice("Disk '%s' cannot have io_uring: %s; falling back to one request at a time",
                   disk->device.id, why_no_ring(r));
    return make_queues(disk, false);
}

static const char *remark(bool no_ring, bool cached)
{
    if (no_ring)
        return cached ? "without io_uring and with the page cache" : "without io_uring";
    return cached ? "with the page cache" : NULL;
}

int disk_create(const char *argument, const struct device_environment *environment,
                struct virtio_device **ret)
{
    struct disk_settings settings;
    struct disk_image image;

    int r = disk_settings_parse(argument, &settings);
    if (r >= 0)
        r = disk_image_init(&image, &settings, environment);
    if (r < 0)
        return r;
    struct disk *disk = calloc(1, sizeof(*disk));
    if (!disk) {
        disk_image_done(&image);
        return -ENOMEM;
    }
    disk->image = image;
    disk->n_queues = settings.queues;
    disk_limit_init(&disk->limit);
    disk_limit_set(&disk->limit, settings.iops, settings.mbps);
    r = virtio_device_init(&disk->device, &disk_type, settings.id, environment->memory,
                           disk_configure(disk, &settings), disk->n_queues, DISK_QUEUE_SIZE);
    disk->argument = strdup(argument);
    if (r >= 0)
        r = disk->argument ? choose_engine(disk, settings.engine) : -ENOMEM;
    if (r < 0) {
        disk_destroy(&disk->device);
        return log_errno(r, "Cannot make disk '%s': %s", settings.id, strerror(-r));
    }
    disk->device.remark = remark(settings.engine == DISK_ENGINE_AUTO && !disk->has_rings,
                                 settings.cache == DISK_CACHE_NONE && !image.direct);
    *ret = &disk->device;
    return 0;
}
