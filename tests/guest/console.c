/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A console's driver, honest and not: output that nobody reads, buffers that are wrong, and a talk
 * with whoever is attached. */
#include "virtio.h"

enum {
    VIRTIO_TYPE_CONSOLE = 3,
    FEATURE_SIZE = 1 << 0,
    QUEUE_RECEIVE = 0,
    QUEUE_TRANSMIT = 1,
    MANY = 1000,
};

static struct virtio console;
static char input[64], much[4096];
static struct descriptor table[2] __attribute__((aligned(16)));

static void start(void)
{
    virtio_reset(&console);
    virtio_negotiate(&console, FEATURE_SIZE);
    virtio_set_ring(&console, QUEUE_RECEIVE);
    virtio_set_ring(&console, QUEUE_TRANSMIT);
    virtio_set_ready(&console);
}

static void send(const char *text, uint32_t length)
{
    ring_describe(QUEUE_TRANSMIT, 0, (uint64_t)text, length, 0, 0);
    ring_offer(&console, QUEUE_TRANSMIT, 0);
    (void)ring_wait(&console, QUEUE_TRANSMIT);
}

static void say(const char *text)
{
    uint32_t length = 0;

    while (text[length])
        length++;
    send(text, length);
}

/* One line, with its end. */
static void hear(void)
{
    for (unsigned length = 0; length == 0 || input[length - 1] != '\n';) {
        CHECK(length < sizeof(input) - 1, length);
        ring_describe(QUEUE_RECEIVE, 0, (uint64_t)&input[length], 1, DESCRIPTOR_WRITE, 0);
        ring_offer(&console, QUEUE_RECEIVE, 0);
        unsigned at = ring_wait(&console, QUEUE_RECEIVE);
        CHECK(rings[QUEUE_RECEIVE].used.ring[at].length == 1, length);
        input[++length] = '\0';
    }
}

static void write_to_read(void)
{
    ring_describe(QUEUE_TRANSMIT, 0, (uint64_t)input, 8, DESCRIPTOR_WRITE, 0);
    ring_offer(&console, QUEUE_TRANSMIT, 0);
}

static void beyond(void)
{
    ring_describe(QUEUE_TRANSMIT, 0, 0xb0000000, 100, 0, 0);
    ring_offer(&console, QUEUE_TRANSMIT, 0);
}

static void circle(void)
{
    ring_describe(QUEUE_TRANSMIT, 0, (uint64_t)much, 100, DESCRIPTOR_NEXT, 1);
    ring_describe(QUEUE_TRANSMIT, 1, (uint64_t)much, 100, DESCRIPTOR_NEXT, 0);
    ring_offer(&console, QUEUE_TRANSMIT, 0);
}

static void bad_head(void)
{
    ring_offer(&console, QUEUE_TRANSMIT, RING_SIZE);
}

static void jump(void)
{
    rings[QUEUE_TRANSMIT].available.index = 1000;
    virtio_notify(&console, QUEUE_TRANSMIT);
}

static void half_a_device(void)
{
    virtio_reset(&console);
    virtio_negotiate(&console, 0);
    virtio_set_ring(&console, QUEUE_TRANSMIT);
    virtio_set_ready(&console);
}

/* All of memory, many times over, in one buffer: only its end can matter. */
static void check_huge(void)
{
    for (uint16_t i = 0; i < RING_SIZE; i++)
        ring_describe(QUEUE_TRANSMIT, i, 0, 60 << 20, i + 1 < RING_SIZE ? DESCRIPTOR_NEXT : 0,
                      (uint16_t)(i + 1));
    for (unsigned i = 0; i < 100; i++) {
        ring_offer(&console, QUEUE_TRANSMIT, 0);
        (void)ring_wait(&console, QUEUE_TRANSMIT);
    }
}

static void check_broken(void)
{
    static void (*const attacks[])(void) = {write_to_read, beyond, circle,
                                            bad_head,      jump,   half_a_device};

    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        start();
        attacks[i]();
        virtio_wait_broken(&console, "the console goes on");
    }
    start();
    /* A table that is cut leaves the device where it was, or broken; never worse. */
    table[0] = (struct descriptor){(uint64_t)much, 10, DESCRIPTOR_NEXT, 0};
    ring_describe(QUEUE_TRANSMIT, 0, (uint64_t)table, sizeof(table[0]), DESCRIPTOR_INDIRECT, 0);
    ring_offer(&console, QUEUE_TRANSMIT, 0);
    virtio_wait_broken(&console, "a table that is a circle");
}

void guest_main(void)
{
    CHECK(virtio_find_type(VIRTIO_TYPE_CONSOLE, &console), 0);
    CHECK(read32(console.device + 4) == 1, read32(console.device + 4)); /* ports */
    CHECK(read32(console.device) == 0, read32(console.device));         /* of no size yet */
    start();
    memset(much, 'x', sizeof(much));
    uint64_t begin = cycles();
    for (unsigned i = 0; i < MANY; i++)
        send(much, sizeof(much));
    print("cycles for 4 MB that nobody reads: ");
    print_hex(cycles() - begin);
    print("\n");
    check_huge();
    check_broken();
    start();
    say("\nthe console survived\n");
    print("the way: waiting for somebody\n");
    do {
        hear();
        say("heard: ");
        say(input);
    } while (!equal(input, "off\n"));
    print("the console was heard\n");
    power_off();
}
