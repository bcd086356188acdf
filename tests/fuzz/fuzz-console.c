/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A console between a driver and clients that do anything, in any order: each byte that is typed
 * comes to the guest once and in order, none is made up, and nobody is waited for. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/console-server.h"

enum {
    OPERATIONS_MAX = 100,
    CLIENTS = 3,
    WINDOW = 0x80000, /* from DATA on: what buffers are made of */
    QUEUE_STRIDE = 0x40000,
    READY = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
            VIRTIO_CONFIG_S_DRIVER_OK,
};

static struct guest_memory memory;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_size;

static struct {
    struct virtio_device *device;
    struct console_device *console;
    struct console_server server;
    struct event_loop loop;
    struct driver queues[2];
    uint16_t used[2]; /* what was seen of the used rings */
    int clients[CLIENTS];
    uint64_t typed, received; /* bytes: that clients were rid of, that the guest has */
    bool in_order;            /* nobody typed while what another typed was under way */
} world;

static void no_queue_signal(void *context _unused_, unsigned queue _unused_)
{
}

static void no_config_signal(void *context _unused_)
{
}

static int take_fd(void *context _unused_, const char *name _unused_)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    MUST(fd >= 0);
    MUST(bind(fd, (const struct sockaddr *)&address, address_size) == 0 && listen(fd, 8) == 0);
    return fd;
}

static bool has_fd(void *context _unused_, const char *name _unused_)
{
    return true;
}

static void look_at_used(void);

static void run_loop(struct event_loop *loop)
{
    struct pollfd ready = {.fd = loop->epoll_fd, .events = POLLIN};

    for (unsigned i = 0; poll(&ready, 1, 0) > 0; i++) {
        MUST(i < 1000); /* else it turns for ever */
        MUST(event_loop_wait(loop) == 0);
        look_at_used(); /* before the ring comes round */
    }
}

