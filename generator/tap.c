// SPDX-License-Identifier: LGPL-2.1-or-later
/* Queues of a TAP (Documentation/networking/tuntap.rst in the kernel). */
#include "generator/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

/* struct virtio_net_hdr_v1 with num_buffers: what VIRTIO 1.x puts before each packet. */
#define VNET_HEADER_SIZE 12
#define RETRY_MS         20

static int queue_attach(int fd, const char *name, short flags, int *timeout_ms)
{
    struct ifreq ifr = {.ifr_flags = flags};

    (void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    while (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        if (errno != EBUSY || (flags & IFF_TUN_EXCL) || *timeout_ms <= 0)
            return -errno;
        (void)nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
        *timeout_ms -= RETRY_MS;
    }
    return 0;
}

static int queue_open(const char *name, short flags, int *timeout_ms, const char **ret_what)
{
    _cleanup_close_ int fd = -EBADF;
    int size = VNET_HEADER_SIZE, r;

    *ret_what = "/dev/net/tun";
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    *ret_what = "TUNSETIFF";
    r = queue_attach(fd, name, flags, timeout_ms);
    if (r < 0)
        return r;
    *ret_what = "TUNSETVNETHDRSZ";
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int tap_open(const char *name, unsigned queues, enum tap_how how, int timeout_ms, int *ret_fds,
             const char **ret_what)
{
    unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);

    for (unsigned i = 0; i < queues; i++) {
        unsigned exclusive = how == TAP_CREATE && i == 0 ? IFF_TUN_EXCL : 0;
        int fd = queue_open(name, (short)(flags | exclusive), &timeout_ms, ret_what);

        if (fd < 0) {
            while (i-- > 0)
                ret_fds[i] = close_fd(ret_fds[i]);
            return fd;
        }
        ret_fds[i] = fd;
    }
    return 0;
}

int tap_set_persist(int fd, bool persist)
{
    return ioctl(fd, TUNSETPERSIST, (unsigned long)persist) < 0 ? -errno : 0;
}
