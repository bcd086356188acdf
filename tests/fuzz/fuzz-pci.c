/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that does anything with the PCI bus and a network card on it: configuration space by ECAM
 * and by ports, the BAR, the rings. KVM is an ioctl(2) of ours, the TAP interface a socket.
 */
#include "tests/fuzz/fake-net.h"
#include "tests/fuzz/pci-machine.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/devices/net.h"
#include "vmm/log.h"

enum {
    OPERATIONS_MAX = 300,
    STRIDE = 0x80000, /* between the addresses of one queue and the next */
    POKE = PCI_ACCESSES,
    FRAME,
    SET_UP,
    OPERATIONS,
};

static struct pci_machine world;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
    log_setup((enum log_level)0); /* silence */
    MUST(guest_memory_init(&world.memory, UINT64_C(16) << 20) == 0);
    return 0;
}

static void build(void)
{
    fake_net_init(&world.memory);
    pci_machine_build(&world, fake_net.device);
}

static void take_apart(void)
{
    fake_net_done();
    pci_machine_take_apart(&world);
}

/* A driver's usual beginning, from where fuzzing gets further: rings, and the device ready. */
static void set_up(struct input *input)
{
    static const uint64_t places[] = {DESCRIPTORS, AVAILABLE, USED};
    uint64_t common = world.pci.function.bar_address[0];
    /* A subset of what is offered, but a device that is not modern runs nothing. */
    uint64_t features = fake_net.device->state.offered & (input_64(input) | UINT64_C(1) << 32);
    uint32_t words[] = {1, (uint32_t)(features >> 32), 0, (uint32_t)features};
    uint8_t without = input_8(input); /* queues that are left out, now and then */

    if (!common) {
        pci_machine_map(&world, 0xc0000000);
        common = world.pci.function.bar_address[0];
    }
    bus_write(&world.mmio, common + 20, &(uint8_t){0}, 1);
    fake_net_run();
    bus_write(&world.mmio, common + 20, &(uint8_t){3}, 1);
    for (unsigned i = 0; i < 4; i++)
        bus_write(&world.mmio, common + 8 + i % 2 * 4, &words[i], 4);
    bus_write(&world.mmio, common + 20, &(uint8_t){11}, 1);
    for (uint16_t queue = 0; queue < FAKE_NET_QUEUES; queue++) {
        if (without >= 0xe0 && (without >> queue & 1))
            continue;
        bus_write(&world.mmio, common + 22, &queue, 2);
        for (unsigned i = 0; i < 3; i++)
            bus_write(&world.mmio, common + 32 + 8 * i,
                      &(uint64_t){places[i] + queue * (uint64_t)STRIDE}, 8);
        bus_write(&world.mmio, common + 28, &(uint16_t){1}, 2);
    }
    bus_write(&world.mmio, common + 20, &(uint8_t){15}, 1);
}

/* Into the rings and what they point to, or anywhere. */
static void poke(struct input *input)
{
    static const uint64_t places[] = {DESCRIPTORS, AVAILABLE, USED, TABLE, DATA};
    uint8_t kind = input_8(input), data[16];
    uint8_t queue = kind / 5 % FAKE_NET_QUEUES;
    uint64_t address =
        places[kind % ELEMENTSOF(places)] + queue * (uint64_t)STRIDE + input_8(input);

    input_take(input, data, sizeof(data));
    (void)guest_memory_write(&world.memory, kind >= 0xe0 ? input_32(input) : address, data,
                             sizeof(data));
}

static void operate(struct input *input, uint8_t operation)
{
    uint8_t how;

    switch (operation) {
    case POKE:
        poke(input);
        break;
    case FRAME:
        how = input_8(input);
        fake_net_send(how % FAKE_NET_PAIRS, how & 0x80 ? input_16(input) + 1u : how + 1u);
        break;
    case SET_UP:
        set_up(input);
        break;
    default:
        pci_machine_access(&world, operation, input);
        break;
    }
}

static void check(void)
{
    const struct pci_function *function = &world.pci.function;

    MUST(bus_get(function->config, 4) == 0x10411af4);
    MUST(function->bar_address[0] == 0 || (function->bar_address[0] >= PLATFORM_PCI_WINDOW &&
                                           function->bar_address[0] + VIRTIO_PCI_BAR_SIZE <=
                                               PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE));
    MUST(fake_kvm.n_ioeventfds == (function->bar_address[0] ? FAKE_NET_QUEUES : 0));
    MUST(fake_kvm.n_irqfds <= FAKE_NET_QUEUES + 1);
    fake_net_check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    build();
    for (unsigned i = 0; i < FAKE_NET_QUEUES; i++) {
        memset(guest_memory_at(&world.memory, DESCRIPTORS + i * (uint64_t)STRIDE, 4096), 0, 4096);
        memset(guest_memory_at(&world.memory, AVAILABLE + i * (uint64_t)STRIDE, 4096), 0, 4096);
        memset(guest_memory_at(&world.memory, USED + i * (uint64_t)STRIDE, 4096), 0, 4096);
    }
    for (unsigned i = 0; i < OPERATIONS_MAX && input.size > 0; i++) {
        operate(&input, input_8(&input) % OPERATIONS);
        fake_net_run();
        check();
    }
    take_apart();
    return 0;
}
