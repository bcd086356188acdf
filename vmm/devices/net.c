/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-net: features, configuration, and the life of the device around its data path. */
#include "vmm/devices/net.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "vmm/devices/net-path.h"
#include "vmm/devices/tap.h"
#include "vmm/log.h"

enum {
    NET_QUEUE_SIZE = 256,
    NET_PCI_CLASS = 0x020000, /* Ethernet controller */
};

struct net {
    struct virtio_device device;
    struct virtio_net_config config;
    struct net_path path;
};

static struct net *to_net(struct virtio_device *device)
{
    return container_of(device, struct net, device);
}

static int net_start(struct virtio_device *device)
{
    return net_path_start(&to_net(device)->path);
}

static void net_stop(struct virtio_device *device)
{
    net_path_stop(&to_net(device)->path);
}

static void net_read_config(struct virtio_device *device, uint32_t offset, void *ret_data,
                            unsigned length)
{
    const struct virtio_net_config *config = &to_net(device)->config;

    if (offset < sizeof(*config) && length <= sizeof(*config) - offset)
        memcpy(ret_data, (const uint8_t *)config + offset, length);
}

static void net_destroy(struct virtio_device *device)
{
    struct net *net = to_net(device);

    virtio_device_done(device);
    net_path_done(&net->path);
    free(net);
}

static const struct virtio_type net_type = {
    .id = VIRTIO_ID_NET,
    .pci_class = NET_PCI_CLASS,
    .start = net_start,
    .stop = net_stop,
    .read_config = net_read_config,
    .destroy = net_destroy,
};

/* The TAP queue that SETTINGS name: handed over as PREFIX.0, or attached here. */
static int acquire_tap(const struct net_settings *settings,
                       const struct device_environment *environment)
{
    _cleanup_close_ int fd = -EBADF;

    if (strncmp(settings->tap, "fd:", 3) == 0) {
        char name[sizeof(settings->tap) + 4];

        (void)snprintf(name, sizeof(name), "%s.0", settings->tap + 3);
        fd = environment->take_fd(environment->context, name);
        if (fd < 0)
            return fd;
    } else {
        fd = tap_open(settings->tap);
        if (fd < 0)
            return log_errno(fd, "Cannot attach to the TAP interface '%s': %s", settings->tap,
                             strerror(-fd));
    }
    int r = tap_prepare(fd);
    if (r < 0)
        return log_errno(r, "'%s' of network interface '%s' is no TAP queue with IFF_VNET_HDR: %s",
                         settings->tap, settings->id, strerror(-r));
    return TAKE_FD(fd);
}

static uint64_t net_configure(struct net *net, const struct net_settings *settings)
{
    uint64_t features = UINT64_C(1) << VIRTIO_NET_F_STATUS |
                        UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC |
                        UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX;

    net->config.status = VIRTIO_NET_S_LINK_UP;
    net->config.max_virtqueue_pairs = 1;
    if (settings->has_mac) {
        features |= UINT64_C(1) << VIRTIO_NET_F_MAC;
        memcpy(net->config.mac, settings->mac, sizeof(net->config.mac));
    }
    if (settings->mtu > 0) {
        features |= UINT64_C(1) << VIRTIO_NET_F_MTU;
        net->config.mtu = settings->mtu;
    }
    return features;
}

int net_create(const char *argument, const struct device_environment *environment,
               struct virtio_device **ret)
{
    struct net_settings settings;

    int r = net_settings_parse(argument, &settings);
    if (r < 0)
        return r;
    _cleanup_close_ int tap = acquire_tap(&settings, environment);
    if (tap < 0)
        return tap;

    struct net *net = calloc(1, sizeof(*net));
    if (!net)
        return -ENOMEM;
    uint64_t features = net_configure(net, &settings);
    r = virtio_device_init(&net->device, &net_type, settings.id, environment->memory, features,
                           NET_QUEUES, NET_QUEUE_SIZE);
    if (r < 0) {
        net_destroy(&net->device);
        return log_errno(r, "Cannot make network interface '%s': %s", settings.id, strerror(-r));
    }
    net_path_init(&net->path, &net->device, TAKE_FD(tap));
    *ret = &net->device;
    return 0;
}
