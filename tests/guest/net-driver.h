/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A driver for virtio-net with any number of queue pairs. tests/guest/host.c at the other end of
 * the wire sends each frame back with every byte of its payload one higher; what pair P sends
 * belongs to a flow of its own, so that the answer comes back on P.
 */
#pragma once

#include "virtio.h"

#define NET_CSUM            (1ul << 0)
#define NET_GUEST_CSUM      (1ul << 1)
#define NET_GUEST_OFFLOADS  (1ul << 2) /* CTRL_GUEST_OFFLOADS */
#define NET_MTU             (1ul << 3)
#define NET_MAC             (1ul << 5)
#define NET_GUEST_TSO4      (1ul << 7)
#define NET_HOST_TSO4       (1ul << 11)
#define NET_MERGEABLE       (1ul << 15)
#define NET_STATUS          (1ul << 16)
#define NET_CONTROL         (1ul << 17)
#define NET_ANNOUNCE        (1ul << 21)
#define NET_MULTI_QUEUE     (1ul << 22)
#define FEATURE_INDIRECT    (1ul << 28)
#define FEATURE_EVENT_INDEX (1ul << 29)

enum {
    NET_HEADER = 12,
    NET_HEADERS = 14 + 20 + 8, /* Ethernet, IPv4, UDP; the payload follows */
    BUFFER_MAX = 4096,

    NET_CONFIG_STATUS = 6,
    NET_CONFIG_PAIRS = 8,
    NET_CONFIG_MTU = 10,
    STATUS_LINK_UP = 1,
    STATUS_ANNOUNCE = 2,

    CONTROL_ANNOUNCE = 3, /* classes, and their only commands */
    CONTROL_ANNOUNCE_ACK = 0,
    CONTROL_PAIRS = 4,
    CONTROL_PAIRS_SET = 0,
    CONTROL_OFFLOADS = 5,
    CONTROL_OFFLOADS_SET = 0,
    CONTROL_OK = 0,
    CONTROL_ERROR = 1,
};

/* What a driver chooses; the rest follows. */
struct net_wish {
    uint64_t features;
    uint32_t receive_size; /* of each buffer; 0: the largest */
    unsigned n_receive;    /* buffers of each pair; 0: all that the ring holds */
    bool interrupts;       /* a vector for each queue, and the last for the configuration */
};

struct net {
    struct virtio virtio;
    uint64_t features;
    uint32_t receive_size;
    unsigned pairs; /* whose queues were set up */
    unsigned control;
    unsigned config_vector;
};

extern struct net net;
extern uint8_t buffers[2 * PAIRS_MAX][RING_SIZE][BUFFER_MAX];

/* The command line said, when the card was opened, that the host's kernel serves the queues, whose
 * ways are its own. */
bool by_kernel(void);

/* Finds the card, and sees to it that the host's interface is awake. */
void net_open(void);

/* How many pairs the device has. */
unsigned net_pairs(void);

/* From reset to ready, with fresh rings and receive buffers offered. */
void net_start(const struct net_wish *wish);
void net_start_plain(uint64_t features);

/* Sends a command of N bytes of DATA on the control queue. Returns the answer. */
uint8_t net_control(uint8_t class, uint8_t command, const void *data, uint32_t n);
uint8_t net_set_pairs(uint16_t n);

/* Writes a frame of N bytes, Ethernet header and all: IPv4, UDP, full of MARK. */
void net_write_frame(uint8_t *frame, unsigned pair, uint8_t mark, uint32_t n);

/* Puts such a frame into transmit queue PAIR at descriptor SLOT, and notifies. */
void net_post(unsigned pair, uint16_t slot, uint8_t mark, uint32_t n);

/* The same, and waits until it is sent. */
void net_send(unsigned pair, uint8_t mark, uint32_t n);

/* A received frame, of which the buffers were offered again. */
struct net_frame {
    uint32_t n, buffers;
    uint8_t header[NET_HEADER];
    uint8_t bytes[68 * 1024];
};

/* Fails unless all bytes from FROM up to the frame's end are MARK. */
void net_check_bytes(const struct net_frame *frame, uint32_t from, uint8_t mark);

/* Waits a while for the next frame of pair PAIR, whatever it is. False where none comes. */
bool net_receive(unsigned pair, struct net_frame **ret);

/* Waits for the frame of N bytes full of MARK, and passes over all others. */
void net_expect(unsigned pair, uint8_t mark, uint32_t n);

/* Sends a frame, and expects the host's answer: the same with MARK + 1. */
void net_ping(unsigned pair, uint8_t mark, uint32_t n);

/* The same where a frame may get lost: it is sent some times. */
void net_ping_patiently(unsigned pair, uint8_t mark, uint32_t n);

/*
 * What tests/guest/host.c does for us. Flood: it sends frames all the time. Measure: how much
 * processor time the VMM takes while this processor sleeps, and how much memory it has of its own.
 */
void net_host_flood(bool on);
void net_host_measure(uint32_t *ret_milliseconds, uint32_t *ret_kilobytes);
