/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that does anything with one device by way of the machine's own registers: configuration
 * space by ECAM and by ports, the BAR wherever it moves it, MSI-X, and rings in its memory. Built
 * once for each device; KVM is an ioctl(2) of ours. The device comes to rest after whatever it is
 * given, and is where it was after a reset.
 */
#include <poll.h>
#include <sys/mman.h>

#include "tests/fuzz/pci-machine.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/devices/balloon.h"
#include "vmm/devices/console-device.h"
#include "vmm/devices/disk.h"
#include "vmm/devices/rng.h"
#include "vmm/log.h"

enum {
    OPERATIONS_MAX = 200,
    QUEUES = 5,        /* that any of the devices has, at most */
    STRIDE = 0x200000, /* between the addresses of one queue and the next */
    HEADS = 8,         /* that an input uses */
    ROUNDS_MAX = 2000, /* of the device's loop, before it is at rest: rings have an end */
    IMAGE_SIZE = 64 * 1024,

    POKE = PCI_ACCESSES,
    CHAIN,
    CHAIN_AGAIN, /* the most fruitful comes twice as often */
    SET_UP,
    HOST,
    OPERATIONS,
};

struct world {
    struct pci_machine machine;
    struct virtio_device *device;
    int image;
};

static struct world world = {.image = -EBADF};

/* The rng's rate is not waited for: a second passes at each look. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock _unused_, struct timespec *ret)
{
    static time_t seconds;

    *ret = (struct timespec){.tv_sec = ++seconds};
    return 0;
}

static int take_fd(void *context _unused_, const char *name _unused_)
{
    return dup(world.image);
}

static bool has_fd(void *context _unused_, const char *name _unused_)
{
    return false;
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    MUST(guest_memory_init(&world.machine.memory, UINT64_C(16) << 20) == 0);
    world.image = memfd_create("image", MFD_CLOEXEC);
    return ftruncate(world.image, IMAGE_SIZE);
}

static int create(const struct device_environment *environment)
{
    static const struct {
        const char *name, *argument;
        int (*create)(const char *, const struct device_environment *, struct virtio_device **);
    } devices[] = {
        {"disk", "root,file=fd:disk,engine=sync", disk_create},
        {"console", "hvc0,listen=fd:console", console_create},
        {"balloon", "b,size=4,statistics=1", balloon_create},
        {"rng", "rng", rng_create},
    };

    for (size_t i = 0; i < ELEMENTSOF(devices); i++)
        if (strcmp(devices[i].name, DEVICE) == 0)
            return devices[i].create(devices[i].argument, environment, &world.device);
    return -ENOENT;
}

static void build(void)
{
    const struct device_environment environment = {
        .memory = &world.machine.memory, .take_fd = take_fd, .has_fd = has_fd};

    fake_kvm = (struct fake_kvm){0};
    MUST(create(&environment) == 0);
    pci_machine_build(&world.machine, world.device);
    for (unsigned i = 0; i < QUEUES; i++)
        memset(guest_memory_at(&world.machine.memory, DESCRIPTORS + i * (uint64_t)STRIDE, 0x40000),
               0, 0x30000);
}

/* What the device's threads would do, until there is nothing left to do. */
static void run(void)
{
    struct pollfd p = {.fd = world.device->worker.loop.epoll_fd, .events = POLLIN};
    unsigned rounds = 0;

    for (; poll(&p, 1, 0) > 0; rounds++) {
        MUST(rounds < ROUNDS_MAX);
        (void)event_loop_wait(&world.device->worker.loop);
    }
}

static void take_apart(void)
{
    world.device->type->destroy(world.device);
    pci_machine_take_apart(&world.machine);
}

static void write_common(uint64_t at, uint64_t value, unsigned length)
{
    bus_write(&world.machine.mmio, pci_machine_bar(&world.machine) + at, &value, length);
}

/* A driver's usual beginning, but for a byte of it now and then. */
static void set_up(struct input *input)
{
    static const uint64_t places[] = {DESCRIPTORS, AVAILABLE, USED};
    uint64_t features = world.device->state.offered & (input_64(input) | UINT64_C(1) << 32);
    uint8_t without = input_8(input), odd = input_8(input);

    pci_machine_map(&world.machine, 0xc0000000);
    write_common(20, 0, 1);
    run();
    MUST(!world.device->running && world.device->state.status == 0);
    write_common(20, 3, 1);
    for (uint32_t half = 0; half < 2; half++) {
        write_common(8, half, 4);
        write_common(12, features >> 32 * half, 4);
    }
    write_common(20, 11, 1);
    for (uint16_t queue = 0; queue < world.device->n_queues; queue++) {
        uint8_t *rings =
            guest_memory_at(&world.machine.memory, queue * (uint64_t)STRIDE + AVAILABLE, 4);

        memset(rings, 0, 4);
        if (without >= 0xe0 && (without >> queue & 1))
            continue;
        write_common(22, queue, 2);
        write_common(26, queue, 2);
        if (odd >= 0x80)
            write_common(24, input_16(input), 2);
        for (unsigned i = 0; i < 3; i++)
            write_common(32 + 8 * i,
                         odd >= 0xc0 && odd % 15 == queue * 3 + i
                             ? input_64(input)
                             : places[i] + queue * (uint64_t)STRIDE,
                         8);
        write_common(28, 1, 2);
    }
    write_common(20, 15, 1);
}

/* What requests of the devices begin with: disk headers, lists of pages. */
static void write_data(uint64_t base, struct input *input)
{
    uint8_t data[48];
    uint8_t kind = input_8(input);

    input_take(input, data, kind % sizeof(data));
    memset(data + kind % sizeof(data), 0, sizeof(data) - kind % sizeof(data));
    if (kind & 0x80) /* a disk's: some type, and a sector that is there */
        memset(data + 4, 0, 11);
    (void)guest_memory_write(&world.machine.memory, base + DATA, data, sizeof(data));
}

