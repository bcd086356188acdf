/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TAP queues (Documentation/networking/tuntap.rst). */
#include "vmm/devices/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

int tap_open(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

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
