/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every attack on every device that the machine has, whatever its kind: rings in circles, beyond
 * memory and upon each other, rewritten while they are read, BARs that move under traffic and onto
 * each other, MSI-X entries and registers of chance, resets in the middle. After each, a reset must
 * bring the device back. The test looks at the VMM before and after.
 */
#include "chance.h"
#include "virtio.h"

enum {
    DEVICES_MAX = 16,
    SIZE = RING_SIZE,
    ROUNDS = 2,
    WINDOW_FREE = 0x10000000, /* from the PCI window's begin on: nothing is there */
    BAR_SIZE = 0x8000,
};

/* What devices are told to write to. */
#define ARENA      0x2000000ul
#define ARENA_SIZE 0x800000ul

static struct {
    struct virtio virtio;
    unsigned type, queues;
} devices[DEVICES_MAX];
static unsigned n_devices;
static void find_devices(void)
{
    for (unsigned slot = 1; slot < 32 && n_devices < DEVICES_MAX; slot++)
        if (virtio_find_slot(slot, &devices[n_devices].type, &devices[n_devices].virtio)) {
            devices[n_devices].queues = read16(devices[n_devices].virtio.common + COMMON_QUEUES);
            n_devices++;
        }
}

/* Ready, with what it offers but for the control of others; the rings are ours and empty. */
static void start(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;

    virtio_reset(virtio);
    virtio_negotiate(virtio, virtio_offered(virtio) & (chance() | 1ul << 28));
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
        virtio_set_ring(virtio, queue);
    virtio_set_ready(virtio);
}

static void notify_all(unsigned i)
{
    for (unsigned queue = 0; queue < devices[i].queues; queue++)
        virtio_notify(&devices[i].virtio, queue);
}

/* Descriptors that any of the devices may take for a request: readable, then writable, in RAM. */
static void offer_chains(unsigned i)
{
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++) {
        for (uint16_t k = 0; k < SIZE; k++) {
            bool writable = queue % 2 == 0 ? chance() % 4 != 0 : chance() % 4 == 0;

            ring_describe(queue, k, ARENA + chance() % (ARENA_SIZE - 0x10000),
                          (uint32_t)(1 + chance() % 4096),
                          (uint16_t)((writable ? DESCRIPTOR_WRITE : 0) |
                                     (chance() % 4 == 0 ? DESCRIPTOR_NEXT : 0)),
                          (uint16_t)((k + 1) % SIZE));
            ring_add(queue, k);
        }
    }
    notify_all(i);
}

static void circles(unsigned i)
{
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
        for (uint16_t k = 0; k < SIZE; k++) {
            ring_describe(queue, k, ARENA + k * 64, 32, (uint16_t)(DESCRIPTOR_NEXT | (k & 2)),
                          (uint16_t)((k + (k % 3 ? 1 : 0)) % SIZE));
            ring_add(queue, k);
        }
    notify_all(i);
}

static void circles_in_tables(unsigned i)
{
    struct descriptor *table = (struct descriptor *)ARENA;

    for (unsigned k = 0; k < 256; k++)
        table[k] = (struct descriptor){ARENA + 0x10000, 1,
                                       DESCRIPTOR_NEXT | (k % 3 ? 0 : DESCRIPTOR_INDIRECT), 0};
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
        for (uint16_t k = 0; k < SIZE; k++) {
            ring_describe(queue, k, ARENA, 16u << k % 10, DESCRIPTOR_INDIRECT, 0);
            ring_add(queue, k);
        }
    notify_all(i);
}

static void beyond(unsigned i)
{
    static const uint64_t places[] = {0x4000000,  0x3ffffff,      0xb0000000,         0xe0000000,
                                      LOCAL_APIC, UINT64_MAX - 8, 0x8000000000000000, 0xffffffff};

    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
        for (uint16_t k = 0; k < SIZE; k++) {
            ring_describe(queue, k, k == 15 ? devices[i].virtio.bar : places[k % 8],
                          k & 8 ? 0xffffffff : 64, k & 1 ? DESCRIPTOR_WRITE : 0, 0);
            ring_add(queue, k);
        }
    notify_all(i);
}