/* A chain of up to HEADS buffers, direct or in a table, and a notification by the register. */
static void offer(struct input *input)
{
    uint8_t shape = input_8(input), n = shape % HEADS;
    unsigned queue = input_8(input) % world.device->n_queues;
    uint64_t base = queue * (uint64_t)STRIDE, table = shape & 0x40 ? TABLE : DESCRIPTORS;
    uint16_t size = world.device->queues[queue].state.size, index, flags;

    write_data(base, input);
    for (uint16_t i = 0; i <= n; i++) {
        uint8_t kind = input_8(input);
        struct vring_desc descriptor = {
            .addr = i == 0 && !(kind & 4) ? base + DATA : base + DATA + input_8(input) * 64u,
            .len = kind & 8 ? input_16(input)
                   : i == 0 ? 16
                            : 1 + kind,
            .flags = (uint16_t)((kind & 1 ? VRING_DESC_F_WRITE : 0) |
                                (i < n ? VRING_DESC_F_NEXT : kind >> 5 & 1)),
            .next = kind & 16 ? input_8(input) : (uint16_t)(i + 1),
        };

        if (kind >= 0xf0)
            descriptor.addr = input_64(input);
        if (kind >= 0xe8)
            descriptor.flags = input_8(input);
        (void)guest_memory_write(&world.machine.memory, base + table + i * 16u, &descriptor, 16);
    }
    if (shape & 0x40) {
        struct vring_desc descriptor = {
            .addr = base + TABLE, .len = (n + 1u) * 16, .flags = VRING_DESC_F_INDIRECT};

        (void)guest_memory_write(&world.machine.memory, base + DESCRIPTORS, &descriptor, 16);
    }
    (void)guest_memory_read(&world.machine.memory, base + AVAILABLE + 2, &index, 2);
    flags = shape & 0x80 ? input_8(input) : 0; /* the head, and that is what it is */
    (void)guest_memory_write(&world.machine.memory,
                             base + AVAILABLE + 4 + (size ? index % size : 0) * 2u, &flags, 2);
    index++;
    (void)guest_memory_write(&world.machine.memory, base + AVAILABLE + 2, &index, 2);
    bus_write(&world.machine.mmio,
              pci_machine_bar(&world.machine) + VIRTIO_PCI_PART_NOTIFY +
                  queue * VIRTIO_PCI_NOTIFY_MULTIPLIER,
              &(uint16_t){(uint16_t)queue}, 2);
}

/* Into the rings and what they point to, or anywhere. */
static void poke(struct input *input)
{
    static const uint64_t places[] = {DESCRIPTORS, AVAILABLE, USED, TABLE, DATA};
    uint8_t kind = input_8(input), data[16];
    uint64_t address =
        places[kind % ELEMENTSOF(places)] + kind / 5 % QUEUES * (uint64_t)STRIDE + input_8(input);

    input_take(input, data, sizeof(data));
    (void)guest_memory_write(&world.machine.memory, kind >= 0xe0 ? input_32(input) : address, data,
                             sizeof(data));
}

/* What comes from the host's side: typed bytes, another size. */
static void host_acts(struct input *input)
{
    struct console_device *console = console_device_of(world.device);
    char reply[2048] = "";
    uint8_t bytes[64], n = input_8(input) % sizeof(bytes);

    input_take(input, bytes, n);
    if (console && console_port_has_room(&console->port, n))
        console_port_offer(&console->port, bytes, n);
    if (console)
        console_device_resize(console, bytes[0], n);
    if (strcmp(DEVICE, "balloon") == 0)
        (void)world.device->type->reconfigure(world.device, n & 1 ? "b,size=2" : "b,size=8", reply,
                                              sizeof(reply));
}

static void operate(struct input *input, uint8_t operation)
{
    switch (operation) {
    case POKE:
        poke(input);
        break;
    case CHAIN:
    case CHAIN_AGAIN:
        offer(input);
        break;
    case HOST:
        host_acts(input);
        break;
    case SET_UP:
        set_up(input);
        break;
    default:
        pci_machine_access(&world.machine, operation, input);
        break;
    }
}

static void check(void)
{
    const struct pci_function *function = &world.machine.pci.function;
    const struct virtio_device *device = world.device;
    uint64_t bar = function->bar_address[0];

    MUST(bus_get(function->config, 2) == 0x1af4);
    MUST(bus_get(function->config + 2, 2) == 0x1040u + device->type->id);
    MUST(bar == 0 || (bar >= PLATFORM_PCI_WINDOW &&
                      bar + VIRTIO_PCI_BAR_SIZE <= PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE));
    MUST(fake_kvm.n_ioeventfds == (bar ? device->n_queues : 0));
    MUST(fake_kvm.n_irqfds <= device->n_queues + 1);
    MUST(!device->running || (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK));
    MUST(!(device->state.accepted & ~device->state.offered) ||
         !(device->state.status & VIRTIO_CONFIG_S_FEATURES_OK));
    for (unsigned i = 0; device->running && i < device->n_queues; i++) {
        const struct virtqueue_state *state = &device->queues[i].state;

        /* No more was given back than was taken, and no more is kept than there is. */
        MUST((uint16_t)(state->last_available - state->next_used) <= state->size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct input good = {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff", 8};

    build();
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++) {
        operate(&input, input_8(&input) % OPERATIONS);
        run();
        check();
    }
    set_up(&good); /* all is well again after a reset */
    run();
    MUST(world.device->running);
    take_apart();
    return 0;
}
