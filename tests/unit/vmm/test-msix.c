/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MSI-X: when a vector is delivered, when it waits, and what KVM is told. */
#include "vmm/bus/msix.h"

#include <linux/pci_regs.h>

#include "fake-kvm.h"
#include "test.h"

enum {
    VECTORS = 4,
    ENABLE = PCI_MSIX_FLAGS_ENABLE,
    MASK_ALL = PCI_MSIX_FLAGS_MASKALL,
};

struct world {
    struct irq_router router;
    struct msix msix;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fake_kvm = (struct fake_kvm){0};
    *state = world;
    if (!world || irq_router_init(&world->router, FAKE_VM_FD) < 0)
        return -1;
    return msix_init(&world->msix, VECTORS, &world->router);
}

static int teardown(void **state)
{
    struct world *world = *state;

    fake_kvm.fail = 0;
    msix_done(&world->msix);
    irq_router_done(&world->router);
    free(world);
    return fake_kvm.n_irqfds == 0 ? 0 : -1;
}

static void put(struct world *world, uint64_t offset, uint64_t value, unsigned length)
{
    msix_table_write(&world->msix, offset, &value, length);
}

static uint64_t get(struct world *world, uint64_t offset, unsigned length)
{
    uint64_t value = UINT64_MAX;

    msix_table_read(&world->msix, offset, &value, length);
    return length == 8 ? value : value & ((UINT64_C(1) << 8 * length) - 1);
}

static uint64_t pending(struct world *world)
{
    uint64_t value;

    msix_pending_read(&world->msix, 0, &value, 8);
    return value;
}

static void set_message(struct world *world, unsigned vector, uint64_t address, uint32_t data)
{
    put(world, vector * 16, address, 8);
    put(world, vector * 16 + 8, data, 4);
}

static void mask(struct world *world, unsigned vector, bool masked)
{
    put(world, vector * 16 + 12, masked, 4);
}

static void raise(struct world *world, unsigned vector)
{
    uint64_t one = 1;

    assert_int_equal(write(msix_eventfd(&world->msix, vector), &one, sizeof(one)), 8);
}

static void test_starts_masked(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < VECTORS; i++)
        assert_int_equal(get(world, i * 16 + 12, 4), PCI_MSIX_ENTRY_CTRL_MASKBIT);
    msix_set_control(&world->msix, ENABLE);
    assert_int_equal(fake_kvm.n_irqfds, 0);
    assert_int_equal(pending(world), 0);
    assert_int_equal(msix_eventfd(&world->msix, VECTORS), -EBADF);
    assert_int_equal(msix_eventfd(&world->msix, 0xffff), -EBADF);
}

static void test_unmask(void **state)
{
    struct world *world = *state;
    int fd = msix_eventfd(&world->msix, 1);

    msix_set_control(&world->msix, ENABLE);
    set_message(world, 1, 0xfee01000, 0x31);
    assert_null(fake_message(world->msix.lines[1].gsi)); /* masked: not told yet */
    mask(world, 1, false);
    assert_true(fake_armed(fd));
    assert_int_equal(fake_kvm.n_irqfds, 1);
    const struct kvm_irq_routing_msi *message = fake_message(world->msix.lines[1].gsi);
    assert_non_null(message);
    assert_int_equal(message->address_lo, 0xfee01000);
    assert_int_equal(message->data, 0x31);

    unsigned told = fake_kvm.n_routings;
    mask(world, 1, true);
    mask(world, 1, false);
    assert_int_equal(fake_kvm.n_routings, told); /* nothing new */
    put(world, 16 + 8, 0x32, 4);                 /* a message that changes while unmasked */
    assert_int_equal(fake_message(world->msix.lines[1].gsi)->data, 0x32);
    assert_true(fake_armed(fd));
}

static void test_pending(void **state)
{
    struct world *world = *state;

    raise(world, 2);
    assert_int_equal(pending(world), 1 << 2);
    uint8_t byte;
    msix_pending_read(&world->msix, 0, &byte, 1);
    assert_int_equal(byte, 1 << 2);
    msix_pending_read(&world->msix, 1, &byte, 1);
    assert_int_equal(byte, 0);
    uint64_t beyond;
    msix_pending_read(&world->msix, 8, &beyond, 8);
    assert_true(beyond == 0);
    msix_pending_read(&world->msix, 0xff8, &beyond, 8);
    assert_true(beyond == 0);

    msix_set_control(&world->msix, ENABLE);
    mask(world, 2, false);
    assert_int_equal(pending(world), 0); /* delivered: the count is KVM's now */
}

static void test_function_mask(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < VECTORS; i++)
        mask(world, i, false);
    assert_int_equal(fake_kvm.n_irqfds, 0); /* not enabled */
    msix_set_control(&world->msix, ENABLE | MASK_ALL);
    assert_int_equal(fake_kvm.n_irqfds, 0);
    msix_set_control(&world->msix, ENABLE);
    assert_int_equal(fake_kvm.n_irqfds, VECTORS);
    mask(world, 0, true);
    assert_int_equal(fake_kvm.n_irqfds, VECTORS - 1);
    msix_set_control(&world->msix, ENABLE | MASK_ALL);
    assert_int_equal(fake_kvm.n_irqfds, 0);
    msix_set_control(&world->msix, ENABLE);
    assert_int_equal(fake_kvm.n_irqfds, VECTORS - 1);
    msix_set_control(&world->msix, 0);
    assert_int_equal(fake_kvm.n_irqfds, 0);
}

