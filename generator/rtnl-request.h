/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files about rtnetlink share: a request, its run, its answer's attributes. */
#pragma once

#include "generator/rtnl.h"

#include <libmnl/libmnl.h>

/* A link's attributes fit into 8 KiB, but for hardware with many virtual functions. */
#define RTNL_BUFFER_SIZE 32768

struct rtnl {
    struct mnl_socket *requests;
    struct mnl_socket *events; /* a group member gets others' messages: a socket of its own */
    unsigned seq;
    uint8_t buffer[RTNL_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* Begins a request in RTNL's buffer: there is one at a time. */
struct nlmsghdr *rtnl_request_new(struct rtnl *rtnl, uint16_t type, uint16_t flags);

/* The same for a message about a link, struct ifinfomsg. */
struct nlmsghdr *rtnl_link_request_new(struct rtnl *rtnl, uint16_t type, uint16_t flags,
                                       int ifindex);

/* Sends the request in the buffer; the answer's messages go to CALLBACK. A dump that changes
 * interrupt comes again: its messages then, too. */
int rtnl_request_run(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t callback, void *data);

/* A callback for mnl_attr_parse() that fills a table of so many attributes, by type; all types that
 * are looked at are below. */
#define RTNL_ATTR_TABLE 64
int rtnl_attr_collect(const struct nlattr *attr, void *data);

uint32_t rtnl_attr_u32(const struct nlattr *attr, uint32_t otherwise);

/* A callback that reads a message about a link into a struct rtnl_link. */
int rtnl_link_read(const struct nlmsghdr *nlh, void *data);