/* The same head again and again, and an index that jumps. */
static void one_head(unsigned i)
{
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++) {
        ring_describe(queue, 0, ARENA, 4096, queue % 2 ? 0 : DESCRIPTOR_WRITE, 0);
        for (unsigned k = 0; k < SIZE; k++)
            ring_add(queue, 0);
    }
    notify_all(i);
    for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
        rings[queue].available.index = (uint16_t)chance();
    notify_all(i);
}

/* All queues in one place, or one ring's parts upon each other, and buffers upon the rings. */
static void overlaps(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;
    bool same = chance() % 2;

    virtio_reset(virtio);
    virtio_negotiate(virtio, 0);
    for (unsigned queue = 0; queue < devices[i].queues; queue++)
        virtio_set_queue(virtio, queue, ARENA, same ? ARENA : ARENA + 256 + chance() % 32 * 2,
                         same ? ARENA : ARENA + 320 + chance() % 16 * 4);
    for (unsigned k = 0; k < SIZE; k++)
        ((struct descriptor *)ARENA)[k] =
            (struct descriptor){ARENA + k * 4, 512, k & 1 ? DESCRIPTOR_WRITE : 0, 0};
    virtio_set_ready(virtio);
    for (unsigned k = 0; k < 200; k++) {
        write16(ARENA + 256 + chance() % 128 * 2, (uint16_t)chance());
        notify_all(i);
    }
}

/* Under the device's eyes, which are another thread's. */
static void rewrite(unsigned i)
{
    offer_chains(i);
    for (unsigned n = 0; n < 10000; n++) {
        unsigned queue = (unsigned)(chance() % devices[i].queues) % QUEUES_MAX;
        volatile struct descriptor *descriptor = &rings[queue].descriptors[chance() % SIZE];
        uint64_t kind = chance();

        descriptor->address = kind & 7 ? ARENA + kind % ARENA_SIZE : kind << 8;
        descriptor->length = kind & 0x70 ? 16 : (uint32_t)kind;
        descriptor->flags = (uint16_t)(kind >> 32 & 7);
        descriptor->next = (uint16_t)(kind >> 40 & 15);
        if (n % 64 == 0) {
            rings[queue].available.index += (uint16_t)(kind >> 50 & 7);
            virtio_notify(&devices[i].virtio, queue);
        }
    }
}

static void move_bar(const struct virtio *virtio, uint64_t address)
{
    write32(virtio->config + 0x10, (uint32_t)address);
}

/* To free places, onto the other devices', out of the window, and away; notified at all of them. */
static void move_bars(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;

    for (unsigned n = 0; n < 6; n++) {
        uint64_t kind = chance(), others = devices[chance() % n_devices].virtio.bar;
        uint64_t place = kind % 4 == 0   ? others
                         : kind % 4 == 1 ? others + 0x1000
                         : kind % 4 == 2 ? (kind & 0xfffff000)
                                         : PCI_WINDOW + WINDOW_FREE + (kind & 0xff8000);

        offer_chains(i);
        move_bar(virtio, place);
        notify_all(i); /* at the old place, where another may be now */
        write16((place & ~0x7ffful) + (virtio->notify - virtio->bar), 0);
        write16(virtio->config + 4, (uint16_t)(chance() & 6));
        notify_all(i);
        write16(virtio->config + 4, 6);
        move_bar(virtio, virtio->bar);
        for (unsigned queue = 0; queue < devices[i].queues && queue < QUEUES_MAX; queue++)
            rings[queue].available.index = rings[queue].used.index;
    }
}

