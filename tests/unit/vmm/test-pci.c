/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration space by ECAM, and the window in which BARs answer. */
#include "vmm/bus/pci.h"

#include <linux/pci_regs.h>

#include "test.h"
#include "vmm/bus/platform.h"

enum { BAR_SIZE = 0x8000 };

struct card {
    struct pci_function function;
    unsigned mapped, reads, writes;
    uint64_t address, offset;
};

struct world {
    struct bus mmio;
    struct pci_host host;
    struct card cards[2];
};

static void card_read(struct pci_function *function, unsigned bar, uint64_t offset, void *ret_data,
                      unsigned length)
{
    struct card *card = container_of(function, struct card, function);

    card->reads++;
    card->offset = offset;
    bus_put(ret_data, length, bar);
}

static void card_write(struct pci_function *function, unsigned bar _unused_, uint64_t offset,
                       const void *data _unused_, unsigned length _unused_)
{
    struct card *card = container_of(function, struct card, function);

    card->writes++;
    card->offset = offset;
}

static void card_mapped(struct pci_function *function, unsigned bar _unused_, uint64_t address)
{
    struct card *card = container_of(function, struct card, function);

    card->mapped++;
    card->address = address;
}

static int setup(void **state)
{
    static const struct pci_ops ops = {
        .bar_read = card_read, .bar_write = card_write, .bar_mapped = card_mapped};
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    *state = world;
    pci_host_init(&world->host);
    for (unsigned i = 0; i < 2; i++) {
        struct pci_function *function = &world->cards[i].function;

        pci_function_init(function, 0x1af4, 0x1041, 0x1041, 0x020000, 1, &ops);
        pci_function_set_bar(function, 0, BAR_SIZE);
        if (pci_host_add(&world->host, function) != (int)i + 1)
            return -1;
    }
    return pci_host_attach(&world->host, &world->mmio);
}

static int teardown(void **state)
{
    struct world *world = *state;

    pci_host_done(&world->host);
    free(world);
    return 0;
}

static uint64_t ecam(unsigned slot, unsigned function, unsigned offset)
{
    return PLATFORM_ECAM + (slot << 15) + (function << 12) + offset;
}

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

static void enable(struct world *world, unsigned slot, bool on)
{
    put(world, ecam(slot, 0, PCI_COMMAND), on ? PCI_COMMAND_MEMORY : 0, 2);
}

static void test_identity(void **state)
{
    struct world *world = *state;

    assert_int_equal(get(world, ecam(0, 0, PCI_VENDOR_ID), 4), 0x00081b36);
    assert_int_equal(get(world, ecam(0, 0, PCI_CLASS_REVISION), 4), 0x06000000);
    assert_int_equal(get(world, ecam(1, 0, PCI_VENDOR_ID), 4), 0x10411af4);
    assert_int_equal(get(world, ecam(1, 0, PCI_CLASS_REVISION), 4), 0x02000001);
    assert_int_equal(get(world, ecam(1, 0, PCI_SUBSYSTEM_VENDOR_ID), 4), 0x10411af4);
    assert_int_equal(get(world, ecam(1, 0, PCI_HEADER_TYPE), 1), 0);
    assert_int_equal(get(world, ecam(1, 0, PCI_INTERRUPT_PIN), 1), 0);
}

static void test_absent(void **state)
{
    struct world *world = *state;

    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        for (unsigned function = 0; function < 8; function++) {
            if (slot <= 2 && function == 0)
                continue;
            assert_true(get(world, ecam(slot, function, 0), 4) == 0xffffffff);
            put(world, ecam(slot, function, PCI_COMMAND), 0xffff, 2);
        }
    }
    assert_true(get(world, ecam(3, 0, 0xffe), 8) == UINT64_MAX); /* over the slot's end */
}

static void test_extended_space(void **state)
{
    struct world *world = *state;

    assert_int_equal(get(world, ecam(1, 0, 0x100), 4), 0); /* no extended capability */
    assert_int_equal(get(world, ecam(1, 0, 0xffc), 4), 0);
    assert_int_equal(get(world, ecam(1, 0, 0xfe), 4), 0);
    put(world, ecam(1, 0, 0xfe), UINT32_MAX, 4);
    put(world, ecam(1, 0, 0xfff), UINT64_MAX, 8);
}

