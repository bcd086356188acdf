/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: features, configuration, queues, and the size that may change while it lives. */
#include "vmm/devices/balloon.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/balloon-device.h"
#include "vmm/filters.h"
#include "vmm/log.h"
#include "vmm/virtio/reply.h"

enum {
    BALLOON_PCI_CLASS = 0xff0000, /* of no class */
    BALLOON_BATCH = 16,           /* requests, before others have their turn */
    BALLOON_TELL_MS = 1000,
};

#define BALLOON_FEATURE(bit) (UINT64_C(1) << (bit))

#define BALLOON_FEATURES                                                                           \
    (BALLOON_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) | BALLOON_FEATURE(VIRTIO_RING_F_EVENT_IDX) |     \
     BALLOON_FEATURE(VIRTIO_BALLOON_F_STATS_VQ) | BALLOON_FEATURE(VIRTIO_BALLOON_F_PAGE_POISON))

/* Soon, and not too often, however fast a guest moves. */
static void tell_soon(struct balloon *balloon)
{
    (void)ticker_wait(&balloon->tell, &balloon->device.worker.loop);
}

static void tell_due(struct event_source *source, uint32_t events _unused_)
{
    struct balloon *balloon = container_of(source, struct balloon, tell.source);

    if (!ticker_heard(&balloon->tell))
        return;
    ticker_stop(&balloon->tell, &balloon->device.worker.loop);
    balloon_tell(balloon);
}

static void signal_queue(struct balloon *balloon, unsigned index)
{
    struct virtio_device *device = &balloon->device;

    if (virtqueue_must_signal(&device->queues[index]))
        device->transport.signal_queue(device->transport.context, index);
}

/* The driver's statistics buffer goes back, and comes again with new figures (5.5.6.3). */
static void ask(struct balloon *balloon)
{
    if (balloon->asked_head < 0)
        return;
    virtqueue_push(&balloon->device.queues[BALLOON_STATISTICS], (uint16_t)balloon->asked_head, 0);
    balloon->asked_head = -1;
    signal_queue(balloon, BALLOON_STATISTICS);
}

static void ask_due(struct event_source *source, uint32_t events _unused_)
{
    struct balloon *balloon = container_of(source, struct balloon, ask.source);

    if (ticker_heard(&balloon->ask))
        ask(balloon);
}

static int serve_chain(struct balloon *balloon, unsigned index)
{
    struct virtqueue *queue = &balloon->device.queues[index];
    int r = 0;

    switch (index) {
    case BALLOON_INFLATE:
        r = balloon_inflate(balloon);
        break;
    case BALLOON_DEFLATE: /* a page comes back when it is touched: nothing needs to be done */
        r = balloon->chain.n_in > 0 ? -EPROTO : 0;
        break;
    case BALLOON_STATISTICS:
        r = balloon_take_statistics(balloon);
        if (r < 0)
            return r;
        ask(balloon); /* one buffer is enough: an older one goes back */
        balloon->asked_head = balloon->chain.head;
        return 0;
    default:
        r = balloon_report(balloon);
        break;
    }
    if (r >= 0)
        virtqueue_push(queue, balloon->chain.head, 0);
    return r;
}

static int serve_one(struct balloon *balloon, unsigned index)
{
    int r = virtqueue_pop(&balloon->device.queues[index], &balloon->chain);

    if (r == 1)
        r = serve_chain(balloon, index);
    else if (r == 0)
        return 0;
    return r < 0 ? r : 1;
}

static void kicked(struct event_source *source, uint32_t events _unused_)
{
    struct balloon_kick *kick = container_of(source, struct balloon_kick, source);
    struct balloon *balloon = kick->balloon;
    unsigned index = (unsigned)(kick - balloon->kicks), served = 0;
    struct virtqueue *queue = &balloon->device.queues[index];
    int r = 0;

    virtqueue_disable_notification(queue);
    do {
        while (served < BALLOON_BATCH && (r = serve_one(balloon, index)) == 1)
            served++;
    } while (r == 0 && virtqueue_enable_notification(queue) && ++served < BALLOON_BATCH);
    signal_queue(balloon, index);
    if (served > 0)
        tell_soon(balloon);
    if (r < 0)
        virtio_device_fault(&balloon->device, "a request to the balloon is broken");
    else if (served >= BALLOON_BATCH)
        (void)eventfd_write(source->fd, 1); /* comes again, after the loop's other sources */
}

