// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which links' changes rtnl_wait() is woken by. */
#include "generator/rtnl-request.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
    NAME_WORDS = IFNAMSIZ / 4,
    NAME_INSTRUCTIONS = 2 * NAME_WORDS + 1,
    WATCHED_MAX = 32,
    TAKE = 0xffff, /* all of it */
};

/* Has what is at X compared with NAME, as netlink has it: padded with zeros to words. */
static size_t compare(const char *name, struct sock_filter *to)
{
    char padded[IFNAMSIZ] = "";
    size_t words = strlen(name) / 4 + 1, n = 0;

    (void)snprintf(padded, sizeof(padded), "%s", name);
    for (size_t i = 0; i < words; i++) {
        uint32_t word;
        uint8_t past = (uint8_t)(2 * (words - 1 - i) + 1); /* what is left of this name */

        memcpy(&word, padded + 4 * i, sizeof(word));
        to[n++] =
            (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_IND, (uint32_t)(NLA_HDRLEN + 4 * i));
        to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word), 0, past);
    }
    to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKE);
    return n;
}

int rtnl_watch(struct rtnl *rtnl, const char *const *names, size_t n)
{
    static const struct sock_filter find_name[] = {
        BPF_STMT(BPF_LD | BPF_IMM, NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg))),
        BPF_STMT(BPF_LDX | BPF_IMM, IFLA_IFNAME),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, TAKE), /* no name: who knows */
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
    };
    struct sock_filter filter[ELEMENTSOF(find_name) + WATCHED_MAX * NAME_INSTRUCTIONS + 1];
    struct sock_fprog program = {.filter = filter};
    size_t length = ELEMENTSOF(find_name);

    if (n > WATCHED_MAX)
        return -E2BIG;
    memcpy(filter, find_name, sizeof(find_name));
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) >= IFNAMSIZ)
            return -EINVAL;
        length += compare(names[i], filter + length);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    program.len = (unsigned short)length;
    return setsockopt(mnl_socket_get_fd(rtnl->events), SOL_SOCKET, SO_ATTACH_FILTER, &program,
                      sizeof(program)) < 0
               ? -errno
               : 0;
}
