/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio over PCI as a driver finds it: by ECAM, capabilities and BAR, on a bus with a fake KVM. */
#include "vmm/virtio/virtio-pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <poll.h>

#include "fake-kvm.h"
#include "test.h"
#include "virtio-test-device.h"
#include "vmm/bus/platform.h"
#include "vmm/kvm/vm.h"

#define ECAM PLATFORM_ECAM + (1 << 15)
#define BAR  PLATFORM_PCI_WINDOW

struct world {
    struct test_device *test;
    struct vm vm;
    struct irq_router router;
    struct virtio_pci pci;
    struct pci_host host;
    struct bus mmio;
};

static uint64_t get(struct world *world, uint64_t address, unsigned length)
{
    uint64_t value = 0;

    bus_read(&world->mmio, address, &value, length);
    return value;
}

static void put(struct world *world, uint64_t address, uint64_t value, unsigned length)
{
    bus_write(&world->mmio, address, &value, length);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fake_kvm = (struct fake_kvm){0};
    *state = world;
    if (!world || !(world->test = test_device_new()))
        return -1;
    world->vm.fd = FAKE_VM_FD;
    world->vm.any_length_ioeventfd = true;
    pci_host_init(&world->host);
    if (irq_router_init(&world->router, FAKE_VM_FD) < 0 ||
        virtio_pci_init(&world->pci, &world->test->device, &world->vm, &world->router) < 0 ||
        pci_host_add(&world->host, &world->pci.function) != 1 ||
        pci_host_attach(&world->host, &world->mmio) < 0)
        return -1;
    put(world, ECAM + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    test_device_free(world->test);
    virtio_pci_done(&world->pci);
    irq_router_done(&world->router);
    pci_host_done(&world->host);
    free(world);
    return 0;
}

/* The offset of the vendor capability of TYPE in configuration space; 0: there is none. */
static unsigned find_capability(struct world *world, unsigned id, unsigned type)
{
    unsigned at = (unsigned)get(world, ECAM + PCI_CAPABILITY_LIST, 1);

    for (unsigned i = 0; at != 0 && i < 48; i++, at = (unsigned)get(world, ECAM + at + 1, 1))
        if (get(world, ECAM + at, 1) == id &&
            (id != PCI_CAP_ID_VNDR || get(world, ECAM + at + 3, 1) == type))
            return at;
    return 0;
}

static void test_capabilities(void **state)
{
    static const struct {
        unsigned type, length;
        uint32_t offset, size;
    } parts[] = {
        {VIRTIO_PCI_CAP_COMMON_CFG, 16, VIRTIO_PCI_PART_COMMON, 56},
        {VIRTIO_PCI_CAP_ISR_CFG, 16, VIRTIO_PCI_PART_ISR, 1},
        {VIRTIO_PCI_CAP_DEVICE_CFG, 16, VIRTIO_PCI_PART_DEVICE, VIRTIO_CONFIG_MAX},
        {VIRTIO_PCI_CAP_NOTIFY_CFG, 20, VIRTIO_PCI_PART_NOTIFY, 4 * VIRTIO_QUEUES_MAX},
        {VIRTIO_PCI_CAP_PCI_CFG, 20, 0, 0},
    };
    struct world *world = *state;

    assert_int_equal(get(world, ECAM + PCI_DEVICE_ID, 2), 0x1041);
    assert_true(get(world, ECAM + PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
    for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
        unsigned at = find_capability(world, PCI_CAP_ID_VNDR, parts[i].type);

        assert_int_not_equal(at, 0);
        assert_int_equal(get(world, ECAM + at + 2, 1), parts[i].length);
        assert_int_equal(get(world, ECAM + at + 4, 1), VIRTIO_PCI_BAR);
        assert_int_equal(get(world, ECAM + at + 8, 4), parts[i].offset);
        assert_int_equal(get(world, ECAM + at + 12, 4), parts[i].size);
    }
    unsigned notify = find_capability(world, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_NOTIFY_CFG);
    assert_int_equal(get(world, ECAM + notify + 16, 4), VIRTIO_PCI_NOTIFY_MULTIPLIER);
    unsigned msix = find_capability(world, PCI_CAP_ID_MSIX, 0);
    assert_int_not_equal(msix, 0);
    assert_int_equal(get(world, ECAM + msix + PCI_MSIX_FLAGS, 2), TEST_DEVICE_QUEUES);
}

/* The window capability reaches what the BAR has, and nothing else. */
static void test_window(void **state)
{
    struct world *world = *state;
    uint64_t window = ECAM + find_capability(world, PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG);

    put(world, window + 4, 0, 1);
    put(world, window + 8, VIRTIO_PCI_PART_DEVICE + 6, 4);
    put(world, window + 12, 2, 4);
    assert_int_equal(get(world, window + 16, 2), 0x4746);
    put(world, window + 8, VIRTIO_PCI_PART_COMMON + VIRTIO_PCI_COMMON_STATUS, 4);
    put(world, window + 12, 1, 4);
    put(world, window + 16, VIRTIO_CONFIG_S_ACKNOWLEDGE, 1);
    assert_int_equal(test_device_status(world->test), VIRTIO_CONFIG_S_ACKNOWLEDGE);
    assert_int_equal(get(world, window + 16, 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
    put(world, window + 8, VIRTIO_PCI_PART_NOTIFY, 4);
    put(world, window + 12, 2, 4);
    put(world, window + 16, 0, 2);
    assert_int_equal(eventfd_count(world->test->device.kick[0]), 1);

    static const struct {
        uint32_t bar, offset, length;
    } bad[] = {
        {1, VIRTIO_PCI_PART_NOTIFY, 4},
        {255, VIRTIO_PCI_PART_NOTIFY, 4},
        {0, VIRTIO_PCI_PART_NOTIFY, 0},
        {0, VIRTIO_PCI_PART_NOTIFY, 3},
        {0, VIRTIO_PCI_PART_NOTIFY, 8},
        {0, VIRTIO_PCI_PART_NOTIFY + 2, 4},
        {0, VIRTIO_PCI_BAR_SIZE, 4},
        {0, VIRTIO_PCI_BAR_SIZE, 1},
        {0, UINT32_MAX, 1},
        {0, UINT32_MAX - 3, 4},
        {0, VIRTIO_PCI_PART_NOTIFY, UINT32_MAX},
    };
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        put(world, window + 4, bad[i].bar, 1);
        put(world, window + 8, bad[i].offset, 4);
        put(world, window + 12, bad[i].length, 4);
        put(world, window + 16, 0x01010101, 4);
        (void)get(world, window + 16, 4);
        assert_int_equal(eventfd_count(world->test->device.kick[0]), 0);
        assert_int_equal(eventfd_count(world->test->device.kick[1]), 0);
    }
    /* The fixed parts of the capability stay. */
    assert_int_equal(get(world, window, 1), PCI_CAP_ID_VNDR);
    put(world, window, 0, 4);
    assert_int_equal(get(world, window, 1), PCI_CAP_ID_VNDR);
    assert_int_equal(get(world, window + 3, 1), VIRTIO_PCI_CAP_PCI_CFG);
}

static void test_device_config(void **state)
{
    struct world *world = *state;

    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_DEVICE, 4), 0x43424140);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_DEVICE + 5, 1), 0x45);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_DEVICE + VIRTIO_CONFIG_MAX - 2, 4), 0);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_DEVICE + 0xff8, 8), 0);
    put(world, BAR + VIRTIO_PCI_PART_DEVICE, UINT64_MAX, 8);
    assert_int_equal(world->test->written_length, 8);
    put(world, BAR + VIRTIO_PCI_PART_DEVICE + 4, 0x12345678, 4);
    assert_int_equal(world->test->written, 0x12345678);
    assert_int_equal(world->test->written_offset, 4);
    assert_int_equal(world->test->written_length, 4);
    put(world, BAR + VIRTIO_PCI_PART_DEVICE + VIRTIO_CONFIG_MAX - 2, 1, 4);
    put(world, BAR + VIRTIO_PCI_PART_DEVICE + 0xff8, 1, 8);
    assert_int_equal(world->test->writes, 2);
}

