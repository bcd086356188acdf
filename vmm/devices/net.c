/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-net: features, configuration, and the life of the device around its queue pairs. */
#include "vmm/devices/net.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "vmm/devices/net-device.h"
#include "vmm/devices/net-resources.h"
#include "vmm/devices/tap.h"
#include "vmm/log.h"

enum { NET_PCI_CLASS = 0x020000 /* Ethernet controller */ };

/* What vhost may have to leave out, being the ring's and not the packets' (linux/vhost.h). */
#define NET_RING_FEATURES                                                                          \
    (NET_FEATURE(VIRTIO_NET_F_MRG_RXBUF) | NET_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) |              \
     NET_FEATURE(VIRTIO_RING_F_EVENT_IDX))

unsigned net_control_queue(const struct net *net)
{
    return virtio_device_has(&net->device, VIRTIO_NET_F_MQ) ? 2 * net->n_pairs : 2;
}

void net_set_status_bits(struct net *net, uint16_t bits, bool set)
{
    pthread_mutex_lock(&net->device.mutex);
    uint16_t old = net->config.status, new = set ? old | bits : old &(uint16_t)~bits;
    net->config.status = new;
    pthread_mutex_unlock(&net->device.mutex);
    if (old != new)
        virtio_device_config_changed(&net->device);
}

/* Said once; the guest sees the cable pulled. */
static void tap_lost(struct virtio_device *device)
{
    struct net *net = net_of(device);

    if (!atomic_exchange(&net->tap_lost_told, true))
        log_error("The TAP interface of '%s' is gone: its link is down until a restart",
                  device->id);
    net_set_status_bits(net, VIRTIO_NET_S_LINK_UP, false);
}

/* Turns the first N pairs on and the others off, as far as it goes. 0 or the first -errno. */
static int turn_on(struct net *net, unsigned n)
{
    int first = 0;

    for (unsigned i = 0; i < net->n_pairs; i++) {
        struct net_pair *pair = net->pairs[i];
        int r = pair->started ? pair->backend->set_active(pair, i < n) : 0;

        first = first < 0 ? first : r;
    }
    return first;
}

int net_set_pairs(struct net *net, unsigned n)
{
    if (n == 0 || n > net->n_pairs)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++)
        if (!net->pairs[i]->started)
            return -EINVAL;
    int r = turn_on(net, n);
    if (r >= 0)
        net->n_active = n;
    else
        (void)turn_on(net, net->n_active); /* what the driver goes on to believe */
    return r;
}

static void tick(struct event_source *source, uint32_t events)
{
    struct net *net = container_of(source, struct net, timer);
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof(count)) < 0)
        return;
    for (unsigned i = 0; i < net->n_pairs; i++)
        net->pairs[i]->backend->look(net->pairs[i]);
    bool waits = net->changes == 0;
    net->changes = NET_CHANGES_PER_TICK;
    if (waits && net->control_kick.fd >= 0)
        (void)eventfd_write(net->control_kick.fd, 1);
}

/* Before the lock-down, after which it can be waited for alone. */
static int make_timer(struct net *net)
{
    static const struct itimerspec second = {.it_value.tv_sec = 1, .it_interval.tv_sec = 1};

    net->changes = NET_CHANGES_PER_TICK;
    net->timer = (struct event_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = tick};
    if (net->timer.fd < 0 || timerfd_settime(net->timer.fd, 0, &second, NULL) < 0)
        return -errno;
    return event_loop_add(&net->device.worker.loop, &net->timer, EPOLLIN);
}

static void net_stop(struct virtio_device *device)
{
    struct net *net = net_of(device);

    net_control_stop(net);
    for (unsigned i = net->n_pairs; i-- > 0;) {
        struct net_pair *pair = net->pairs[i];

        if (!pair->started)
            continue;
        (void)pair->backend->set_active(pair, false);
        pair->backend->stop(pair);
    }
    net->n_active = 0;
    pthread_mutex_lock(&device->mutex);
    net->config.status &= (uint16_t)~VIRTIO_NET_S_ANNOUNCE;
    pthread_mutex_unlock(&device->mutex);
}

/* With a TAP that is GONE the queues are there, and nothing moves. */
static int start_pairs(struct net *net, bool gone)
{
    const struct virtio_device *device = &net->device;
    unsigned n = virtio_device_has(device, VIRTIO_NET_F_MQ) ? net->n_pairs : 1;

    for (unsigned i = 0; i < n; i++) {
        struct net_pair *pair = net->pairs[i];
        bool ready = device->queues[net_pair_receiveq(pair)].state.enabled &&
                     device->queues[net_pair_transmitq(pair)].state.enabled;

        if (!ready && i == 0)
            return -EINVAL;
        int r = ready ? pair->backend->start(pair) : 0;
        if (r < 0)
            return r;
    }
    return gone ? 0 : net_set_pairs(net, 1); /* 5.1.6.5.5: until the driver says more */
}

static int net_start(struct virtio_device *device)
{
    struct net *net = net_of(device);

    net->offloads = device->state.accepted & (NET_FEATURES_GUEST | NET_FEATURES_GUEST_USO);
    int r = tap_set_offloads(net->pairs[0]->tap_fd, net->offloads);
    bool gone = r == -EBADFD;
    if (gone)
        tap_lost(device);
    if (r >= 0 || gone)
        r = start_pairs(net, gone);
    if (r >= 0)
        r = net_control_start(net);
    if (r < 0) {
        net_stop(device);
        return r;
    }
    /* Whoever knows this address by another port of the bridge hears of it from the guest. */
    if (virtio_device_has(device, VIRTIO_NET_F_GUEST_ANNOUNCE))
        net_set_status_bits(net, VIRTIO_NET_S_ANNOUNCE, true);
    return 0;
}

