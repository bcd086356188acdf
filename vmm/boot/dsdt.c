/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The DSDT, device by device, in the order in which `iasl -d` shows it. */
#include "vmm/boot/dsdt.h"

#include "vmm/boot/aml.h"

enum { NOTIFY_BUTTON_PRESSED = 0x80 };

/* PCI Firmware Specification 3.3, 4.1: the bridge's windows, ECAM held by a motherboard device. */
static void write_pci(struct aml *aml, const struct acpi_platform *platform)
{
    size_t device = aml_begin_device(aml, "PCI0");
    aml_name_eisa_id(aml, "_HID", "PNP0A08");
    aml_name_eisa_id(aml, "_CID", "PNP0A03");
    aml_name_integer(aml, "_SEG", 0);
    aml_name_integer(aml, "_BBN", 0);
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_begin_resources(aml);
    aml_resource_bus_numbers(aml, 0, (uint16_t)((platform->ecam_size >> 20) - 1));
    aml_resource_memory_window(aml, platform->pci_window_base, platform->pci_window_size);
    aml_end_resources(aml, resources);
    aml_end(aml, device);

    device = aml_begin_device(aml, "ECAM");
    aml_name_eisa_id(aml, "_HID", "PNP0C02");
    aml_name_integer(aml, "_UID", 0);
    resources = aml_begin_resources(aml);
    aml_resource_memory_fixed(aml, platform->ecam_base, platform->ecam_size);
    aml_end_resources(aml, resources);
    aml_end(aml, device);
}

static void write_serial(struct aml *aml, const struct acpi_platform *platform)
{
    size_t device = aml_begin_device(aml, "COM1");
    aml_name_eisa_id(aml, "_HID", "PNP0501");
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_begin_resources(aml);
    aml_resource_io(aml, platform->serial_port, 8);
    aml_resource_interrupt(aml, platform->serial_gsi);
    aml_end_resources(aml, resources);
    aml_end(aml, device);
}

/* The button, and the Generic Event Device (5.6.9) that tells of it: one interrupt, one event. */
static void write_power_button(struct aml *aml, const struct acpi_platform *platform)
{
    size_t device = aml_begin_device(aml, "PWRB");
    aml_name_eisa_id(aml, "_HID", "PNP0C0C");
    aml_name_integer(aml, "_UID", 0);
    aml_end(aml, device);

    device = aml_begin_device(aml, "GED0");
    aml_name_string(aml, "_HID", "ACPI0013");
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_begin_resources(aml);
    aml_resource_interrupt(aml, platform->power_button_gsi);
    aml_end_resources(aml, resources);
    size_t method = aml_begin_method(aml, "_EVT", 1);
    aml_notify(aml, "PWRB", NOTIFY_BUTTON_PRESSED);
    aml_end(aml, method);
    aml_end(aml, device);
}

/* The id is the one that Linux's pvpanic driver looks for. */
static void write_pvpanic(struct aml *aml, const struct acpi_platform *platform)
{
    size_t device = aml_begin_device(aml, "PANC");
    aml_name_string(aml, "_HID", "QEMU0001");
    aml_name_integer(aml, "_UID", 0);
    size_t resources = aml_begin_resources(aml);
    aml_resource_io(aml, platform->pvpanic_port, 1);
    aml_end_resources(aml, resources);
    aml_end(aml, device);
}

int dsdt_write(const struct acpi_platform *platform, uint8_t *ret, size_t size)
{
    static const uint8_t s5[] = {ACPI_SLEEP_TYPE_S5, 0, 0, 0};
    struct aml aml = {.data = ret, .size = size};

    size_t scope = aml_begin_scope(&aml, "\\_SB_");
    write_pci(&aml, platform);
    write_serial(&aml, platform);
    write_power_button(&aml, platform);
    write_pvpanic(&aml, platform);
    aml_end(&aml, scope);
    aml_name_package(&aml, "\\_S5_", s5, ELEMENTSOF(s5));
    return aml.overflow ? -ENOSPC : (int)aml.length;
}
