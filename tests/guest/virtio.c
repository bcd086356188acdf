/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transport and the rings, which are polled unless a payload wants interrupts. */
#include "virtio.h"

#include "interrupts.h"

enum {
    CAPABILITY_MSIX = 0x11,
    CAPABILITY_VENDOR = 9,
    MSIX_ENTRY_SIZE = 16,
};

struct ring rings[QUEUES_MAX];

static void read_virtio_capability(struct virtio *virtio, unsigned at)
{
    uint64_t address = virtio->bar + read32(virtio->config + at + 8);

    switch (read8(virtio->config + at + 3)) {
    case 1:
        virtio->common = address;
        break;
    case 2:
        virtio->notify = address;
        virtio->multiplier = read32(virtio->config + at + 16);
        break;
    case 3:
        virtio->isr = address;
        break;
    case 4:
        virtio->device = address;
        break;
    default:
        break;
    }
}

static void read_capabilities(struct virtio *virtio)
{
    for (unsigned at = read8(virtio->config + 0x34); at; at = read8(virtio->config + at + 1)) {
        uint8_t id = read8(virtio->config + at);

        if (id == CAPABILITY_VENDOR)
            read_virtio_capability(virtio, at);
        if (id != CAPABILITY_MSIX)
            continue;
        virtio->msix_control = virtio->config + at + 2;
        virtio->msix_table = virtio->bar + (read32(virtio->config + at + 4) & ~7u);
        virtio->msix_pending = virtio->bar + (read32(virtio->config + at + 8) & ~7u);
    }
}

bool virtio_find_slot(unsigned slot, unsigned *ret_type, struct virtio *ret)
{
    uint64_t config = ECAM + (slot << 15);
    uint32_t id = read32(config);

    if ((id & 0xffff) != 0x1af4)
        return false;
    *ret = (struct virtio){.config = config, .bar = read32(config + 0x10) & ~15u};
    *ret_type = (id >> 16) - 0x1040;
    write16(config + 4, 6);
    read_capabilities(ret);
    return ret->common && ret->notify && ret->isr && ret->device && ret->msix_table;
}

bool virtio_find_type(unsigned type, struct virtio *ret)
{
    unsigned found;

    for (unsigned slot = 0; slot < 32; slot++)
        if (read32(ECAM + (slot << 15)) == ((0x1040 + type) << 16 | 0x1af4))
            return virtio_find_slot(slot, &found, ret);
    return false;
}

bool virtio_find(struct virtio *ret)
{
    return virtio_find_type(1, ret);
}

void virtio_reset(const struct virtio *virtio)
{
    write8(virtio->common + COMMON_STATUS, 0);
    CHECK_SOON(read8(virtio->common + COMMON_STATUS) == 0, read8(virtio->common + COMMON_STATUS));
}

uint64_t virtio_offered(const struct virtio *virtio)
{
    write32(virtio->common + COMMON_FEATURE_SELECT, 1);
    uint64_t high = read32(virtio->common + COMMON_FEATURE);
    write32(virtio->common + COMMON_FEATURE_SELECT, 0);
    return high << 32 | read32(virtio->common + COMMON_FEATURE);
}