static void moved(struct event_source *source, uint32_t events _unused_)
{
    tell_soon(container_of(source, struct balloon, moved));
}

/* The device's own sources live as long as it runs, so that a reset leaves nothing in the loop. */
static void balloon_stop(struct virtio_device *device)
{
    struct balloon *balloon = balloon_of(device);
    struct event_loop *loop = &device->worker.loop;

    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        event_loop_remove(loop, &balloon->kicks[i].source);
    event_loop_remove(loop, &balloon->moved);
    ticker_stop(&balloon->ask, loop);
    balloon->asked_head = -1;
    balloon->statistics = (struct balloon_statistics){0};
    pthread_mutex_lock(&device->mutex);
    balloon->config.actual = balloon->config.poison_val = 0; /* the pages are the guest's again */
    pthread_mutex_unlock(&device->mutex);
    tell_soon(balloon);
}

static int balloon_start(struct virtio_device *device)
{
    struct balloon *balloon = balloon_of(device);
    struct event_loop *loop = &device->worker.loop;
    int r = device->queues[BALLOON_INFLATE].state.enabled &&
                    device->queues[BALLOON_DEFLATE].state.enabled
                ? 0
                : -EINVAL;

    for (unsigned i = 0; i < BALLOON_QUEUES && r >= 0; i++) {
        if (!device->queues[i].state.enabled)
            continue;
        r = event_loop_add(loop, &balloon->kicks[i].source, EPOLLIN | EPOLLET);
        if (r >= 0)
            (void)eventfd_write(balloon->kicks[i].source.fd, 1);
    }
    if (r >= 0)
        r = event_loop_add(loop, &balloon->moved, EPOLLIN | EPOLLET);
    if (r >= 0 && balloon->ask.source.fd >= 0)
        r = ticker_wait(&balloon->ask, loop);
    if (r < 0)
        balloon_stop(device);
    return r;
}

static void balloon_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                                unsigned length)
{
    const struct virtio_balloon_config *config = &balloon_of(device)->config;

    if (offset < sizeof(*config) && length <= sizeof(*config) - offset)
        memcpy(ret_data, (const uint8_t *)config + offset, length);
}

/* The driver says how large the balloon is, and what stands in its free pages; no more. */
static void balloon_write_config(struct virtio_device *device, uint32_t offset, const void *data,
                                 unsigned length)
{
    struct balloon *balloon = balloon_of(device);

    if (length != sizeof(uint32_t))
        return;
    if (offset == offsetof(struct virtio_balloon_config, poison_val))
        memcpy(&balloon->config.poison_val, data, length);
    if (offset != offsetof(struct virtio_balloon_config, actual))
        return;
    memcpy(&balloon->config.actual, data, length);
    (void)eventfd_write(balloon->moved.fd, 1);
}

/* Not all of it: with nothing left, a guest has no way out. 0, or -EINVAL with a reason. */
static int check_size(const struct guest_memory *memory, const struct balloon_settings *settings,
                      char *ret_why, size_t size)
{
    if ((uint64_t)settings->size_mib << 20 < memory->size)
        return 0;
    (void)snprintf(ret_why, size, "a balloon of %u MiB leaves a guest of %llu MiB nothing",
                   settings->size_mib, (unsigned long long)(memory->size >> 20));
    return -EINVAL;
}

static int balloon_reconfigure(struct virtio_device *device, const char *argument, char *reply,
                               size_t size)
{
    static const char *const live[] = {"size", NULL};
    struct balloon *balloon = balloon_of(device);
    struct balloon_settings settings;
    char why[96];

    int r = balloon_settings_parse(argument, &settings);
    if (r < 0) {
        reply_add(reply, size, "'%s' is no balloon's setting", argument);
        return r;
    }
    r = check_size(device->memory, &settings, why, sizeof(why));
    if (r < 0) {
        reply_add(reply, size, "%s", why);
        return r;
    }
    uint32_t pages = settings.size_mib << (20 - VIRTIO_BALLOON_PFN_SHIFT);
    pthread_mutex_lock(&device->mutex);
    uint32_t old = balloon->config.num_pages;
    balloon->config.num_pages = pages;
    pthread_mutex_unlock(&device->mutex);
    if (old != pages) {
        virtio_device_config_changed(device);
        tell_soon(balloon);
        reply_add(reply, size, "size: %u → %u MiB", old >> (20 - VIRTIO_BALLOON_PFN_SHIFT),
                  settings.size_mib);
    }
    (void)reply_add_deferred(reply, size, balloon->argument, argument, live);
    return 0;
}

