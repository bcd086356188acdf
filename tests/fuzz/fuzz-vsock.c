/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that does anything with the registers of a vsock device: the host's kernel, which is an
 * ioctl(2) of ours with the rules of vhost, is told nothing that lies outside of guest memory, and
 * runs just as long as the device does.
 */
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "tests/fuzz/pci-machine.h"
#include "tests/unit/vmm/driver.h"
#include "tests/unit/vmm/fake-vsock.h"
#include "vmm/devices/vsock.h"
#include "vmm/log.h"

enum {
    OPERATIONS_MAX = 300,
    QUEUES = 3,
    STRIDE = 0x80000, /* between the addresses of one queue and the next */
    ROUNDS = 20,
    BAR = PLATFORM_PCI_WINDOW,

    LOOK = 0, /* at a register of the BAR */
    CHANGE,
    CONFIG,
    COMPLAIN,
    REFUSE,
    SET_UP,
    OPERATIONS,
};

struct world {
    struct pci_machine machine;
    struct virtio_device *device;
};

static struct world world;

static int take_fd(void *context _unused_, const char *name _unused_)
{
    return FAKE_VSOCK_FD;
}

static void forget_fd(void *context _unused_, const char *name _unused_)
{
}

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    MUST(guest_memory_init(&world.machine.memory, UINT64_C(16) << 20) == 0);
    return 0;
}

static void build(void)
{
    const struct device_environment environment = {
        .memory = &world.machine.memory, .take_fd = take_fd, .forget_fd = forget_fd};

    fake_vsock_init(0);
    MUST(vsock_create("cid=4711,vhost=fd:vhost-vsock", &environment, &world.device) == 0);
    pci_machine_build(&world.machine, world.device);
    pci_machine_map(&world.machine, BAR);
}

static void take_apart(void)
{
    world.device->type->destroy(world.device);
    MUST(!fake_vsock.running);
    pci_machine_take_apart(&world.machine);
}

/* What the device's thread would do. */
static void run(void)
{
    struct pollfd p = {.fd = world.device->worker.loop.epoll_fd, .events = POLLIN};

    for (unsigned i = 0; i < ROUNDS && poll(&p, 1, 0) > 0; i++)
        (void)event_loop_wait(&world.device->worker.loop);
}

/* A driver's usual beginning, but for a byte of it now and then. */
static void set_up(struct input *input)
{
    static const uint64_t places[] = {DESCRIPTORS, AVAILABLE, USED};
    uint64_t features = world.device->state.offered & (input_64(input) | UINT64_C(1) << 32);
    uint32_t words[] = {1, (uint32_t)(features >> 32), 0, (uint32_t)features};
    uint8_t without = input_8(input), odd = input_8(input);

    bus_write(&world.machine.mmio, BAR + 20, &(uint8_t){0}, 1);
    run();
    bus_write(&world.machine.mmio, BAR + 20, &(uint8_t){3}, 1);
    for (unsigned i = 0; i < 4; i++)
        bus_write(&world.machine.mmio, BAR + 8 + i % 2 * 4, &words[i], 4);
    bus_write(&world.machine.mmio, BAR + 20, &(uint8_t){11}, 1);
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        if (without >= 0xc0 && (without >> queue & 1))
            continue;
        bus_write(&world.machine.mmio, BAR + 22, &queue, 2);
        bus_write(&world.machine.mmio, BAR + 26, &queue, 2);
        if (odd >= 0xe0)
            bus_write(&world.machine.mmio, BAR + 24, &(uint16_t){input_16(input)}, 2);
        for (unsigned i = 0; i < 3; i++)
            bus_write(&world.machine.mmio, BAR + 32 + 8 * i,
                      &(uint64_t){odd >= 0xc0 && odd % 9 == queue * 3 + i
                                      ? input_64(input)
                                      : places[i] + queue * (uint64_t)STRIDE},
                      8);
        bus_write(&world.machine.mmio, BAR + 28, &(uint16_t){1}, 2);
    }
    bus_write(&world.machine.mmio, BAR + 20, &(uint8_t){15}, 1);
}

static void operate(struct input *input, uint8_t operation)
{
    static const unsigned long requests[] = {
        0,
        0,
        VHOST_SET_FEATURES,
        VHOST_SET_VRING_NUM,
        VHOST_SET_VRING_ADDR,
        VHOST_SET_VRING_CALL,
        VHOST_SET_VRING_KICK,
        VHOST_VSOCK_SET_RUNNING,
    };
    uint64_t address;

    switch (operation) {
    case LOOK:
    case CHANGE:
        pci_machine_access(&world.machine, operation == LOOK ? READ_BAR : WRITE_BAR, input);
        break;
    case CONFIG:
        address = input_8(input);
        bus_write(&world.machine.mmio, PCI_MACHINE_CONFIG + 4, &(uint16_t){address & 6}, 2);
        bus_write(&world.machine.mmio, PCI_MACHINE_CONFIG + 4, &(uint16_t){6}, 2);
        break;
    case COMPLAIN: /* of a broken ring; the descriptor is the device's, running or not */
        if (fake_vsock.queues[0].error >= 0)
            (void)eventfd_write(fake_vsock.queues[0].error, 1);
        break;
    case REFUSE: /* a kernel that is short of memory */
        fake_vsock.fail = requests[input_8(input) % ELEMENTSOF(requests)];
        fake_vsock.base_step = input_16(input);
        break;
    default:
        set_up(input);
        break;
    }
}

static void check(void)
{
    const struct virtio_device *device = world.device;
    uint64_t cid = 0;

    MUST(device->running == fake_vsock.running);
    MUST(!device->running || (device->state.status & VIRTIO_CONFIG_S_DRIVER_OK));
    MUST(!(fake_vsock.features & ~device->state.offered));
    for (unsigned i = 0; i < 2; i++)
        MUST(!device->running || fake_vsock.queues[i].kick == device->kick[i]);
    world.device->type->read_config(world.device, 0, &cid, sizeof(cid));
    MUST(cid == 4711);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    build();
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++) {
        operate(&input, input_8(&input) % OPERATIONS);
        run();
        check();
    }
    fake_vsock.fail = 0;
    take_apart();
    return 0;
}
