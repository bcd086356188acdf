/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lives of chance: any features, rings anywhere and upon each other, descriptors that change while
 * they are read, notifications, vectors and resets in between, and frames from the host all the
 * time.
 */
#include "chance.h"
#include "hostile.h"

/* All that the device is told to write to, beside what is not there. */
#define ARENA 0x2000000ul

enum {
    ARENA_SIZE = 1 << 20,
    ARENA_PLACES = 24, /* for rings: few, so that they meet */
    LIVES_MAX = 1500,
    LIVES_A_CHECK = 20,
};

#define TIME_MAX (6ul << 30) /* cycles */

static bool one_in(unsigned n)
{
    return chance() % n == 0;
}

static uint64_t pages[6][512] __attribute__((aligned(4096)));
static uint8_t segments[128] __attribute__((aligned(16)));

/*
 * The loader's tables lie where an address lies that is made of ring indices. Ours do not
 * (Intel SDM 3A, 4.5.4).
 */
static void move_tables(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) table;

    __asm__ volatile("sgdt %0" : "=m"(table));
    CHECK(table.limit < sizeof(segments), table.limit);
    memcpy(segments, (const void *)table.base, table.limit + 1u);
    table.base = (uint64_t)segments;
    __asm__ volatile("lgdt %0" : : "m"(table));
    pages[0][0] = (uint64_t)pages[1] | 3;
    for (unsigned i = 0; i < 4; i++) {
        pages[1][i] = (uint64_t)pages[2 + i] | 3;
        for (unsigned k = 0; k < 512; k++)
            pages[2 + i][k] = ((uint64_t)i << 30 | (uint64_t)k << 21) | 0x83;
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(pages) : "memory");
}

static uint64_t any_place(void)
{
    if (one_in(60))
        return chance() | 1ul << 40; /* nowhere */
    if (one_in(60))
        return net.virtio.bar + chance() % 0x8000;
    return ARENA + chance() % ARENA_SIZE;
}

/* Where the rings of queue I are in this life. */
static struct {
    uint64_t descriptors, available, used;
    unsigned size;
} places[QUEUES_MAX];
static unsigned n_queues;

static uint64_t ring_place(void)
{
    return ARENA + chance() % ARENA_PLACES * 4096 + (one_in(4) ? chance() % 64 * 16 : 0);
}

static void place_queue(unsigned i)
{
    const struct virtio *virtio = &net.virtio;
    bool apart = !one_in(3);

    places[i].size = 1u << chance() % 9;
    places[i].descriptors = apart ? ARENA + ARENA_SIZE + i * 0x8000 : ring_place();
    places[i].available = apart ? places[i].descriptors + 0x2000 : ring_place();
    places[i].used = apart ? places[i].descriptors + 0x4000 : ring_place();
    if (apart) /* what is in the descriptors is the last life's */
        write32(places[i].available, 0);
    write16(virtio->common + COMMON_QUEUE_SELECT, (uint16_t)i);
    write16(virtio->common + COMMON_QUEUE_SIZE, (uint16_t)places[i].size);
    write64(virtio->common + COMMON_QUEUE_DESCRIPTORS, places[i].descriptors);
    write64(virtio->common + COMMON_QUEUE_DRIVER, places[i].available);
    write64(virtio->common + COMMON_QUEUE_DEVICE, places[i].used);
    write16(virtio->common + COMMON_QUEUE_MSIX, (uint16_t)(chance() % 12));
    if (!one_in(80))
        write16(virtio->common + COMMON_QUEUE_ENABLE, 1);
}

static struct descriptor any_descriptor(unsigned queue)
{
    static const uint32_t lengths[] = {0,  1,    11,   12,    13,    26,
                                       60, 1526, 4096, 65562, 70000, ARENA_SIZE};
    bool writable = queue == n_queues - 1 ? one_in(2) : queue % 2 == 0;

    return (struct descriptor){
        .address = any_place(),
        .length = one_in(40) ? (uint32_t)chance() : lengths[chance() % 12],
        .flags =
            (uint16_t)((writable != one_in(30) ? DESCRIPTOR_WRITE : 0) |
                       (one_in(3) ? DESCRIPTOR_NEXT : 0) | (one_in(12) ? DESCRIPTOR_INDIRECT : 0)),
        .next = (uint16_t)(one_in(20) ? chance() : chance() % places[queue].size),
    };
}