static void test_read_only(void **state)
{
    struct world *world = *state;
    uint8_t before[PCI_CONFIG_SIZE];

    memcpy(before, world->cards[0].function.config, sizeof(before));
    for (unsigned length = 1; length <= 8; length *= 2)
        for (unsigned offset = 0; offset + length <= PCI_CONFIG_SIZE; offset += length)
            put(world, ecam(1, 0, offset), UINT64_MAX, length);
    const uint8_t *after = world->cards[0].function.config;
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++)
        assert_int_equal(after[i] & ~world->cards[0].function.writable[i],
                         before[i] & ~world->cards[0].function.writable[i]);
    assert_int_equal(get(world, ecam(1, 0, PCI_COMMAND), 2),
                     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
                         PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
    assert_int_equal(get(world, ecam(1, 0, PCI_INTERRUPT_LINE), 2), 0xff);
    assert_int_equal(get(world, ecam(1, 0, PCI_BASE_ADDRESS_1), 4), 0);
    assert_int_equal(get(world, ecam(1, 0, PCI_ROM_ADDRESS), 4), 0);
}

static void test_bar_sizing(void **state)
{
    struct world *world = *state;
    uint64_t bar = ecam(1, 0, PCI_BASE_ADDRESS_0);
    uint64_t placed = get(world, bar, 4);

    assert_int_equal(placed, PLATFORM_PCI_WINDOW);
    assert_int_equal(get(world, ecam(2, 0, PCI_BASE_ADDRESS_0), 4), PLATFORM_PCI_WINDOW + BAR_SIZE);
    put(world, bar, UINT32_MAX, 4);
    assert_int_equal(get(world, bar, 4), (uint32_t)-BAR_SIZE);
    put(world, bar, placed, 4);
    assert_int_equal(get(world, bar, 4), placed);
    assert_int_equal(world->cards[0].mapped, 0); /* decoding was off all the time */
}

static void test_bar_moves(void **state)
{
    struct world *world = *state;
    struct card *card = &world->cards[0];
    uint64_t bar = ecam(1, 0, PCI_BASE_ADDRESS_0), moved = PLATFORM_PCI_WINDOW + 0x1000000;

    assert_int_equal(get(world, PLATFORM_PCI_WINDOW, 4), UINT32_MAX);
    enable(world, 1, true);
    assert_int_equal(card->address, PLATFORM_PCI_WINDOW);
    assert_int_equal(get(world, PLATFORM_PCI_WINDOW + 8, 4), 0);
    assert_int_equal(card->offset, 8);

    put(world, bar, moved, 4);
    assert_int_equal(card->address, moved);
    assert_int_equal(get(world, PLATFORM_PCI_WINDOW, 4), UINT32_MAX);
    put(world, moved + BAR_SIZE - 4, 0, 4);
    assert_int_equal(card->writes, 1);
    assert_int_equal(card->offset, BAR_SIZE - 4);
    put(world, moved + BAR_SIZE - 2, 0, 4); /* over the end */
    put(world, moved + BAR_SIZE, 0, 4);
    put(world, moved - 1, 0, 1);
    assert_int_equal(card->writes, 1);

    /* Byte by byte, as old software does: it answers at each place on the way. */
    put(world, bar + 1, 0x80, 1);
    assert_int_equal(card->address, moved + 0x8000);
    put(world, bar + 3, 0x10, 1); /* out of the window: nowhere */
    assert_int_equal(card->address, 0);
    put(world, bar, PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE - BAR_SIZE, 4);
    assert_true(card->address == PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE - BAR_SIZE);
    put(world, bar, PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE, 4); /* over ECAM: refused */
    assert_int_equal(card->address, 0);
    put(world, bar, 0, 4);
    assert_int_equal(card->address, 0);
    put(world, bar, UINT32_MAX, 4);
    assert_int_equal(card->address, 0);

    put(world, bar, moved, 4);
    unsigned mapped = card->mapped;
    put(world, bar, moved, 4); /* no change */
    assert_int_equal(card->mapped, mapped);
    enable(world, 1, false);
    assert_int_equal(card->address, 0);
    assert_int_equal(get(world, moved, 4), UINT32_MAX);
}

