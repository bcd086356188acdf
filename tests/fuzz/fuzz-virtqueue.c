/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A driver that does anything with a ring: what comes out is RAM, bounded, and counted right. */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/driver.h"

enum {
    OPERATIONS_MAX = 400,
    POP = 0,
    DESCRIBE,
    DESCRIBE_INDIRECT,
    OFFER,
    SET_INDEX,
    SIGNAL,
    NOTIFICATION,
    POKE,
    RESTART,
    OPERATIONS,
};

/* Mostly good addresses, so that chains get long; and all others. */
static uint64_t take_address(struct input *input)
{
    static const uint64_t good[] = {DATA, TABLE, DESCRIPTORS, AVAILABLE, USED, 0, (16 << 20) - 64};
    uint8_t kind = input_8(input);

    return kind < 0xc0 ? good[kind % ELEMENTSOF(good)] + input_8(input) * 16u : input_64(input);
}

static struct vring_desc take_descriptor(struct input *input)
{
    return (struct vring_desc){
        .addr = take_address(input),
        .len = input_8(input) < 0xe0 ? input_8(input) * 16u : input_32(input),
        .flags = input_8(input) & 7,
        .next = input_8(input),
    };
}

static void pop(struct driver *driver)
{
    static struct virtqueue_chain chain;
    uint64_t out = 0, in = 0;

    int r = virtqueue_pop(&driver->queue, &chain);
    MUST(r == 0 || r == 1 || r == -EPROTO);
    if (r != 1)
        return;
    MUST(chain.head < driver->queue.state.size);
    MUST(chain.n_out + chain.n_in >= 1 && chain.n_out + chain.n_in <= VIRTQUEUE_CHAIN_MAX);
    for (unsigned i = 0; i < chain.n_out + chain.n_in; i++) {
        const uint8_t *p = chain.iov[i].iov_base;

        MUST(chain.iov[i].iov_len > 0);
        MUST(p >= driver->memory.base &&
             p + chain.iov[i].iov_len <= driver->memory.base + driver->memory.size);
        *(i < chain.n_out ? &out : &in) += chain.iov[i].iov_len;
    }
    MUST(out == chain.out_bytes && in == chain.in_bytes);
    virtqueue_push(&driver->queue, chain.head, (uint32_t)in);
    MUST(driver->queue.used->idx == driver->queue.state.next_used);
}

static bool restart(struct driver *driver, struct input *input)
{
    struct virtqueue_state *state = &driver->queue.state;

    virtqueue_reset(&driver->queue, &driver->memory, 256);
    uint8_t kind = input_8(input);
    state->size = kind < 0xf0 ? (uint16_t)(1u << kind % 9) : input_16(input);
    state->descriptor_area = kind & 1 ? take_address(input) : DESCRIPTORS;
    state->driver_area = kind & 2 ? take_address(input) : AVAILABLE;
    state->device_area = kind & 4 ? take_address(input) : USED;
    state->last_available = state->next_used = kind & 8 ? input_16(input) : 0;
    return virtqueue_start(&driver->queue, kind & 16) == 0;
}

static void operate(struct driver *driver, struct input *input, uint8_t operation)
{
    struct vring_desc descriptor;
    uint64_t value;

    switch (operation) {
    case POP:
        pop(driver);
        break;
    case DESCRIBE:
        driver->descriptors[input_8(input)] = take_descriptor(input);
        break;
    case DESCRIBE_INDIRECT:
        descriptor = take_descriptor(input);
        (void)guest_memory_write(&driver->memory, TABLE + input_8(input) * 16u, &descriptor,
                                 sizeof(descriptor));
        break;
    case OFFER:
        driver_offer(driver, input_8(input));
        break;
    case SET_INDEX:
        driver->available->idx = input_16(input);
        break;
    case SIGNAL:
        driver->available->flags = input_8(input);
        (void)virtqueue_must_signal(&driver->queue);
        break;
    case NOTIFICATION:
        virtqueue_disable_notification(&driver->queue);
        (void)virtqueue_enable_notification(&driver->queue);
        break;
    case POKE:
        value = input_64(input);
        (void)guest_memory_write(&driver->memory, take_address(input), &value, sizeof(value));
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct driver *driver;
    struct input input = {data, size};

    if (!driver)
        MUST((driver = driver_new(256)));
    memset(driver->descriptors, 0, 4096);
    memset(driver->available, 0, 4096);
    memset(driver->used, 0, 4096);
    bool started = restart(driver, &input);
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++) {
        uint8_t operation = input_8(&input) % OPERATIONS;

        if (operation == RESTART)
            started = restart(driver, &input);
        else if (started)
            operate(driver, &input, operation);
    }
    return 0;
}