static void net_vectors_changed(struct virtio_device *device)
{
    struct net *net = net_of(device);

    for (unsigned i = 0; i < net->n_pairs; i++) {
        struct net_pair *pair = net->pairs[i];
        int r = pair->started ? pair->backend->vectors_changed(pair) : 0;

        if (r < 0)
            virtio_device_report_fault(device, "vhost does not take the queue's new vector");
    }
}

static int net_start_threads(struct virtio_device *device, struct thread_gate *gate)
{
    struct net *net = net_of(device);
    int n = 0;

    for (unsigned i = 0; i < net->n_pairs; i++) {
        int r = net->pairs[i]->backend->start_thread(net->pairs[i], gate);

        if (r < 0)
            return r;
        n += r;
    }
    return n;
}

static void net_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                            unsigned length)
{
    const struct virtio_net_config *config = &net_of(device)->config;

    if (offset < sizeof(*config) && length <= sizeof(*config) - offset)
        memcpy(ret_data, (const uint8_t *)config + offset, length);
}

static void net_destroy(struct virtio_device *device)
{
    struct net *net = net_of(device);

    virtio_device_done(device);
    for (unsigned i = 0; i < NET_PAIRS_MAX; i++)
        if (net->pairs[i])
            net->pairs[i]->backend->free(net->pairs[i]);
    net->timer.fd = close_fd(net->timer.fd);
    free(net);
}

static const struct virtio_type net_type = {
    .id = VIRTIO_ID_NET,
    .pci_class = NET_PCI_CLASS,
    .start = net_start,
    .stop = net_stop,
    .read_config = net_read_config,
    .vectors_changed = net_vectors_changed,
    .start_threads = net_start_threads,
    .destroy = net_destroy,
};

static uint64_t net_configure(struct net *net, const struct net_settings *settings,
                              const struct net_resources *resources)
{
    uint64_t features = NET_RING_FEATURES | NET_FEATURES_GUEST | NET_FEATURE(VIRTIO_NET_F_STATUS) |
                        NET_FEATURE(VIRTIO_NET_F_CTRL_VQ) |
                        NET_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE) |
                        NET_FEATURE(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);

    for (unsigned i = 0; resources->has_vhost && i < settings->queues; i++)
        features &= resources->vhosts[i].features | ~NET_RING_FEATURES;
    bool uso = tap_knows_uso(resources->taps[0]);
    if (uso)
        features |= NET_FEATURES_GUEST_USO;
    if (settings->offloads)
        features |= NET_FEATURES_HOST | (uso ? NET_FEATURE(VIRTIO_NET_F_HOST_USO) : 0);
    net->config.status = VIRTIO_NET_S_LINK_UP;
    net->config.max_virtqueue_pairs = settings->queues;
    if (settings->queues > 1)
        features |= NET_FEATURE(VIRTIO_NET_F_MQ);
    if (settings->has_mac) {
        features |= NET_FEATURE(VIRTIO_NET_F_MAC);
        memcpy(net->config.mac, settings->mac, sizeof(net->config.mac));
    }
    if (settings->mtu > 0) {
        features |= NET_FEATURE(VIRTIO_NET_F_MTU);
        net->config.mtu = settings->mtu;
    }
    return features;
}

static int make_pairs(struct net *net, struct net_resources *resources)
{
    for (unsigned i = 0; i < net->n_pairs; i++) {
        struct net_pair **pair = &net->pairs[i];
        int r;

        if (resources->has_vhost)
            r = net_vhost_new(&net->device, i, resources->taps[i], &resources->vhosts[i], pair);
        else
            r = net_path_new(&net->device, i, resources->taps[i], pair);
        if (r < 0)
            return r;
        resources->taps[i] = -EBADF;
        (*pair)->multi_queue = net->n_pairs > 1;
        (*pair)->tap_lost = tap_lost;
        net->device.filter = (*pair)->backend->filter;
        if (i > 0)
            r = tap_set_attached((*pair)->tap_fd, false);
        if (r < 0)
            return r;
    }
    return 0;
}

int net_create(const char *argument, const struct device_environment *environment,
               struct virtio_device **ret)
{
    struct net_settings settings;

    int r = net_settings_parse(argument, &settings);
    if (r < 0)
        return r;
    _cleanup_(net_resources_done) struct net_resources resources;
    r = net_resources_acquire(&resources, &settings, environment);
    if (r < 0)
        return r;

    struct net *net = calloc(1, sizeof(*net));
    if (!net)
        return -ENOMEM;
    net->n_pairs = settings.queues;
    net->control_kick.fd = net->timer.fd = -EBADF;
    r = virtio_device_init(&net->device, &net_type, settings.id, environment->memory,
                           net_configure(net, &settings, &resources), 2 * net->n_pairs + 1,
                           NET_QUEUE_SIZE);
    if (r >= 0)
        r = make_pairs(net, &resources);
    if (r >= 0)
        r = make_timer(net);
    if (r < 0) {
        net_destroy(&net->device);
        return log_errno(r, "Cannot make network interface '%s': %s", settings.id, strerror(-r));
    }
    if (settings.vhost[0] != '\0' && !resources.has_vhost)
        net->device.remark = "without vhost";
    *ret = &net->device;
    return 0;
}