void virtio_negotiate(const struct virtio *virtio, uint64_t extra)
{
    write8(virtio->common + COMMON_STATUS, STATUS_ACKNOWLEDGE);
    write8(virtio->common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    CHECK(virtio_offered(virtio) >> 32 & 1, 0); /* VERSION_1 */
    CHECK((extra & ~virtio_offered(virtio)) == 0, virtio_offered(virtio));
    write32(virtio->common + COMMON_DRIVER_FEATURE_SELECT, 1);
    write32(virtio->common + COMMON_DRIVER_FEATURE, (uint32_t)(extra >> 32) | 1);
    write32(virtio->common + COMMON_DRIVER_FEATURE_SELECT, 0);
    write32(virtio->common + COMMON_DRIVER_FEATURE, (uint32_t)extra);
    write8(virtio->common + COMMON_STATUS, STATUS_READY & ~STATUS_DRIVER_OK);
    CHECK(read8(virtio->common + COMMON_STATUS) & STATUS_FEATURES_OK, extra);
}

void virtio_set_queue(const struct virtio *virtio, unsigned queue, uint64_t descriptors,
                      uint64_t driver, uint64_t device)
{
    write16(virtio->common + COMMON_QUEUE_SELECT, (uint16_t)queue);
    write16(virtio->common + COMMON_QUEUE_SIZE, RING_SIZE);
    CHECK(read16(virtio->common + COMMON_QUEUE_SIZE) == RING_SIZE, queue);
    write64(virtio->common + COMMON_QUEUE_DESCRIPTORS, descriptors);
    write32(virtio->common + COMMON_QUEUE_DRIVER, (uint32_t)driver);
    write32(virtio->common + COMMON_QUEUE_DRIVER + 4, (uint32_t)(driver >> 32));
    write32(virtio->common + COMMON_QUEUE_DEVICE, (uint32_t)device);
    write32(virtio->common + COMMON_QUEUE_DEVICE + 4, (uint32_t)(device >> 32));
    write16(virtio->common + COMMON_QUEUE_ENABLE, 1);
}

void virtio_set_ring(const struct virtio *virtio, unsigned queue)
{
    struct ring *ring = &rings[queue];

    memset(ring, 0, sizeof(*ring));
    virtio_set_queue(virtio, queue, (uint64_t)ring->descriptors, (uint64_t)&ring->available,
                     (uint64_t)&ring->used);
}

void virtio_notify(const struct virtio *virtio, unsigned queue)
{
    write16(virtio->notify + queue * virtio->multiplier, (uint16_t)queue);
}

void virtio_set_ready(const struct virtio *virtio)
{
    write8(virtio->common + COMMON_STATUS, STATUS_READY);
}

void virtio_enable_vectors(const struct virtio *virtio)
{
    unsigned n = (read16(virtio->msix_control) & 0x7ff) + 1u;

    for (unsigned i = 0; i < n && i < INTERRUPTS; i++) {
        uint64_t entry = virtio->msix_table + i * MSIX_ENTRY_SIZE;

        write32(entry, LOCAL_APIC);
        write32(entry + 4, 0);
        write32(entry + 8, INTERRUPT_FIRST + i);
        write32(entry + 12, 0);
    }
    write16(virtio->msix_control, 0x8000);
}

void virtio_mask_vector(const struct virtio *virtio, unsigned vector, bool mask)
{
    write32(virtio->msix_table + vector * MSIX_ENTRY_SIZE + 12, mask);
}

bool virtio_vector_pending(const struct virtio *virtio, unsigned vector)
{
    return read32(virtio->msix_pending + vector / 32 * 4) >> vector % 32 & 1;
}

void virtio_set_queue_vector(const struct virtio *virtio, unsigned queue, uint16_t vector)
{
    write16(virtio->common + COMMON_QUEUE_SELECT, (uint16_t)queue);
    write16(virtio->common + COMMON_QUEUE_MSIX, vector);
    CHECK(read16(virtio->common + COMMON_QUEUE_MSIX) == vector, vector);
}

void virtio_set_config_vector(const struct virtio *virtio, uint16_t vector)
{
    write16(virtio->common + COMMON_MSIX, vector);
    CHECK(read16(virtio->common + COMMON_MSIX) == vector, vector);
}

void virtio_wait_broken(const struct virtio *virtio, const char *what)
{
    for (uint64_t begin = cycles(); !(read8(virtio->common + COMMON_STATUS) & STATUS_NEEDS_RESET);)
        if (cycles() - begin > PATIENCE)
            fail(what, read8(virtio->common + COMMON_STATUS));
}

void ring_add(unsigned queue, uint16_t head)
{
    struct available *available = &rings[queue].available;

    available->ring[available->index % RING_SIZE] = head;
    __asm__ volatile("" : : : "memory");
    available->index++;
}

void ring_offer(const struct virtio *virtio, unsigned queue, uint16_t head)
{
    ring_add(queue, head);
    virtio_notify(virtio, queue);
}

unsigned ring_wait(const struct virtio *virtio, unsigned queue)
{
    struct ring *ring = &rings[queue];

    uint64_t begin = cycles();

    for (unsigned i = 0; ring->used.index == ring->next_used; i++) {
        if (i % 1000 == 999 && read8(virtio->common + COMMON_STATUS) != STATUS_READY)
            fail("the device waits for a reset", queue);
        CHECK(cycles() - begin < PATIENCE, queue);
        relax();
    }
    return ring->next_used++ % RING_SIZE;
}

bool ring_wait_briefly(unsigned queue, unsigned *ret_at)
{
    struct ring *ring = &rings[queue];

    uint64_t begin = cycles();

    for (; ring->used.index == ring->next_used; relax())
        if (cycles() - begin > PATIENCE_BRIEF)
            return false;
    *ret_at = ring->next_used++ % RING_SIZE;
    return true;
}
