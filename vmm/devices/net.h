/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-net (virtio 1.2, 5.1): configuration and life; the packets are moved by a backend. */
#pragma once

#include "vmm/devices/device-table.h"

enum {
    NET_PAIRS_MAX = 8,
    NET_QUEUE_SIZE = 256,
};

/* What --net= says. */
struct net_settings {
    char id[VIRTIO_ID_SIZE];
    char tap[64]; /* an interface's name, or fd:PREFIX for descriptors PREFIX.0 … */
    uint8_t mac[6];
    bool has_mac;
    uint16_t mtu;    /* 0: not told to the guest */
    uint16_t queues; /* pairs */
    bool offloads;   /* the guest may leave checksums and segmentation of what it sends to us */
    char vhost[64];  /* a device's path, or fd:PREFIX; empty: userspace */
};

/* Reads "ID,tap=…,mac=…". -EINVAL; logs what is wrong and what would be right. */
int net_settings_parse(const char *argument, struct net_settings *ret);

/* A row of the device table. */
int net_create(const char *argument, const struct device_environment *environment,
               struct virtio_device **ret);
