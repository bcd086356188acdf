/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands on the control queue of a network card, through real rings, with VIRTIO_NET_F_MQ and
 * without: each is answered once, by one byte, and obeyed only where it may be.
 */
#include "tests/fuzz/fake-net.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/log.h"

enum {
    OPERATIONS_MAX = 200,
    STRIDE = 0x80000, /* between the addresses of one queue and the next */
    ANSWER_ROOM = 64,
    CANARY = 0xc5,
    COMMAND_MAX = 24,

    COMMAND = 0,
    RAW,
    KICK,
    FRAME,
    START,
    RESET,
    VECTOR,
    OPERATIONS,
};

struct world {
    struct guest_memory memory;
    struct driver queues[FAKE_NET_QUEUES];
    unsigned signals;
    uint8_t left_out; /* queues that were not set up */
    uint64_t offloads;
};

static struct world world;

static void on_queue(void *context _unused_, unsigned queue)
{
    MUST(queue < FAKE_NET_QUEUES);
    world.signals++;
}

static void on_config(void *context _unused_)
{
}

static int queue_eventfd(void *context _unused_, unsigned queue _unused_)
{
    return -EBADF;
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    MUST(guest_memory_init(&world.memory, UINT64_C(16) << 20) == 0);
    for (unsigned i = 0; i < FAKE_NET_QUEUES; i++) {
        struct driver *driver = &world.queues[i];

        driver->memory = world.memory;
        driver->queue.state.size = NET_QUEUE_SIZE;
        driver->descriptors = guest_memory_at(&world.memory, i * STRIDE + DESCRIPTORS, 4096);
        driver->available = guest_memory_at(&world.memory, i * STRIDE + AVAILABLE, 4096);
        driver->used = guest_memory_at(&world.memory, i * STRIDE + USED, 4096);
    }
    return 0;
}

static void set_status(uint8_t status)
{
    pthread_mutex_lock(&fake_net.device->mutex);
    virtio_device_set_status(fake_net.device, status);
    pthread_mutex_unlock(&fake_net.device->mutex);
}

static void kick(unsigned queue)
{
    uint64_t one = 1;

    MUST(write(fake_net.device->kick[queue], &one, sizeof(one)) == sizeof(one));
}

static void start(struct input *input)
{
    struct virtio_device *device = fake_net.device;
    uint64_t features = device->state.offered & (input_64(input) | UINT64_C(1) << 32);

    set_status(0);
    fake_net_run();
    set_status(3);
    virtio_device_set_accepted(device, 0, (uint32_t)features);
    virtio_device_set_accepted(device, 1, (uint32_t)(features >> 32));
    set_status(11);
    world.left_out = input_8(input);
    if (world.left_out < 0xc0)
        world.left_out = 0;
    for (unsigned i = 0; i < FAKE_NET_QUEUES; i++) {
        struct virtqueue_state *state = &device->queues[i].state;

        memset(world.queues[i].descriptors, 0, 4096);
        memset(world.queues[i].available, 0, 4096);
        memset(world.queues[i].used, 0, 4096);
        state->descriptor_area = i * STRIDE + DESCRIPTORS;
        state->driver_area = i * STRIDE + AVAILABLE;
        state->device_area = i * STRIDE + USED;
        if (!(world.left_out >> i & 1))
            virtio_device_enable_queue(device, i);
    }
    set_status(15);
    fake_net_run();
}

/* What the specification lets succeed (virtio 1.2, 5.1.6.5). */
static bool may_succeed(const uint8_t *command, size_t n)
{
    const struct virtio_device *device = fake_net.device;
    unsigned pairs = command[2] | (unsigned)command[3] << 8;
    uint64_t offloads;

    if (n < 2 || command[1] != 0)
        return false;
    switch (command[0]) {
    case VIRTIO_NET_CTRL_ANNOUNCE:
        return virtio_device_has(device, VIRTIO_NET_F_GUEST_ANNOUNCE);
    case VIRTIO_NET_CTRL_MQ:
        return virtio_device_has(device, VIRTIO_NET_F_MQ) && n == 4 && pairs >= 1 &&
               pairs <= FAKE_NET_PAIRS && !(world.left_out & ((1u << 2 * pairs) - 1));
    case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
        memcpy(&offloads, command + 2, sizeof(offloads));
        return virtio_device_has(device, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) && n == 10 &&
               !(offloads & ~device->state.accepted) &&
               !(offloads & ~(NET_FEATURES_GUEST | NET_FEATURES_GUEST_USO));
    default:
        return false;
    }
}

