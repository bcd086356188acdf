// SPDX-License-Identifier: LGPL-2.1-or-later
/* A bridge's ports and its forwarding table by rtnetlink. */
#include "generator/rtnl-request.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

int rtnl_port_isolate(struct rtnl *rtnl, int ifindex)
{
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_NEWLINK, NLM_F_ACK, ifindex);
    struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO), *data;

    mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "bridge");
    data = mnl_attr_nest_start(nlh, IFLA_INFO_SLAVE_DATA);
    mnl_attr_put_u8(nlh, IFLA_BRPORT_ISOLATED, 1);
    mnl_attr_nest_end(nlh, data);
    mnl_attr_nest_end(nlh, info);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}

struct fdb_search {
    int bridge;
    const uint8_t *mac;
    uint32_t heard_ticks; /* entries that were learned before that do not count */
    int port;
};

/* Whether somebody set the entry, or the machine was heard lately: the kernel keeps what it learned
 * for five minutes, in which the machine may have moved here. */
static bool is_current(const struct ndmsg *ndm, const struct nlattr *cacheinfo,
                       uint32_t heard_ticks)
{
    const struct nda_cacheinfo *info;

    if ((ndm->ndm_state & (NUD_PERMANENT | NUD_NOARP)) || !cacheinfo ||
        mnl_attr_get_payload_len(cacheinfo) < sizeof(*info))
        return true;
    info = mnl_attr_get_payload(cacheinfo);
    return info->ndm_updated <= heard_ticks;
}

static int read_fdb(const struct nlmsghdr *nlh, void *data)
{
    struct fdb_search *search = data;
    const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *table[RTNL_ATTR_TABLE] = {0};
    const struct nlattr *address;

    if (nlh->nlmsg_type != RTM_NEWNEIGH || ndm->ndm_family != AF_BRIDGE ||
        mnl_attr_parse(nlh, sizeof(*ndm), rtnl_attr_collect, table) < 0)
        return MNL_CB_OK;
    /* A device's own list (NTF_SELF) is about what it receives, not about where machines are. */
    if ((int)rtnl_attr_u32(table[NDA_MASTER], 0) != search->bridge &&
        !(ndm->ndm_ifindex == search->bridge && (ndm->ndm_flags & NTF_MASTER)))
        return MNL_CB_OK;
    address = table[NDA_LLADDR];
    if (address && mnl_attr_get_payload_len(address) == 6 &&
        !memcmp(mnl_attr_get_payload(address), search->mac, 6) &&
        is_current(ndm, table[NDA_CACHEINFO], search->heard_ticks))
        search->port = ndm->ndm_ifindex;
    return MNL_CB_OK;
}

int rtnl_fdb_find(struct rtnl *rtnl, int bridge, const uint8_t mac[6], unsigned heard_seconds,
                  int *ret_port)
{
    struct nlmsghdr *nlh = rtnl_request_new(rtnl, RTM_GETNEIGH, NLM_F_DUMP);
    struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
    uint64_t ticks = (uint64_t)heard_seconds * (uint64_t)sysconf(_SC_CLK_TCK);
    struct fdb_search search = {.bridge = bridge,
                                .mac = mac,
                                .heard_ticks = ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX};
    int r;

    ndm->ndm_family = AF_BRIDGE;
    r = rtnl_request_run(rtnl, nlh, read_fdb, &search);
    if (r < 0)
        return r;
    if (search.port > 0)
        *ret_port = search.port;
    return search.port > 0;
}

int rtnl_link_name(struct rtnl *rtnl, int ifindex, char ret[IFNAMSIZ])
{
    struct rtnl_link link = {0};
    struct nlmsghdr *nlh = rtnl_link_request_new(rtnl, RTM_GETLINK, NLM_F_ACK, ifindex);
    int r = rtnl_request_run(rtnl, nlh, rtnl_link_read, &link);

    if (r < 0 || link.ifindex <= 0)
        return r < 0 ? r : -ENODEV;
    memcpy(ret, link.name, IFNAMSIZ);
    return 0;
}
