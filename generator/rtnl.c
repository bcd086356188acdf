// SPDX-License-Identifier: LGPL-2.1-or-later
/* Network links by rtnetlink (rtnetlink(7), include/uapi/linux/if_link.h). */
#include "generator/rtnl-request.h"

#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { DUMP_ATTEMPTS = 20 };

static int socket_open(unsigned groups, struct mnl_socket **ret)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

    if (!nl)
        return -errno;
    if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
        int r = -errno;

        (void)mnl_socket_close(nl);
        return r;
    }
    *ret = nl;
    return 0;
}

int rtnl_new(struct rtnl **ret)
{
    _cleanup_(rtnl_freep) struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
    int r;

    if (!rtnl)
        return -ENOMEM;
    r = socket_open(0, &rtnl->requests);
    if (r >= 0)
        r = socket_open(RTMGRP_LINK, &rtnl->events);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(rtnl);
    return 0;
}

struct rtnl *rtnl_free(struct rtnl *rtnl)
{
    if (!rtnl)
        return NULL;
    if (rtnl->requests)
        (void)mnl_socket_close(rtnl->requests);
    if (rtnl->events)
        (void)mnl_socket_close(rtnl->events);
    free(rtnl);
    return NULL;
}

struct nlmsghdr *rtnl_request_new(struct rtnl *rtnl, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(rtnl->buffer);

    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nlh->nlmsg_seq = ++rtnl->seq;
    return nlh;
}

struct nlmsghdr *rtnl_link_request_new(struct rtnl *rtnl, uint16_t type, uint16_t flags,
                                       int ifindex)
{
    struct nlmsghdr *nlh = rtnl_request_new(rtnl, type, flags);
    struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

    ifi->ifi_family = AF_UNSPEC;
    ifi->ifi_index = ifindex;
    return nlh;
}

/* What is left of an answer that was not read to its end. The kernel goes on with a dump meanwhile.
 */
static void forget_answers(struct rtnl *rtnl)
{
    char first;

    while (recv(mnl_socket_get_fd(rtnl->requests), &first, sizeof(first),
                MSG_DONTWAIT | MSG_TRUNC) > 0)
        ;
}

static int request_run_once(struct rtnl *rtnl, const struct nlmsghdr *nlh, mnl_cb_t callback,
                            void *data)
{
    unsigned portid = mnl_socket_get_portid(rtnl->requests);
    unsigned seq = nlh->nlmsg_seq;
    int r;

    if (mnl_socket_sendto(rtnl->requests, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    do {
        ssize_t n = mnl_socket_recvfrom(rtnl->requests, rtnl->buffer, sizeof(rtnl->buffer));

        if (n < 0)
            return -errno;
        r = mnl_cb_run(rtnl->buffer, (size_t)n, seq, portid, callback, data);
        if (r < 0)
            return -errno;
    } while (r > MNL_CB_STOP);
    return 0;
}

int rtnl_request_run(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t callback, void *data)
{
    unsigned attempts = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? DUMP_ATTEMPTS : 1;
    _cleanup_free_ struct nlmsghdr *request = malloc(nlh->nlmsg_len);
    int r = -EINTR;

    if (!request)
        return -ENOMEM;
    memcpy(request, nlh, nlh->nlmsg_len); /* the answer comes to where it is */
    for (unsigned i = 0; r == -EINTR && i < attempts; i++) {
        if (i > 0)
            request->nlmsg_seq = ++rtnl->seq;
        r = request_run_once(rtnl, request, callback, data);
        if (r < 0)
            forget_answers(rtnl);
    }
    return r;
}

int rtnl_attr_collect(const struct nlattr *attr, void *data)
{
    const struct nlattr **table = data;

    if (mnl_attr_get_type(attr) < RTNL_ATTR_TABLE)
        table[mnl_attr_get_type(attr)] = attr;
    return MNL_CB_OK;
}

uint32_t rtnl_attr_u32(const struct nlattr *attr, uint32_t otherwise)
{
    return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0 ? mnl_attr_get_u32(attr) : otherwise;
}

static uint8_t get_u8(const struct nlattr *attr, uint8_t otherwise)
{
    return attr && mnl_attr_validate(attr, MNL_TYPE_U8) >= 0 ? mnl_attr_get_u8(attr) : otherwise;
}

static void get_string(const struct nlattr *attr, char *ret, size_t size)
{
    if (attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
        (void)snprintf(ret, size, "%s", mnl_attr_get_str(attr));
}

static void read_linkinfo(const struct nlattr *linkinfo, struct rtnl_link *link)
{
    const struct nlattr *info[RTNL_ATTR_TABLE] = {0}, *data[RTNL_ATTR_TABLE] = {0},
                        *port[RTNL_ATTR_TABLE] = {0};

    if (!linkinfo || mnl_attr_parse_nested(linkinfo, rtnl_attr_collect, info) < 0)
        return;
    get_string(info[IFLA_INFO_KIND], link->kind, sizeof(link->kind));
    if (info[IFLA_INFO_SLAVE_DATA] &&
        mnl_attr_parse_nested(info[IFLA_INFO_SLAVE_DATA], rtnl_attr_collect, port) >= 0)
        link->isolated = get_u8(port[IFLA_BRPORT_ISOLATED], 0) != 0;
    if (strcmp(link->kind, "tun") || !info[IFLA_INFO_DATA] ||
        mnl_attr_parse_nested(info[IFLA_INFO_DATA], rtnl_attr_collect, data) < 0)
        return;
    link->tun.is_tap = get_u8(data[IFLA_TUN_TYPE], 0) == IFF_TAP;
    link->tun.persist = get_u8(data[IFLA_TUN_PERSIST], 0) != 0;
    link->tun.owned = data[IFLA_TUN_OWNER] || data[IFLA_TUN_GROUP];
}

int rtnl_link_read(const struct nlmsghdr *nlh, void *data)
{
    struct rtnl_link *link = data;
    const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *table[RTNL_ATTR_TABLE] = {0};

    if (nlh->nlmsg_type != RTM_NEWLINK ||
        mnl_attr_parse(nlh, sizeof(*ifi), rtnl_attr_collect, table) < 0)
        return MNL_CB_OK;
    link->ifindex = ifi->ifi_index;
    link->flags = ifi->ifi_flags;
    get_string(table[IFLA_IFNAME], link->name, sizeof(link->name));
    link->carrier = get_u8(table[IFLA_CARRIER], 0) != 0;
    link->master = (int)rtnl_attr_u32(table[IFLA_MASTER], 0);
    link->mtu = rtnl_attr_u32(table[IFLA_MTU], 0);
    if (table[IFLA_ADDRESS] &&
        mnl_attr_get_payload_len(table[IFLA_ADDRESS]) == sizeof(link->address))
        memcpy(link->address, mnl_attr_get_payload(table[IFLA_ADDRESS]), sizeof(link->address));
    read_linkinfo(table[IFLA_LINKINFO], link);
    return MNL_CB_OK;
}

int rtnl_link_get(struct rtnl *rtnl, const char *name, struct rtnl_link *ret)
{
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_GETLINK, NLM_F_ACK, 0);
    struct rtnl_link link = {0};
    int r;

    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    r = rtnl_request_run(rtnl, nlh, rtnl_link_read, &link);
    if (r < 0)
        return r;
    if (link.ifindex <= 0)
        return -ENODEV;
    *ret = link;
    return 0;
}

int rtnl_link_delete(struct rtnl *rtnl, int ifindex)
{
    return rtnl_request_run(rtnl, rtnl_link_request_new(rtnl, RTM_DELLINK, NLM_F_ACK, ifindex),
                            NULL, NULL);
}

int rtnl_link_set_up(struct rtnl *rtnl, int ifindex, int master, unsigned mtu)
{
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK, ifindex);
    struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

    ifi->ifi_flags = IFF_UP;
    ifi->ifi_change = IFF_UP;
    if (mtu > 0)
        mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
    if (master > 0)
        mnl_attr_put_u32(nlh, IFLA_MASTER, (uint32_t)master);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}

int rtnl_link_set_port_down(struct rtnl *rtnl, int ifindex, int master)
{
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK, ifindex);
    struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
    int r;

    ifi->ifi_change = IFF_UP;
    r = rtnl_request_run(rtnl, nlh, NULL, NULL);
    if (r < 0)
        return r;
    nlh = rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK, ifindex);
    mnl_attr_put_u32(nlh, IFLA_MASTER, (uint32_t)master);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}