static void test_ioeventfds(void **state)
{
    struct world *world = *state;

    assert_int_equal(fake_kvm.n_ioeventfds, TEST_DEVICE_QUEUES);
    assert_true(fake_kvm.ioeventfds[0].address == BAR + VIRTIO_PCI_PART_NOTIFY);
    assert_int_equal(fake_kvm.ioeventfds[0].eventfd, world->test->device.kick[0]);
    assert_int_equal(fake_kvm.ioeventfds[0].length, 0);

    put(world, ECAM + PCI_BASE_ADDRESS_0, BAR + 0x100000, 4);
    assert_int_equal(fake_kvm.n_ioeventfds, TEST_DEVICE_QUEUES);
    for (unsigned i = 0; i < TEST_DEVICE_QUEUES; i++)
        assert_true(fake_kvm.ioeventfds[i].address >= BAR + 0x100000 + VIRTIO_PCI_PART_NOTIFY);
    put(world, ECAM + PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
    assert_int_equal(fake_kvm.n_ioeventfds, 0);
    put(world, ECAM + PCI_BASE_ADDRESS_0, BAR, 4);
    assert_int_equal(fake_kvm.n_ioeventfds, TEST_DEVICE_QUEUES);
    put(world, ECAM + PCI_COMMAND, 0, 2);
    assert_int_equal(fake_kvm.n_ioeventfds, 0);

    fake_kvm.fail = ENOSPC; /* then the notification comes the long way */
    put(world, ECAM + PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    put(world, BAR + VIRTIO_PCI_PART_NOTIFY + VIRTIO_PCI_NOTIFY_MULTIPLIER, 1, 2);
    assert_int_equal(eventfd_count(world->test->device.kick[1]), 1);
    put(world, BAR + VIRTIO_PCI_PART_NOTIFY + 4 * TEST_DEVICE_QUEUES, 1, 2);
    put(world, BAR + VIRTIO_PCI_PART_NOTIFY + 0xffc, 1, 4);
    for (unsigned i = 0; i < TEST_DEVICE_QUEUES; i++)
        assert_int_equal(eventfd_count(world->test->device.kick[i]), 0);
}

static void test_interrupts(void **state)
{
    struct world *world = *state;
    const struct virtio_transport *transport = &world->test->device.transport;
    int fd = msix_eventfd(&world->pci.msix, 2), config = msix_eventfd(&world->pci.msix, 0);

    transport->signal_queue(transport->context, 1); /* no vector: only the ISR */
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_ISR, 1), 1);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_ISR, 1), 0); /* reading clears */
    put(world, BAR + VIRTIO_PCI_PART_COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
    put(world, BAR + VIRTIO_PCI_PART_COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
    put(world, BAR + VIRTIO_PCI_PART_COMMON + VIRTIO_PCI_COMMON_MSIX, 0, 2);
    transport->signal_queue(transport->context, 1);
    transport->signal_config(transport->context);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_MSIX_PENDING, 8), 1 << 2 | 1 << 0);
    assert_int_equal(get(world, BAR + VIRTIO_PCI_PART_ISR, 4), 3);
    assert_int_equal(eventfd_count(fd), 1);
    assert_int_equal(eventfd_count(config), 1);

    uint64_t control = ECAM + find_capability(world, PCI_CAP_ID_MSIX, 0) + PCI_MSIX_FLAGS;
    put(world, control, PCI_MSIX_FLAGS_ENABLE, 2);
    put(world, BAR + VIRTIO_PCI_PART_MSIX_TABLE + 2 * 16, 0xfee00000, 8);
    put(world, BAR + VIRTIO_PCI_PART_MSIX_TABLE + 2 * 16 + 8, 0x41, 8);
    assert_true(fake_armed(fd));
    put(world, control + 1, (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8, 1);
    assert_false(fake_armed(fd));
    assert_int_equal(get(world, control, 2) & PCI_MSIX_FLAGS_QSIZE, TEST_DEVICE_QUEUES);
}

/* Every byte of the BAR, in every width, with every vCPU's imagination. */
static void test_every_register(void **state)
{
    struct world *world = *state;

    assert_int_equal(test_device_run(world->test), 0);
    for (uint32_t offset = 0; offset < VIRTIO_PCI_BAR_SIZE; offset++) {
        for (unsigned length = 1; length <= 8; length *= 2) {
            (void)get(world, BAR + offset, length);
            put(world, BAR + offset, UINT64_C(0x8000ffff0001ff0f) >> offset % 7, length);
        }
    }
    put(world, BAR + VIRTIO_PCI_COMMON_STATUS, 0, 1);
    assert_true(test_device_wait(world->test, 0));
    test_device_prepare(world->test);
    test_device_set_status(world->test, TEST_STATUS_READY);
    assert_true(test_device_wait(world->test, TEST_STATUS_READY));
}

static void test_half_built(void **state _unused_)
{
    struct virtio_pci pci = {0};

    virtio_pci_done(&pci);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_capabilities),
        TEST(test_window),
        TEST(test_device_config),
        TEST(test_ioeventfds),
        TEST(test_interrupts),
        TEST(test_every_register),
        cmocka_unit_test(test_half_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