static void test_overlapping_bars(void **state)
{
    struct world *world = *state;

    enable(world, 1, true);
    enable(world, 2, true);
    put(world, ecam(2, 0, PCI_BASE_ADDRESS_0), PLATFORM_PCI_WINDOW, 4);
    (void)get(world, PLATFORM_PCI_WINDOW, 4);
    assert_int_equal(world->cards[0].reads, 1);
    assert_int_equal(world->cards[1].reads, 0);
    enable(world, 1, false);
    (void)get(world, PLATFORM_PCI_WINDOW, 4);
    assert_int_equal(world->cards[1].reads, 1);
}

static void test_capabilities(void **state _unused_)
{
    struct pci_function function;
    const uint8_t capability[20] = {[2] = 0xaa};

    pci_function_init(&function, 1, 2, 3, 4, 5, NULL);
    assert_int_equal(function.config[PCI_STATUS] & PCI_STATUS_CAP_LIST, 0);
    assert_int_equal(pci_function_add_capability(&function, PCI_CAP_ID_VNDR, capability, 18), 0x40);
    assert_int_equal(pci_function_add_capability(&function, PCI_CAP_ID_MSIX, capability, 12), 0x54);
    assert_int_equal(function.config[PCI_STATUS] & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
    assert_int_equal(function.config[PCI_CAPABILITY_LIST], 0x40);
    assert_int_equal(function.config[0x40], PCI_CAP_ID_VNDR);
    assert_int_equal(function.config[0x41], 0x54);
    assert_int_equal(function.config[0x42], 0xaa);
    assert_int_equal(function.config[0x54], PCI_CAP_ID_MSIX);
    assert_int_equal(function.config[0x55], 0);
}

/* The space fills up to its last byte, and then nothing more fits: the header stays whole. */
static void test_capabilities_full(void **state _unused_)
{
    static const size_t lengths[] = {16, 15, 13, 12};

    for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
        struct pci_function function;
        const uint8_t capability[16] = {0};
        unsigned n = 0;

        pci_function_init(&function, 0x1234, 2, 3, 4, 5, NULL);
        for (; n < 100; n++)
            if (pci_function_add_capability(&function, PCI_CAP_ID_VNDR, capability, lengths[i]) < 0)
                break;
        assert_int_equal(n, lengths[i] == 12 ? 16 : 12);
        for (size_t length = 2; length <= 16; length++)
            assert_int_equal(
                pci_function_add_capability(&function, PCI_CAP_ID_VNDR, capability, length),
                -ENOSPC);
        assert_int_equal(function.config[0], 0x34);
        assert_int_equal(function.config[1], 0x12);
    }
}

static void test_slots_and_window(void **state _unused_)
{
    static struct pci_function functions[PCI_SLOTS];
    static struct pci_host host;

    pci_host_init(&host);
    for (int i = 0; i < PCI_SLOTS - 1; i++) {
        pci_function_init(&functions[i], 1, 2, 3, 4, 5, NULL);
        assert_int_equal(pci_host_add(&host, &functions[i]), i + 1);
    }
    assert_int_equal(pci_host_add(&host, &functions[PCI_SLOTS - 1]), -ENOSPC);
    pci_host_done(&host);

    pci_host_init(&host);
    pci_function_init(&functions[0], 1, 2, 3, 4, 5, NULL);
    pci_function_set_bar(&functions[0], 0, 4096);
    pci_function_set_bar(&functions[0], 5, 1u << 28);
    assert_int_equal(pci_host_add(&host, &functions[0]), 1);
    assert_true(bus_get(functions[0].config + PCI_BASE_ADDRESS_5, 4) ==
                PLATFORM_PCI_WINDOW + (1u << 28)); /* aligned to its size */
    pci_function_init(&functions[1], 1, 2, 3, 4, 5, NULL);
    pci_function_set_bar(&functions[1], 0, 4096);
    assert_int_equal(pci_host_add(&host, &functions[1]), -ENOSPC); /* the window is full */
    assert_null(host.slots[2]);
    pci_host_done(&host);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_absent),
        TEST(test_extended_space),
        TEST(test_read_only),
        TEST(test_bar_sizing),
        TEST(test_bar_moves),
        TEST(test_overlapping_bars),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_capabilities_full),
        cmocka_unit_test(test_slots_and_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