/* A chain of pieces, perhaps in a table: what is to be read, then N_IN bytes for the answer. */
static void describe(struct driver *driver, uint64_t base, size_t n, unsigned piece, unsigned n_in,
                     bool indirect)
{
    uint16_t at = 0;
    uint64_t table = base + TABLE;
    unsigned total = (unsigned)((n + piece - 1) / piece) + (n_in > 0);

    for (size_t done = 0; at < total; at++) {
        size_t length = n - done < piece ? n - done : piece;
        bool last = at + 1u == total, in = done == n;
        uint16_t flags = (uint16_t)((last ? 0 : VRING_DESC_F_NEXT) | (in ? VRING_DESC_F_WRITE : 0));
        uint64_t address = in ? base + DATA + 0x1000 : base + DATA + done;
        uint32_t size = in ? n_in : (uint32_t)length;

        if (indirect)
            driver_indirect(driver, table, at, address, size, flags, (uint16_t)(at + 1));
        else
            driver_describe(driver, at, address, size, flags, (uint16_t)(at + 1));
        done += in ? 0 : length;
    }
    if (indirect)
        driver_describe(driver, 0, table, at * 16u, VRING_DESC_F_INDIRECT, 0);
}

static void command(struct input *input)
{
    struct virtio_device *device = fake_net.device;
    unsigned number = net_control_queue(net_of(device));
    struct driver *driver = &world.queues[number];
    uint64_t base = number * (uint64_t)STRIDE;
    uint8_t kind = input_8(input), bytes[COMMAND_MAX] = {0};
    uint8_t *answer = guest_memory_at(&world.memory, base + DATA + 0x1000, ANSWER_ROOM);
    size_t n = input_8(input) % (COMMAND_MAX + 1);
    unsigned n_in = kind & 3, pairs = net_of(device)->n_active;

    input_take(input, bytes, n);
    if (kind & 0x80) /* mostly those that there are */
        bytes[0] = (uint8_t)(3 + bytes[0] % 3), bytes[1] = 0;
    bool runs = device->running && virtio_device_has(device, VIRTIO_NET_F_CTRL_VQ) &&
                device->queues[number].state.enabled && driver->available->idx == driver->used->idx;
    MUST(guest_memory_write(&world.memory, base + DATA, bytes, sizeof(bytes)) == 0);
    memset(answer, CANARY, ANSWER_ROOM);
    if (n + n_in == 0)
        return;
    describe(driver, base, n, 1u + (kind >> 2 & 7), n_in, kind & 0x20);
    driver_offer(driver, 0);
    uint16_t used = driver->used->idx;
    net_of(device)->changes = NET_CHANGES_PER_TICK; /* or it would be answered a tick later */
    kick(number);
    fake_net_run();
    for (unsigned i = 1; i < ANSWER_ROOM; i++)
        MUST(answer[i] == CANARY);
    if (!runs)
        return;
    if (n_in == 0) {
        MUST(driver->used->idx == used && answer[0] == CANARY);
        MUST(device->state.status & VIRTIO_CONFIG_S_NEEDS_RESET);
        return;
    }
    MUST(driver->used->idx == (uint16_t)(used + 1));
    MUST(driver->used->ring[used % NET_QUEUE_SIZE].len == 1);
    MUST(answer[0] == VIRTIO_NET_OK || answer[0] == VIRTIO_NET_ERR);
    MUST((answer[0] == VIRTIO_NET_OK) == may_succeed(bytes, n));
    if (answer[0] == VIRTIO_NET_OK && bytes[0] == VIRTIO_NET_CTRL_MQ)
        pairs = bytes[2];
    MUST(net_of(device)->n_active == pairs);
}

static void operate(struct input *input, uint8_t operation)
{
    uint8_t data[16], kind;
    unsigned queue;

    switch (operation) {
    case RAW: /* anything into the rings and around them */
        kind = input_8(input);
        queue = kind % FAKE_NET_QUEUES;
        input_take(input, data, sizeof(data));
        (void)guest_memory_write(&world.memory,
                                 queue * (uint64_t)STRIDE + DESCRIPTORS +
                                     (kind / 5 % 4) * (AVAILABLE - DESCRIPTORS) + input_8(input),
                                 data, sizeof(data));
        break;
    case KICK:
        kick(input_8(input) % FAKE_NET_QUEUES);
        break;
    case FRAME:
        kind = input_8(input);
        fake_net_send(kind % FAKE_NET_PAIRS, kind * 16u + 1u);
        break;
    case START:
        start(input);
        break;
    case RESET: /* with what is still to be done in the same breath */
        set_status(0);
        kick(input_8(input) % FAKE_NET_QUEUES);
        break;
    case VECTOR:
        pthread_mutex_lock(&fake_net.device->mutex);
        virtio_device_set_vector(fake_net.device, input_8(input) % FAKE_NET_QUEUES, input_8(input));
        pthread_mutex_unlock(&fake_net.device->mutex);
        break;
    default:
        command(input);
        return;
    }
    fake_net_run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    fake_net_init(&world.memory);
    fake_net.device->transport = (struct virtio_transport){
        .signal_queue = on_queue, .signal_config = on_config, .queue_eventfd = queue_eventfd};
    start(&input);
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++) {
        operate(&input, input_8(&input) % OPERATIONS);
        fake_net_check();
    }
    fake_net_done();
    return 0;
}
