/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TAP queues (Documentation/networking/tuntap.rst). */
#include "vmm/devices/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/devices/net-features.h"

/* Since Linux 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

int tap_open(const char *name, bool multi_queue)
{
    struct ifreq request = {
        .ifr_flags =
            (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0)),
    };

    if (strlen(name) >= sizeof(request.ifr_name))
        return -ENAMETOOLONG;
    strcpy(request.ifr_name, name);

    _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (ioctl(fd, TUNSETIFF, &request) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int tap_prepare(int fd)
{
    struct ifreq request = {0};
    int size = TAP_HEADER_SIZE;

    if (ioctl(fd, TUNGETIFF, &request) < 0)
        return -errno;
    if (!(request.ifr_flags & IFF_VNET_HDR) || !(request.ifr_flags & IFF_TAP))
        return -EINVAL;
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || ioctl(fd, TUNSETOFFLOAD, 0) < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

bool tap_knows_uso(int fd)
{
    bool knows = ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;

    (void)ioctl(fd, TUNSETOFFLOAD, 0);
    return knows;
}

int tap_set_offloads(int fd, uint64_t features)
{
    static const struct {
        uint64_t feature;
        unsigned long flag;
    } offloads[] = {
        {NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM), TUN_F_CSUM},
        {NET_FEATURE(VIRTIO_NET_F_GUEST_TSO4), TUN_F_TSO4},
        {NET_FEATURE(VIRTIO_NET_F_GUEST_TSO6), TUN_F_TSO6},
        {NET_FEATURE(VIRTIO_NET_F_GUEST_ECN), TUN_F_TSO_ECN},
        {NET_FEATURE(VIRTIO_NET_F_GUEST_USO4), TUN_F_USO4},
        {NET_FEATURE(VIRTIO_NET_F_GUEST_USO6), TUN_F_USO6},
    };
    const unsigned long uso = TUN_F_USO4 | TUN_F_USO6;
    unsigned long flags = 0;

    for (size_t i = 0; i < ELEMENTSOF(offloads); i++)
        if (features & offloads[i].feature)
            flags |= offloads[i].flag;
    /* The kernel wants both or neither of these, and the checksum with any. */
    if ((flags & uso) != uso)
        flags &= ~uso;
    if (!(flags & TUN_F_CSUM))
        flags = 0;
    return ioctl(fd, TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

int tap_set_attached(int fd, bool attached)
{
    struct ifreq request = {.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};

    return ioctl(fd, TUNSETQUEUE, &request) < 0 ? -errno : 0;
}