/* The number of the byte, so that order shows. */
static uint8_t typed_byte(uint64_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

/* What the device gave back: input, and never more than there was room for. */
static void look_at_used(void)
{
    for (unsigned q = 0; q < 2; q++) {
        struct driver *driver = &world.queues[q];

        for (; world.used[q] != driver->used->idx; world.used[q]++) {
            const struct vring_used_elem *used =
                &driver->used->ring[world.used[q] % CONSOLE_QUEUE_SIZE];

            MUST(used->id < CONSOLE_QUEUE_SIZE);
            if (q == 0)
                world.received += used->len;
            else
                MUST(used->len == 0);
        }
    }
    MUST(world.received + world.console->port.input_length <= world.typed);
}

static void run_all(void)
{
    for (unsigned i = 0; i < 4; i++) {
        run_loop(&world.device->worker.loop);
        run_loop(&world.loop);
    }
}

static void clear_rings(void)
{
    for (unsigned q = 0; q < 2; q++) {
        memset(world.queues[q].descriptors, 0, 4096);
        memset(world.queues[q].available, 0, 4096);
        memset(world.queues[q].used, 0, 4096);
        world.used[q] = 0;
    }
}

static void bring_up(uint8_t how)
{
    struct virtio_device *device = world.device;

    virtio_device_set_status(device, 0);
    run_all();
    clear_rings();
    virtio_device_set_status(device, READY & 3);
    virtio_device_set_accepted(device, 0, (uint32_t)device->state.offered & (how & 1 ? ~0u : 1u));
    virtio_device_set_accepted(device, 1, 1);
    virtio_device_set_status(device, READY & ~VIRTIO_CONFIG_S_DRIVER_OK);
    for (unsigned q = 0; q < 2; q++) {
        struct virtqueue_state *state = &device->queues[q].state;
        uint64_t base = q * (uint64_t)QUEUE_STRIDE * 2;

        state->descriptor_area = base + DESCRIPTORS;
        state->driver_area = base + AVAILABLE;
        state->device_area = base + USED;
        if (how & (2u << q) || how & 0x80)
            virtio_device_enable_queue(device, q);
    }
    virtio_device_set_status(device, READY);
}

static void start(void)
{
    const struct device_environment environment = {
        .memory = &memory, .take_fd = take_fd, .has_fd = has_fd};

    memset(&world, 0, sizeof(world));
    world.in_order = true;
    MUST(console_create("hvc0,listen=fd:console", &environment, &world.device) == 0);
    world.console = console_device_of(world.device);
    world.device->fault_reported = true; /* one line in all is enough */
    world.device->transport = (struct virtio_transport){.signal_queue = no_queue_signal,
                                                        .signal_config = no_config_signal};
    MUST(event_loop_init(&world.loop) == 0);
    MUST(console_server_init(&world.server, world.console, &world.loop) == 0);
    for (unsigned q = 0; q < 2; q++) {
        uint64_t base = q * (uint64_t)QUEUE_STRIDE * 2;

        world.queues[q].memory = memory;
        world.queues[q].queue.state.size = CONSOLE_QUEUE_SIZE;
        world.queues[q].descriptors = guest_memory_at(&memory, base + DESCRIPTORS, 4096);
        world.queues[q].available = guest_memory_at(&memory, base + AVAILABLE, 4096);
        world.queues[q].used = guest_memory_at(&memory, base + USED, 4096);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        world.clients[i] = -EBADF;
    clear_rings();
    bring_up(0x80);
}

/* A chain of up to four buffers, most of them where they may be. */
static void offer_chain(struct input *input, unsigned queue)
{
    struct driver *driver = &world.queues[queue];
    uint8_t shape = input_8(input);
    uint16_t head = shape % CONSOLE_QUEUE_SIZE;

    for (unsigned i = 0; i <= (shape & 3); i++) {
        uint8_t kind = input_8(input);
        uint64_t at = DATA + UINT64_C(0x200000) + (uint64_t)(kind & 7) * 0x10000;
        uint32_t length = kind & 8 ? input_16(input) : kind & 0x10 ? 4000000 : kind;
        bool write = kind & 0x20 ? queue == 1 : queue == 0;
        uint16_t flags = (uint16_t)((write ? VRING_DESC_F_WRITE : 0) |
                                    (i < (shape & 3) ? VRING_DESC_F_NEXT : 0));

        if (kind & 0x80 && kind & 0x40)
            at = input_64(input) | UINT64_C(1) << 32; /* nowhere */
        driver_describe(driver, (uint16_t)((head + i) % CONSOLE_QUEUE_SIZE), at, length, flags,
                        (uint16_t)((head + i + 1) % CONSOLE_QUEUE_SIZE));
    }
    driver_offer(driver, head);
    (void)eventfd_write(world.device->kick[queue], 1);
}

static void client_acts(struct input *input, unsigned i)
{
    uint8_t message[CONSOLE_MESSAGE_MAX + 10], kind = input_8(input);
    int *client = &world.clients[i];
    size_t n = input_16(input) % sizeof(message);

    if (*client < 0) {
        *client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(*client, (const struct sockaddr *)&address, address_size) < 0) {
            MUST(errno == EAGAIN); /* as many as the socket's queue holds came and went already */
            *client = close_fd(*client);
        }
        /* What somebody else typed may be read later, or, where too many came, never. */
        if (world.typed != world.received + world.console->port.input_length)
            world.in_order = false;
        return;
    }
    switch (kind & 3) {
    case 0:
        *client = close_fd(*client);
        return;
    case 1: /* reads */
        while (read(*client, message, sizeof(message)) > 0)
            MUST(message[0] == CONSOLE_HELLO || message[0] == CONSOLE_OUTPUT ||
                 message[0] == CONSOLE_LOST || message[0] == CONSOLE_BUSY);
        return;
    case 2: /* types */
        n = n > CONSOLE_MESSAGE_MAX ? CONSOLE_MESSAGE_MAX : n < 2 ? 2 : n;
        message[0] = CONSOLE_INPUT;
        for (size_t j = 1; j < n; j++)
            message[j] = typed_byte(world.typed + j - 1);
        if (write(*client, message, n) == (ssize_t)n)
            world.typed += n - 1;
        return;
    default: /* anything but input */
        n = n % 16 + 1;
        input_take(input, message, n);
        if (message[0] != CONSOLE_INPUT)
            (void)!write(*client, message, n);
        return;
    }
}

/* What waits for the guest is what was typed, without a gap. */
static void check_order(void)
{
    const struct console_port *port = &world.console->port;

    for (unsigned i = 0; world.in_order && i < port->input_length; i++)
        MUST(port->input[(port->input_start + i) % CONSOLE_INPUT_SIZE] ==
             typed_byte(world.received + i));
}

static void finish(void)
{
    console_server_finish(&world.server);
    for (unsigned i = 0; i < CLIENTS; i++)
        world.clients[i] = close_fd(world.clients[i]);
    event_loop_done(&world.loop);
    world.device->type->destroy(world.device);
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "volt-fuzz-%d", getpid());

    address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    return guest_memory_init(&memory, UINT64_C(16) << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    start();
    for (unsigned n = 0; n < OPERATIONS_MAX && input.size > 0; n++) {
        uint8_t operation = input_8(&input), config[16];

        switch (operation & 7) {
        case 0:
        case 1:
            offer_chain(&input, operation & 1);
            break;
        case 2:
        case 3:
            client_acts(&input, 0);
            break;
        case 4:
            world.in_order = false;
            client_acts(&input, 1 + (operation >> 7));
            break;
        case 5:
            world.device->type->read_config(world.device, input_8(&input), config,
                                            operation >> 6 ? 4 : 1);
            break;
        case 6:
            bring_up(input_8(&input));
            break;
        default:
            run_all();
            check_order();
            break;
        }
    }
    run_all();
    finish();
    return 0;
}
