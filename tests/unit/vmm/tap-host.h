/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's side of a TAP interface in a private network namespace: a packet socket that sees
 * every frame. */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "vmm/cleanup.h"

enum {
    TAP_HOST_ETHERTYPE = 0x88b5, /* for local experiments (IEEE 802) */
    TAP_HOST_MTU = 4000,
};

struct tap_host {
    char name[IFNAMSIZ];
    int socket;
};

static inline int tap_host_attach(const char *name, short flags)
{
    struct ifreq request = {.ifr_flags = flags};

    (void)snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static inline int tap_host_attach_plain(const char *name)
{
    return tap_host_attach(name, IFF_TAP | IFF_NO_PI);
}

/* Enters a network namespace of our own, in which TAP interfaces can be made. 0 or -errno, also in
 * errno. */
static inline int tap_host_enter(void)
{
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return -errno;
    _cleanup_close_ int fd = tap_host_attach_plain("probe");
    if (fd < 0)
        errno = -fd;
    /* Else the kernel itself sends frames on each new interface. */
    _cleanup_close_ int quiet =
        open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
    ssize_t n _unused_ = quiet >= 0 ? write(quiet, "1", 1) : 0;
    return fd < 0 ? -errno : 0;
}

/* Makes a persistent TAP interface called NAME, down; of MULTI_QUEUE none is attached after it. */
static inline int tap_host_init(struct tap_host *host, const char *name, bool multi_queue)
{
    *host = (struct tap_host){.socket = -EBADF};
    (void)snprintf(host->name, IFNAMSIZ, "%s", name);
    _cleanup_close_ int fd = tap_host_attach(
        name, (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0)));
    if (fd < 0)
        return fd;
    return ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
}

/* Up, and the packet socket on it. */
static inline int tap_host_up(struct tap_host *host)
{
    struct ifreq request = {0};
    struct timeval limit = {.tv_sec = 5};

    host->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TAP_HOST_ETHERTYPE));
    if (host->socket < 0)
        return -errno;
    (void)setsockopt(host->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)snprintf(request.ifr_name, IFNAMSIZ, "%s", host->name);
    if (ioctl(host->socket, SIOCGIFFLAGS, &request) < 0)
        return -errno;
    request.ifr_flags |= IFF_UP;
    if (ioctl(host->socket, SIOCSIFFLAGS, &request) < 0)
        return -errno;
    request.ifr_mtu = TAP_HOST_MTU;
    if (ioctl(host->socket, SIOCSIFMTU, &request) < 0)
        return -errno;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(TAP_HOST_ETHERTYPE),
        .sll_ifindex = (int)if_nametoindex(host->name),
    };
    return bind(host->socket, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

/* The interface ceases to exist, as by `ip link delete`. */
static inline void tap_host_delete(struct tap_host *host)
{
    struct {
        struct {
            uint32_t length;
            uint16_t type, flags;
            uint32_t sequence, port;
        } header;
        struct {
            uint8_t family, pad;
            uint16_t type;
            int32_t index;
            uint32_t flags, change;
        } link;
    } request = {
        .header = {.length = sizeof(request), .type = 17 /* RTM_DELLINK */, .flags = 5},
        .link = {.index = (int32_t)if_nametoindex(host->name)},
    };
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    char answer[1024];

    if (request.link.index > 0 && send(fd, &request, sizeof(request), 0) > 0)
        (void)!recv(fd, answer, sizeof(answer), 0);
}

static inline void tap_host_done(struct tap_host *host)
{
    tap_host_delete(host);
    host->socket = close_fd(host->socket);
}

/* A broadcast frame of N bytes, recognisable by MARK. */
static inline void tap_host_frame(uint8_t *ret, size_t n, uint8_t mark)
{
    memset(ret, mark, n);
    memset(ret, 0xff, 6);
    memcpy(ret + 6, "\x52\x54\x00\x00\x00\x01", 6);
    ret[12] = TAP_HOST_ETHERTYPE >> 8;
    ret[13] = TAP_HOST_ETHERTYPE & 0xff;
}

static inline int tap_host_send(struct tap_host *host, size_t n, uint8_t mark)
{
    uint8_t frame[4096];

    tap_host_frame(frame, n, mark);
    return send(host->socket, frame, n, 0) == (ssize_t)n ? 0 : -errno;
}

/* True where the next frame is that of N bytes with MARK. Frames that we sent ourselves are not
 * seen. */
static inline bool tap_host_receive(struct tap_host *host, size_t n, uint8_t mark)
{
    uint8_t frame[4096], expected[4096];
    struct sockaddr_ll from = {0};
    socklen_t size = sizeof(from);
    ssize_t got;

    tap_host_frame(expected, n, mark);
    do
        got = recvfrom(host->socket, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size);
    while (got >= 0 && from.sll_pkttype == PACKET_OUTGOING);
    return got == (ssize_t)n && memcmp(frame, expected, n) == 0;
}