static void test_table_accesses(void **state)
{
    struct world *world = *state;

    put(world, 0, UINT64_C(0x1122334455667788), 8);
    put(world, 8, UINT64_MAX, 8);
    assert_true(get(world, 0, 8) == UINT64_C(0x1122334455667788));
    assert_true(get(world, 4, 4) == 0x11223344);
    assert_int_equal(get(world, 12, 4), PCI_MSIX_ENTRY_CTRL_MASKBIT); /* the rest is reserved */
    put(world, 0, 0, 1);
    put(world, 0, 0, 2);
    put(world, 2, 0, 4);
    put(world, 4, 0, 8);
    assert_true(get(world, 0, 8) == UINT64_C(0x1122334455667788));
    put(world, VECTORS * 16, UINT64_MAX, 8);
    put(world, VECTORS * 16 - 4, UINT64_MAX, 8);
    put(world, UINT64_MAX - 7, UINT64_MAX, 8);
    assert_int_equal(get(world, VECTORS * 16, 4), 0);
    assert_int_equal(get(world, VECTORS * 16 - 4, 8), 0);
    assert_int_equal(get(world, UINT64_MAX - 3, 4), 0);
    for (unsigned i = VECTORS; i < MSIX_VECTORS_MAX; i++)
        assert_int_equal(world->msix.table[i].data, 0);
}

/* What KVM refuses stays undelivered, and is tried again at the next chance. */
static void test_kvm_refuses(void **state)
{
    struct world *world = *state;

    msix_set_control(&world->msix, ENABLE);
    fake_kvm.fail = EINVAL;
    set_message(world, 0, 0xfee00000, 1);
    mask(world, 0, false);
    assert_int_equal(fake_kvm.n_irqfds, 0);
    raise(world, 0);
    assert_int_equal(pending(world), 1);
    fake_kvm.fail = 0;
    mask(world, 0, true);
    mask(world, 0, false);
    assert_int_equal(fake_kvm.n_irqfds, 1);
    assert_int_equal(fake_message(world->msix.lines[0].gsi)->data, 1);
}

static void test_capability(void **state)
{
    struct world *world = *state;
    struct pci_function function;

    pci_function_init(&function, 1, 2, 3, 4, 5, NULL);
    int at = msix_add_capability(&world->msix, &function, 1, 0x4000, 0x5000);
    assert_int_equal(at, 0x40);
    assert_int_equal(function.config[at], PCI_CAP_ID_MSIX);
    assert_int_equal(bus_get(function.config + at + PCI_MSIX_FLAGS, 2), VECTORS - 1);
    assert_int_equal(bus_get(function.config + at + PCI_MSIX_TABLE, 4), 0x4001);
    assert_int_equal(bus_get(function.config + at + PCI_MSIX_PBA, 4), 0x5001);
    assert_int_equal(bus_get(function.writable + at + PCI_MSIX_FLAGS, 2), ENABLE | MASK_ALL);
    assert_int_equal(bus_get(function.writable + at + PCI_MSIX_TABLE, 8), 0);
}

static void test_limits(void **state)
{
    struct world *world = *state;
    struct msix msix = {0};

    assert_int_equal(msix_init(&msix, 0, &world->router), -EINVAL);
    assert_int_equal(msix_init(&msix, MSIX_VECTORS_MAX + 1, &world->router), -EINVAL);
    msix_done(&msix);
    world->router.n_msi = IRQ_MSI_MAX - 2;
    assert_int_equal(msix_init(&msix, 3, &world->router), -ENOSPC);
    msix_done(&msix);
}

static void test_router(void **state)
{
    struct world *world = *state;

    assert_int_equal(fake_kvm.n_routes, IRQ_IOAPIC_PINS);
    for (unsigned i = 0; i < IRQ_IOAPIC_PINS; i++) {
        assert_int_equal(fake_kvm.routes[i].type, KVM_IRQ_ROUTING_IRQCHIP);
        assert_int_equal(fake_kvm.routes[i].gsi, fake_kvm.routes[i].u.irqchip.pin);
    }
    assert_int_equal(irq_router_set_msi(&world->router, 4, 0, 0), -EINVAL); /* a pin */
    assert_int_equal(irq_router_set_msi(&world->router, IRQ_IOAPIC_PINS + VECTORS, 0, 0), -EINVAL);
    assert_int_equal(irq_router_set_msi(&world->router, UINT32_MAX, 0, 0), -EINVAL);
    assert_int_equal(irq_router_set_msi(&world->router, IRQ_IOAPIC_PINS, UINT64_C(0x5fee00000), 7),
                     0);
    assert_int_equal(fake_message(IRQ_IOAPIC_PINS)->address_hi, 5);
    assert_int_equal(irq_router_set_msi(&world->router, IRQ_IOAPIC_PINS, 0, 8), 0);
    assert_int_equal(fake_kvm.n_routes, IRQ_IOAPIC_PINS + 1); /* replaced, not added */
    world->router.n_msi = IRQ_MSI_MAX;
    for (unsigned i = 0; i < IRQ_MSI_MAX; i++)
        assert_int_equal(irq_router_set_msi(&world->router, IRQ_IOAPIC_PINS + i, 0, i), 0);
    assert_int_equal(fake_kvm.n_routes, IRQ_IOAPIC_PINS + IRQ_MSI_MAX);
    assert_int_equal(irq_router_new_msi(&world->router), -ENOSPC);

    struct irq_router other;
    fake_kvm.fail = EPERM;
    assert_int_equal(irq_router_init(&other, FAKE_VM_FD), -EPERM);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_starts_masked), TEST(test_unmask),         TEST(test_pending),
        TEST(test_function_mask), TEST(test_table_accesses), TEST(test_kvm_refuses),
        TEST(test_capability),    TEST(test_limits),         TEST(test_router),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
