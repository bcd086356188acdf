/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Acquires TAP queues and vhost devices: handed over by name, or opened here. */
#include "vmm/devices/net-resources.h"

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "vmm/devices/tap.h"
#include "vmm/log.h"

static bool is_handed_over(const char *specification)
{
    return strncmp(specification, "fd:", 3) == 0;
}

/* The store's name of the descriptor for pair I. */
static void descriptor_name(const char *specification, unsigned i, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s.%u", specification + 3, i);
}

static int acquire_tap(const struct net_settings *settings, unsigned i,
                       const struct device_environment *environment)
{
    _cleanup_close_ int fd = -EBADF;

    if (is_handed_over(settings->tap)) {
        char name[sizeof(settings->tap) + 4];

        descriptor_name(settings->tap, i, name, sizeof(name));
        fd = environment->take_fd(environment->context, name);
        if (fd < 0)
            return fd;
    } else {
        fd = tap_open(settings->tap, settings->queues > 1);
        if (fd < 0)
            return log_errno(fd, "Cannot attach to the TAP interface '%s': %s%s", settings->tap,
                             strerror(-fd),
                             fd == -EINVAL ? "; it needs IFF_VNET_HDR, and IFF_MULTI_QUEUE if, and "
                                             "only if, there are several queues"
                                           : "");
    }
    int r = tap_prepare(fd);
    if (r < 0)
        return log_errno(r, "'%s' of network interface '%s' is no TAP queue with IFF_VNET_HDR: %s",
                         settings->tap, settings->id, strerror(-r));
    return TAKE_FD(fd);
}

/* -ENOENT, silently, where it was to be handed over and was not: volt-open has told why. */
static int open_vhost(const struct net_settings *settings, unsigned i,
                      const struct device_environment *environment)
{
    char name[sizeof(settings->vhost) + 4];

    if (!is_handed_over(settings->vhost)) {
        int fd = open(settings->vhost, O_RDWR | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
    }
    descriptor_name(settings->vhost, i, name, sizeof(name));
    if (!environment->has_fd(environment->context, name))
        return -ENOENT;
    int fd = environment->take_fd(environment->context, name);
    /* Once it has an owner, it holds the guest's memory: no copy of it may outlive this process. */
    if (fd >= 0)
        environment->forget_fd(environment->context, name);
    return fd;
}

static int acquire_vhost(struct vhost *vhost, const struct net_settings *settings, unsigned i,
                         const struct device_environment *environment)
{
    _cleanup_close_ int fd = open_vhost(settings, i, environment);
    if (fd < 0)
        return fd;
    int r = vhost_init(vhost, fd, environment->memory);
    if (r < 0)
        return r;
    TAKE_FD(fd);
    return vhost->features & UINT64_C(1) << VIRTIO_F_VERSION_1 ? 0 : -EOPNOTSUPP;
}

static void acquire_vhosts(struct net_resources *resources, const struct net_settings *settings,
                           const struct device_environment *environment)
{
    int r = 0;

    /* Also after a failure: what was handed over must not stay. */
    for (unsigned i = 0; i < settings->queues; i++) {
        int one = acquire_vhost(&resources->vhosts[i], settings, i, environment);

        r = r < 0 ? r : one;
    }
    resources->has_vhost = r >= 0;
    if (r >= 0)
        return;
    for (unsigned i = 0; i < NET_PAIRS_MAX; i++)
        vhost_done(&resources->vhosts[i]);
    if (r != -ENOENT || !is_handed_over(settings->vhost))
        log_notice("'%s': vhost-net cannot be had: %s; falling back to userspace virtio-net",
                   settings->id, strerror(-r));
}

int net_resources_acquire(struct net_resources *resources, const struct net_settings *settings,
                          const struct device_environment *environment)
{
    resources->has_vhost = false;
    for (unsigned i = 0; i < NET_PAIRS_MAX; i++) {
        resources->taps[i] = -EBADF;
        resources->vhosts[i].fd = -EBADF;
    }
    for (unsigned i = 0; i < settings->queues; i++) {
        resources->taps[i] = acquire_tap(settings, i, environment);
        if (resources->taps[i] < 0)
            return resources->taps[i];
    }
    if (settings->vhost[0] != '\0')
        acquire_vhosts(resources, settings, environment);
    return 0;
}

void net_resources_done(struct net_resources *resources)
{
    for (unsigned i = 0; i < NET_PAIRS_MAX; i++) {
        resources->taps[i] = close_fd(resources->taps[i]);
        vhost_done(&resources->vhosts[i]);
    }
}
