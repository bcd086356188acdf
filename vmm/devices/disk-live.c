/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that grows, and rates that change. */
#include "vmm/devices/disk-live.h"

#include <string.h>

#include "vmm/log.h"
#include "vmm/virtio/reply.h"

/* An image that became smaller is a mistake, or worse, and nothing that a guest could follow. */
static void look_at_size(struct disk *disk, char *reply, size_t size)
{
    uint64_t old = atomic_load(&disk->image.sectors), now = 0;

    int r = disk_image_measure_again(&disk->image, &now);
    if (r < 0) {
        reply_add(reply, size, "size: the image cannot be measured: %s", strerror(-r));
        return;
    }
    unsigned long long from = old << DISK_SECTOR_SHIFT, to = now << DISK_SECTOR_SHIFT;
    if (now < old)
        reply_add(reply, size,
                  "size: %llu → %llu bytes is refused: a disk cannot shrink under its guest, which "
                  "gets I/O errors beyond the image's end",
                  from, to);
    if (now <= old)
        return;
    atomic_store(&disk->image.sectors, now);
    pthread_mutex_lock(&disk->device.mutex);
    disk->config.capacity = now;
    pthread_mutex_unlock(&disk->device.mutex);
    virtio_device_config_changed(&disk->device);
    reply_add(reply, size, "size: %llu → %llu bytes", from, to);
}

static void tell_rate(char *reply, size_t size, const char *name, uint32_t old, uint32_t now)
{
    char from[16] = "none", to[16] = "none";

    if (old == now)
        return;
    if (old > 0)
        (void)snprintf(from, sizeof(from), "%u", old);
    if (now > 0)
        (void)snprintf(to, sizeof(to), "%u", now);
    reply_add(reply, size, "%s: %s → %s", name, from, to);
}

int disk_reconfigure(struct virtio_device *device, const char *argument, char *reply, size_t size)
{
    static const char *const live[] = {"iops", "mbps", NULL};
    struct disk *disk = disk_of(device);
    struct disk_settings settings;
    uint32_t iops, mbps;

    int r = disk_settings_parse(argument, &settings);
    if (r < 0) {
        reply_add(reply, size, "'%s' is no disk's setting", argument);
        return r;
    }
    look_at_size(disk, reply, size);
    disk_limit_get(&disk->limit, &iops, &mbps);
    if (iops != settings.iops || mbps != settings.mbps)
        disk_limit_set(&disk->limit, settings.iops, settings.mbps);
    tell_rate(reply, size, "iops", iops, settings.iops);
    tell_rate(reply, size, "mbps", mbps, settings.mbps);
    (void)reply_add_deferred(reply, size, disk->argument, argument, live);
    return 0;
}

void disk_describe(struct virtio_device *device, char *ret, size_t size)
{
    struct disk *disk = disk_of(device);
    uint32_t iops, mbps;

    disk_limit_get(&disk->limit, &iops, &mbps);
    (void)snprintf(ret, size, "bytes=%llu engine=%s iops=%u mbps=%u",
                   (unsigned long long)atomic_load(&disk->image.sectors) << DISK_SECTOR_SHIFT,
                   disk->has_rings ? "io_uring" : "sync", iops, mbps);
}