int rtnl_link_no_ipv6ll(struct rtnl *rtnl, int ifindex)
{
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK, ifindex);
    struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

    mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(nlh, inet6);
    mnl_attr_nest_end(nlh, spec);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}

int rtnl_bridge_new(struct rtnl *rtnl, const char *name, const uint8_t address[6])
{
    struct nlmsghdr *nlh =
        rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
    struct nlattr *info, *data;

    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    mnl_attr_put(nlh, IFLA_ADDRESS, 6, address);
    info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
    data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
    mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, 0);
    mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, 0);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, info);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}

int rtnl_address_add(struct rtnl *rtnl, int ifindex, struct in_addr address, unsigned prefix)
{
    struct nlmsghdr *nlh =
        rtnl_request_new(rtnl, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
    in_addr_t host = prefix < 32 ? htonl(UINT32_MAX >> prefix) : 0;
    int r;

    ifa->ifa_family = AF_INET;
    ifa->ifa_prefixlen = (uint8_t)prefix;
    ifa->ifa_index = (unsigned)ifindex;
    mnl_attr_put_u32(nlh, IFA_LOCAL, address.s_addr);
    mnl_attr_put_u32(nlh, IFA_ADDRESS, address.s_addr);
    mnl_attr_put_u32(nlh, IFA_BROADCAST, address.s_addr | host);
    r = rtnl_request_run(rtnl, nlh, NULL, NULL);
    return r == -EEXIST ? 0 : r;
}

struct address_search {
    int ifindex;
    bool found;
};

static int read_address(const struct nlmsghdr *nlh, void *data)
{
    struct address_search *search = data;
    const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

    if (nlh->nlmsg_type == RTM_NEWADDR && (int)ifa->ifa_index == search->ifindex)
        search->found = true;
    return MNL_CB_OK;
}

int rtnl_address_any(struct rtnl *rtnl, int ifindex)
{
    struct nlmsghdr *nlh = rtnl_request_new(rtnl, RTM_GETADDR, NLM_F_DUMP);
    struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
    struct address_search search = {.ifindex = ifindex};
    int r;

    ifa->ifa_family = AF_INET;
    r = rtnl_request_run(rtnl, nlh, read_address, &search);
    return r < 0 ? r : search.found;
}

void rtnl_wait(struct rtnl *rtnl, int timeout_ms)
{
    int fd = mnl_socket_get_fd(rtnl->events);
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    if (poll(&pollfd, 1, timeout_ms) <= 0)
        return;
    /* What changed is asked for anew by the caller; ENOBUFS (too many changes) is news, too. */
    while (recv(fd, rtnl->buffer, sizeof(rtnl->buffer), MSG_DONTWAIT) > 0)
        ;
}