/* Any address, data and mask in any entry, while the device has something to tell. */
static void vectors(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;

    for (uint16_t queue = 0; queue < devices[i].queues; queue++) {
        write16(virtio->common + COMMON_QUEUE_SELECT, queue);
        write16(virtio->common + COMMON_QUEUE_MSIX, (uint16_t)(chance() % (devices[i].queues + 3)));
    }
    for (unsigned n = 0; n < 24; n++) {
        uint64_t entry = virtio->msix_table + chance() % 0x400;

        if (n % 8 == 0)
            offer_chains(i);
        write32(entry & ~3ul, (uint32_t)chance());
        write64(entry & ~7ul, chance());
        write8(entry, (uint8_t)chance());
        (void)read64(virtio->msix_pending + chance() % 0x1000);
        write16(virtio->msix_control, (uint16_t)chance());
    }
    write16(virtio->msix_control, 0);
    for (unsigned vector = 0; vector <= devices[i].queues; vector++)
        virtio_mask_vector(virtio, vector, true);
}

/* All of the BAR but the reset, and the window to it in configuration space. */
static void registers(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;
    uint64_t place = virtio->bar;

    for (unsigned n = 0; n < 3000; n++) {
        uint64_t at = place + chance() % BAR_SIZE, value = chance();

        if (at >= virtio->msix_table && at < virtio->msix_table + 0x1000)
            continue; /* that is another attack, which KVM takes its time for */
        switch (chance() % 8) {
        case 0:
            write8(at, (uint8_t)value);
            break;
        case 1:
            write16(at & ~1ul, (uint16_t)value);
            break;
        case 2:
            write32(at, (uint32_t)value);
            break;
        case 3:
            write64(at & ~7ul, value);
            break;
        case 4: /* configuration space, but for the BAR and what turns it off */
            at = virtio->config + 0x40 + chance() % 0xfc0;
            if (at < virtio->msix_control - 3 || at > virtio->msix_control + 1)
                write32(at, (uint32_t)value);
            break;
        case 5:
            write16(virtio->common + chance() % 64, (uint16_t)(value % 32));
            break;
        default:
            (void)read64(at & ~7ul);
            (void)read32(virtio->config + (value & 0xffc));
            break;
        }
    }
}

static void resets(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;

    for (unsigned n = 0; n < 12; n++) {
        offer_chains(i);
        pass(chance() % 20000);
        write8(virtio->common + COMMON_STATUS, 0);
        write8(virtio->common + COMMON_STATUS, STATUS_READY); /* before it was answered */
        notify_all(i);
        start(i);
    }
}

static const struct {
    const char *name;
    void (*attack)(unsigned i);
} attacks[] = {
    {"circles", circles},
    {"circles in tables", circles_in_tables},
    {"beyond memory", beyond},
    {"one head", one_head},
    {"overlapping queues", overlaps},
    {"rewritten rings", rewrite},
    {"moving BARs", move_bars},
    {"vectors", vectors},
    {"registers", registers},
    {"resets", resets},
};

/* As new after a reset: it offers what it did, takes features and rings, and is at rest. */
static void check_alive(unsigned i)
{
    const struct virtio *virtio = &devices[i].virtio;

    start(i);
    CHECK(read8(virtio->common + COMMON_STATUS) == STATUS_READY, i);
    virtio_reset(virtio);
}

static void storm(unsigned rounds)
{
    for (unsigned n = 0; n < rounds; n++)
        for (unsigned a = 0; a < sizeof(attacks) / sizeof(attacks[0]); a++)
            for (unsigned i = 0; i < n_devices; i++) {
                start(i);
                attacks[a].attack(i);
                check_alive(i);
            }
}

void guest_main(void)
{
    bool watched = equal(wanted(), "watched");

    find_devices();
    CHECK(n_devices > 0, n_devices);
    storm(1); /* all that the VMM allocates once is there after it */
    if (watched) {
        print("the calm before\n"); /* the test looks at the VMM */
        pass(1ul << 31);
        storm(ROUNDS);
    }
    print_hex(n_devices);
    print(" devices survived\n");
    if (watched)
        halt(); /* with devices that have nothing to do */
    power_off();
}