/* A few descriptors made anew, and some heads offered; the index rarely jumps. */
static void feed(unsigned queue)
{
    volatile uint16_t *available = (volatile uint16_t *)places[queue].available;
    struct descriptor *descriptors = (struct descriptor *)places[queue].descriptors;
    unsigned size = places[queue].size, n = chance() % 8 + 1;

    for (unsigned i = 0; i < n; i++) {
        unsigned head = chance() % size;

        descriptors[head] = any_descriptor(queue);
        available[2 + (available[1] + i) % size] = (uint16_t)(one_in(100) ? chance() : head);
    }
    available[1] = (uint16_t)(one_in(100) ? chance() : available[1] + (n < size ? n : size));
    virtio_notify(&net.virtio, queue);
}

/* Changes under the device's eyes. */
static void change_while_read(unsigned queue)
{
    volatile struct descriptor *descriptors = (struct descriptor *)places[queue].descriptors;

    feed(queue);
    for (unsigned i = 0; i < 100; i++) {
        struct descriptor new = any_descriptor(queue);

        descriptors[i % places[queue].size].address = new.address;
        descriptors[i % places[queue].size].length = new.length;
        descriptors[i % places[queue].size].flags = new.flags;
    }
}

/* A table of descriptors, to be found by those that are marked as indirect. */
static void write_table(void)
{
    struct descriptor *table =
        (struct descriptor *)(ARENA + chance() % (ARENA_SIZE / 16 - 300) * 16);

    for (unsigned i = 0; i < chance() % 300; i++)
        table[i] = any_descriptor((unsigned)(chance() % n_queues));
}

static void any_command(void)
{
    unsigned queue = one_in(4) ? 2 : n_queues - 1;
    uint64_t at = ARENA + chance() % ARENA_SIZE;
    struct descriptor *descriptors = (struct descriptor *)places[queue].descriptors;
    volatile uint16_t *available = (volatile uint16_t *)places[queue].available;
    const uint8_t command[] = {(uint8_t)(chance() % 6), (uint8_t)(one_in(8) ? chance() : 0),
                               (uint8_t)(chance() % 10), (uint8_t)(one_in(8) ? chance() : 0)};

    if (places[queue].size < 2)
        return;
    memcpy((void *)at, command, sizeof(command));
    descriptors[0] = (struct descriptor){at, 4, DESCRIPTOR_NEXT, 1};
    descriptors[1] = (struct descriptor){at + 16, 1, DESCRIPTOR_WRITE, 0};
    available[2 + available[1] % places[queue].size] = 0;
    available[1]++;
    virtio_notify(&net.virtio, queue);
}

static void act(void)
{
    const struct virtio *virtio = &net.virtio;
    unsigned queue = chance() % n_queues;

    switch (chance() % 16) {
    case 0:
        any_command();
        break;
    case 1:
        write_table();
        break;
    case 2:
        if (one_in(8)) /* which KVM takes its time for */
            virtio_mask_vector(virtio, chance() % 8, one_in(2));
        break;
    case 3:
        write16(virtio->common + COMMON_QUEUE_SELECT, (uint16_t)(chance() % 20));
        write16(virtio->common + COMMON_QUEUE_MSIX, (uint16_t)(chance() % 20));
        break;
    case 4:
        for (unsigned i = 0; i < n_queues; i++)
            virtio_notify(virtio, i);
        break;
    case 5:
        change_while_read(queue);
        break;
    case 6:
        if (one_in(8))
            write8(virtio->common + COMMON_STATUS, (uint8_t)(one_in(2) ? 0 : chance()));
        break;
    default:
        feed(queue);
        break;
    }
}

static void live(void)
{
    const struct virtio *virtio = &net.virtio;

    virtio_reset(virtio);
    virtio_negotiate(virtio, virtio_offered(virtio) &
                                 (chance() | (one_in(2) ? NET_CONTROL | NET_MULTI_QUEUE : 0)));
    n_queues = read16(virtio->common + COMMON_QUEUES);
    for (unsigned i = 0; i < n_queues; i++)
        place_queue(i);
    virtio_set_ready(virtio);
    for (unsigned i = 0; i < 40; i++)
        act();
}

void guest_main(void)
{
    uint32_t kilobytes;
    unsigned lives = 0;

    move_tables();
    kilobytes = hostile_begin();
    net_start_plain(0);
    net_host_flood(true);
    for (uint64_t begin = cycles(); lives < LIVES_MAX && cycles() - begin < TIME_MAX; lives++) {
        live();
        if (lives % LIVES_A_CHECK == 0) {
            net_start_plain(0);
            net_ping_patiently(0, (uint8_t)lives, 300);
        }
    }
    print_hex(lives);
    print(" lives\n");
    hostile_end(kilobytes);
}
