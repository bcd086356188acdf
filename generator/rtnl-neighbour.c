// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whose an IPv4 address on a link is, by rtnetlink: the link's own, or a neighbour's. */
#include "generator/rtnl-request.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct search {
    int ifindex;
    in_addr_t address;
    bool is_own;
    bool is_neighbours;
    uint8_t mac[6];
};

static bool same_address(const struct nlattr *attr, in_addr_t address)
{
    return attr && mnl_attr_get_payload_len(attr) == sizeof(address) &&
           !memcmp(mnl_attr_get_payload(attr), &address, sizeof(address));
}

static int read_own(const struct nlmsghdr *nlh, void *data)
{
    struct search *search = data;
    const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *table[RTNL_ATTR_TABLE] = {0};

    if (nlh->nlmsg_type == RTM_NEWADDR && (int)ifa->ifa_index == search->ifindex &&
        mnl_attr_parse(nlh, sizeof(*ifa), rtnl_attr_collect, table) >= 0 &&
        same_address(table[IFA_LOCAL], search->address))
        search->is_own = true;
    return MNL_CB_OK;
}

static int read_neighbour(const struct nlmsghdr *nlh, void *data)
{
    struct search *search = data;
    const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *table[RTNL_ATTR_TABLE] = {0};

    if (nlh->nlmsg_type != RTM_NEWNEIGH || ndm->ndm_ifindex != search->ifindex ||
        (ndm->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)) ||
        mnl_attr_parse(nlh, sizeof(*ndm), rtnl_attr_collect, table) < 0 ||
        !same_address(table[NDA_DST], search->address) || !table[NDA_LLADDR] ||
        mnl_attr_get_payload_len(table[NDA_LLADDR]) != sizeof(search->mac))
        return MNL_CB_OK;
    search->is_neighbours = true;
    memcpy(search->mac, mnl_attr_get_payload(table[NDA_LLADDR]), sizeof(search->mac));
    return MNL_CB_OK;
}

int rtnl_address_known(struct rtnl *rtnl, int bridge, struct in_addr address)
{
    struct search search = {.ifindex = bridge, .address = address.s_addr};
    struct nlmsghdr *nlh = rtnl_request_new(rtnl, RTM_GETADDR, NLM_F_DUMP);
    struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
    struct ndmsg *ndm;
    int r, port;

    ifa->ifa_family = AF_INET;
    r = rtnl_request_run(rtnl, nlh, read_own, &search);
    if (r < 0 || search.is_own)
        return r < 0 ? r : 1;
    nlh = rtnl_request_new(rtnl, RTM_GETNEIGH, NLM_F_DUMP);
    ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
    ndm->ndm_family = AF_INET;
    r = rtnl_request_run(rtnl, nlh, read_neighbour, &search);
    if (r < 0 || !search.is_neighbours)
        return r;
    /* The host remembers neighbours for long after they went; the bridge forgets with the port. */
    return rtnl_fdb_find(rtnl, bridge, search.mac, UINT32_MAX, &port);
}
