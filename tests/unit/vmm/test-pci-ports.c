/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration mechanism #1: it shows what ECAM shows, and nothing of other buses. */
#include "tests/unit/vmm/test.h"
#include "vmm/bus/pci-ports.h"
#include "vmm/bus/platform.h"

static struct bus ports, mmio;
static struct pci_host host;
static struct pci_ports pci_ports;
static struct power power;

static int setup(void **state _unused_)
{
    ports = mmio = (struct bus){0};
    pci_host_init(&host);
    assert_int_equal(pci_host_attach(&host, &mmio), 0);
    assert_int_equal(pci_ports_attach(&pci_ports, &host, &power, &ports), 0);
    return 0;
}

static int teardown(void **state _unused_)
{
    pci_host_done(&host);
    return 0;
}

static void out32(uint64_t port, uint32_t value)
{
    bus_write(&ports, port, &value, 4);
}

static uint32_t in(uint64_t port, unsigned length)
{
    uint32_t value = 0;

    bus_read(&ports, port, &value, length);
    return value;
}

/* As Linux probes: the address register keeps the enable bit, and the bridge is there. */
static void test_linux_finds_the_mechanism(void **state _unused_)
{
    uint8_t one = 1;

    bus_write(&ports, PLATFORM_PORT_PCI_CONFIG + 3, &one, 1);
    out32(PLATFORM_PORT_PCI_CONFIG, 0x80000000);
    assert_int_equal(in(PLATFORM_PORT_PCI_CONFIG, 4), 0x80000000);
    out32(PLATFORM_PORT_PCI_CONFIG, 0x80000008);
    assert_int_equal(in(PLATFORM_PORT_PCI_CONFIG + 4, 4) >> 8, 0x060000);
}

static void test_every_register_is_ecams(void **state _unused_)
{
    for (uint32_t at = 0; at < 256; at++) {
        uint8_t wanted;

        bus_read(&mmio, PLATFORM_ECAM + at, &wanted, 1);
        out32(PLATFORM_PORT_PCI_CONFIG, 0x80000000 | (at & 0xfc));
        assert_int_equal(in(PLATFORM_PORT_PCI_CONFIG + 4 + (at & 3), 1), wanted);
    }
}

static void test_writes_arrive(void **state _unused_)
{
    uint8_t line = 7, got;

    out32(PLATFORM_PORT_PCI_CONFIG, 0x8000003c);
    bus_write(&ports, PLATFORM_PORT_PCI_CONFIG + 4, &line, 1);
    bus_read(&mmio, PLATFORM_ECAM + 0x3c, &got, 1);
    assert_int_equal(got, 7);
}

static void test_nothing_elsewhere(void **state _unused_)
{
    static const uint32_t addresses[] = {
        0x00000000, /* not enabled */
        0x80010000, /* bus 1 */
        0x80000800, /* slot 1 */
        0x80000100, /* function 1 */
    };

    for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
        out32(PLATFORM_PORT_PCI_CONFIG, addresses[i]);
        assert_int_equal(in(PLATFORM_PORT_PCI_CONFIG + 4, 4), 0xffffffff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_linux_finds_the_mechanism, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_register_is_ecams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writes_arrive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_elsewhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