static void balloon_destroy(struct virtio_device *device)
{
    struct balloon *balloon = balloon_of(device);

    virtio_device_done(device);
    ticker_done(&balloon->ask);
    ticker_done(&balloon->tell);
    balloon->moved.fd = close_fd(balloon->moved.fd);
    balloon->file = close_fd(balloon->file);
    free(balloon->argument);
    free(balloon);
}

static const struct virtio_type balloon_type = {
    .id = VIRTIO_ID_BALLOON,
    .pci_class = BALLOON_PCI_CLASS,
    .filter = &filter_balloon,
    .start = balloon_start,
    .stop = balloon_stop,
    .read_config = balloon_read_config,
    .write_config = balloon_write_config,
    .reconfigure = balloon_reconfigure,
    .describe = balloon_describe,
    .destroy = balloon_destroy,
};

static int open_file(const char *file, const struct device_environment *environment)
{
    if (file[0] == '\0')
        return -EBADF;
    if (strncmp(file, "fd:", 3) == 0)
        return environment->take_fd(environment->context, file + 3);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? log_errno(-errno, "Cannot write to '%s': %m", file) : fd;
}

static uint64_t features_of(const struct balloon_settings *settings,
                            const struct guest_memory *memory)
{
    uint64_t features = BALLOON_FEATURES;

    if (settings->deflate_on_oom)
        features |= BALLOON_FEATURE(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
    /* A reserved huge page that was given back may be another's when the guest wants it again. */
    if (settings->reporting && !guest_memory_is_reserved(memory))
        features |= BALLOON_FEATURE(VIRTIO_BALLOON_F_REPORTING);
    return features;
}

static int balloon_init(struct balloon *balloon, const struct balloon_settings *settings,
                        const struct device_environment *environment)
{
    int r = ticker_init(&balloon->tell, BALLOON_TELL_MS, tell_due);

    if (r >= 0 && settings->statistics_sec > 0)
        r = ticker_init(&balloon->ask, settings->statistics_sec * 1000, ask_due);
    if (r >= 0) {
        balloon->moved =
            (struct event_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = moved};
        r = balloon->moved.fd < 0 ? -errno : 0;
    }
    if (r >= 0)
        r = virtio_device_init(&balloon->device, &balloon_type, settings->id, environment->memory,
                               features_of(settings, environment->memory), BALLOON_QUEUES,
                               BALLOON_QUEUE_SIZE);
    for (unsigned i = 0; i < BALLOON_QUEUES && r >= 0; i++)
        balloon->kicks[i] = (struct balloon_kick){
            .source = {.fd = balloon->device.kick[i], .ready = kicked}, .balloon = balloon};
    return r;
}

int balloon_create(const char *argument, const struct device_environment *environment,
                   struct virtio_device **ret)
{
    struct balloon_settings settings;
    char why[96];

    int r = balloon_settings_parse(argument, &settings);
    if (r < 0)
        return r;
    if (check_size(environment->memory, &settings, why, sizeof(why)) < 0)
        return log_errno(-EINVAL, "--balloon: %s", why);
    struct balloon *balloon = calloc(1, sizeof(*balloon));
    if (!balloon)
        return -ENOMEM;
    balloon->ask.source.fd = balloon->tell.source.fd = balloon->moved.fd = balloon->file = -EBADF;
    balloon->asked_head = -1;
    balloon->config.num_pages = settings.size_mib << (20 - VIRTIO_BALLOON_PFN_SHIFT);
    balloon->argument = strdup(argument);
    r = balloon->argument ? balloon_init(balloon, &settings, environment) : -ENOMEM;
    if (r < 0) {
        balloon_destroy(&balloon->device);
        return log_errno(r, "Cannot make the balloon '%s': %s", settings.id, strerror(-r));
    }
    if (settings.file[0] != '\0') {
        r = balloon->file = open_file(settings.file, environment);
        if (r < 0) {
            balloon_destroy(&balloon->device);
            return r;
        }
    }
    balloon_tell(balloon);
    *ret = &balloon->device;
    return 0;
}
