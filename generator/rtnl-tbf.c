// SPDX-License-Identifier: LGPL-2.1-or-later
/* A link's token bucket filter by rtnetlink (tc-tbf(8)). */
#include "generator/rtnl-request.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

static struct nlmsghdr *request_new(struct rtnl *rtnl, uint16_t type, uint16_t flags, int ifindex)
{
    struct nlmsghdr *nlh = rtnl_request_new(rtnl, type, flags);
    struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));

    tcm->tcm_family = AF_UNSPEC;
    tcm->tcm_ifindex = ifindex;
    tcm->tcm_parent = TC_H_ROOT;
    return nlh;
}

struct tbf_search {
    int ifindex;
    bool found;
};

static int read_qdisc(const struct nlmsghdr *nlh, void *data)
{
    struct tbf_search *search = data;
    const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *table[RTNL_ATTR_TABLE] = {0};

    if (nlh->nlmsg_type != RTM_NEWQDISC || tcm->tcm_ifindex != search->ifindex ||
        tcm->tcm_parent != TC_H_ROOT ||
        mnl_attr_parse(nlh, sizeof(*tcm), rtnl_attr_collect, table) < 0)
        return MNL_CB_OK;
    if (table[TCA_KIND] && mnl_attr_validate(table[TCA_KIND], MNL_TYPE_NUL_STRING) >= 0)
        search->found = !strcmp(mnl_attr_get_str(table[TCA_KIND]), "tbf");
    return MNL_CB_OK;
}

int rtnl_tbf_get(struct rtnl *rtnl, int ifindex)
{
    struct tbf_search search = {.ifindex = ifindex};
    int r = rtnl_request_run(rtnl, request_new(rtnl, RTM_GETQDISC, NLM_F_DUMP, ifindex), read_qdisc,
                             &search);

    return r < 0 ? r : search.found;
}

int rtnl_tbf_set(struct rtnl *rtnl, int ifindex, uint64_t rate, uint32_t burst, uint32_t limit)
{
    struct nlmsghdr *nlh =
        request_new(rtnl, RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, ifindex);
    struct tc_tbf_qopt options = {
        .limit = limit,
        .rate = {.rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate,
                 .linklayer = TC_LINKLAYER_ETHERNET},
    };
    struct nlattr *nest;

    mnl_attr_put_strz(nlh, TCA_KIND, "tbf");
    nest = mnl_attr_nest_start(nlh, TCA_OPTIONS);
    mnl_attr_put(nlh, TCA_TBF_PARMS, sizeof(options), &options);
    mnl_attr_put_u32(nlh, TCA_TBF_BURST, burst);
    if (rate > UINT32_MAX)
        mnl_attr_put_u64(nlh, TCA_TBF_RATE64, rate);
    mnl_attr_nest_end(nlh, nest);
    return rtnl_request_run(rtnl, nlh, NULL, NULL);
}
