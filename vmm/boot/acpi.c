/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RSDP, XSDT, FADT, MADT, MCFG. Sections are those of ACPI 6.5; the DSDT is in dsdt.c. */
#include "vmm/boot/acpi.h"

#include <string.h>

#include "vmm/boot/dsdt.h"
#include "vmm/boot/layout.h"
#include "vmm/kvm/memory.h"

enum {
    ACPI_TABLES_MAX = 16 * 1024,
    ACPI_SPACE_SYSTEM_IO = 1,

    FADT_WBINVD = 1 << 0,
    FADT_NO_FIXED_POWER_BUTTON = 1 << 4,
    FADT_NO_FIXED_SLEEP_BUTTON = 1 << 5,
    FADT_RESET_REGISTER = 1 << 10,
    FADT_HARDWARE_REDUCED = 1 << 20,
    FADT_BOOT_NO_VGA = 1 << 2,
    FADT_BOOT_NO_CMOS_CLOCK = 1 << 5,

    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_CPU_ENABLED = 1,
};

#define LOCAL_APIC_ADDRESS 0xfee00000u
#define IO_APIC_ADDRESS    0xfec00000u

struct rsdp { /* 5.2.5.3 */
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

struct header { /* 5.2.6 */
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
} __attribute__((packed));

struct generic_address { /* 5.2.3.2 */
    uint8_t space, bit_width, bit_offset, access_size;
    uint64_t address;
} __attribute__((packed));

struct fadt { /* 5.2.9; what hardware-reduced systems ignore is left out by name */
    struct header header;
    uint32_t firmware_control, dsdt;
    uint8_t fixed_hardware_1[109 - 44];
    uint16_t boot_flags; /* IA-PC, 5.2.9.3 */
    uint8_t reserved;
    uint32_t flags;
    struct generic_address reset_register;
    uint8_t reset_value;
    uint16_t arm_boot_flags;
    uint8_t minor_version;
    uint64_t x_firmware_control, x_dsdt;
    uint8_t fixed_hardware_2[244 - 148];
    struct generic_address sleep_control, sleep_status;
    char hypervisor[8];
} __attribute__((packed));

_Static_assert(sizeof(struct fadt) == 276, "FADT of ACPI 6");

/* Tables grow from the start of DATA; addresses are ADDRESS plus the offset. */
struct writer {
    uint8_t *data;
    size_t size, length;
    uint64_t address;
};

static uint8_t checksum(const void *data, size_t length)
{
    const uint8_t *p = data;
    uint8_t sum = 0;

    while (length-- > 0)
        sum = (uint8_t)(sum + *p++);
    return (uint8_t)-sum;
}

/* Room for LENGTH zeroed bytes at the next 16-byte boundary, or NULL. */
static void *writer_room(struct writer *writer, size_t length)
{
    size_t start = (writer->length + 15) & ~(size_t)15;

    if (start > writer->size || length > writer->size - start)
        return NULL;
    writer->length = start + length;
    return memset(writer->data + start, 0, length);
}

static uint64_t writer_address(const struct writer *writer, const void *p)
{
    return writer->address + (uint64_t)((const uint8_t *)p - writer->data);
}

static void finish_table(struct header *header, const char *signature, uint8_t revision,
                         size_t length)
{
    memcpy(header->signature, signature, 4);
    header->length = (uint32_t)length;
    header->revision = revision;
    memcpy(header->oem_id, "VOLT  ", 6);
    memcpy(header->oem_table_id, "VOLTVMM ", 8);
    header->oem_revision = 1;
    memcpy(header->creator_id, "VOLT", 4);
    header->creator_revision = 1;
    header->checksum = 0;
    header->checksum = checksum(header, length);
}

static struct header *write_dsdt(struct writer *writer, const struct acpi_platform *platform)
{
    struct header *header = writer_room(writer, sizeof(*header));
    if (!header)
        return NULL;

    int n = dsdt_write(platform, writer->data + writer->length, writer->size - writer->length);
    if (n < 0)
        return NULL;
    writer->length += (size_t)n;
    finish_table(header, "DSDT", 2, sizeof(*header) + (size_t)n);
    return header;
}

static struct generic_address port_register(uint16_t port)
{
    return (struct generic_address){
        .space = ACPI_SPACE_SYSTEM_IO, .bit_width = 8, .access_size = 1, .address = port};
}

static struct header *write_fadt(struct writer *writer, const struct acpi_platform *platform,
                                 uint64_t dsdt)
{
    struct fadt *fadt = writer_room(writer, sizeof(*fadt));
    if (!fadt)
        return NULL;

    fadt->boot_flags = FADT_BOOT_NO_VGA | FADT_BOOT_NO_CMOS_CLOCK;
    fadt->flags = FADT_WBINVD | FADT_NO_FIXED_POWER_BUTTON | FADT_NO_FIXED_SLEEP_BUTTON |
                  FADT_RESET_REGISTER | FADT_HARDWARE_REDUCED;
    fadt->reset_register = port_register(platform->reset_port);
    fadt->reset_value = platform->reset_value;
    fadt->minor_version = 5;
    fadt->x_dsdt = dsdt;
    fadt->sleep_control = port_register(platform->sleep_control_port);
    fadt->sleep_status = port_register(platform->sleep_status_port);
    memcpy(fadt->hypervisor, "VOLT\0\0\0", 8);
    finish_table(&fadt->header, "FACP", 6, sizeof(*fadt));
    return &fadt->header;
}

static struct header *write_madt(struct writer *writer, const struct acpi_platform *platform)
{
    struct local_apic { /* 5.2.12.2 */
        uint8_t type, length, processor_uid, apic_id;
        uint32_t flags;
    } __attribute__((packed)) * cpus;
    struct io_apic { /* 5.2.12.3 */
        uint8_t type, length, id, reserved;
        uint32_t address, gsi_base;
    } __attribute__((packed)) * io_apic;
    struct {
        struct header header;
        uint32_t local_apic_address, flags;
    } __attribute__((packed)) * madt;
    size_t length = sizeof(*madt) + sizeof(*io_apic) + platform->n_vcpus * sizeof(*cpus);

    madt = writer_room(writer, length);
    if (!madt)
        return NULL;
    madt->local_apic_address = LOCAL_APIC_ADDRESS;
    io_apic = (struct io_apic *)(madt + 1);
    *io_apic = (struct io_apic){
        .type = MADT_IO_APIC, .length = sizeof(*io_apic), .address = IO_APIC_ADDRESS};
    cpus = (struct local_apic *)(io_apic + 1);
    for (unsigned i = 0; i < platform->n_vcpus; i++)
        cpus[i] = (struct local_apic){
            .type = MADT_LOCAL_APIC,
            .length = sizeof(*cpus),
            .processor_uid = (uint8_t)i,
            .apic_id = (uint8_t)i,
            .flags = MADT_CPU_ENABLED,
        };
    finish_table(&madt->header, "APIC", 5, length);
    return &madt->header;
}

/* PCI Firmware Specification 3.3, 4.1.2 */
static struct header *write_mcfg(struct writer *writer, const struct acpi_platform *platform)
{
    struct {
        struct header header;
        uint8_t reserved_1[8];
        uint64_t base;
        uint16_t segment;
        uint8_t first_bus, last_bus;
        uint8_t reserved_2[4];
    } __attribute__((packed)) *mcfg = writer_room(writer, sizeof(*mcfg));
    if (!mcfg)
        return NULL;

    mcfg->base = platform->ecam_base;
    mcfg->last_bus = (uint8_t)((platform->ecam_size >> 20) - 1);
    finish_table(&mcfg->header, "MCFG", 1, sizeof(*mcfg));
    return &mcfg->header;
}

int acpi_build(const struct acpi_platform *platform, uint64_t address, uint8_t *ret, size_t size)
{
    struct writer writer = {.data = ret, .size = size, .address = address};
    struct rsdp *rsdp = writer_room(&writer, sizeof(*rsdp));
    struct header *dsdt = rsdp ? write_dsdt(&writer, platform) : NULL;
    struct header *tables[] = {
        dsdt ? write_fadt(&writer, platform, writer_address(&writer, dsdt)) : NULL,
        write_madt(&writer, platform),
        write_mcfg(&writer, platform),
    };
    struct {
        struct header header;
        uint64_t entries[ELEMENTSOF(tables)];
    } __attribute__((packed)) *xsdt = writer_room(&writer, sizeof(*xsdt));

    if (!rsdp || !dsdt || !xsdt)
        return -ENOSPC;
    for (size_t i = 0; i < ELEMENTSOF(tables); i++) {
        if (!tables[i])
            return -ENOSPC;
        xsdt->entries[i] = writer_address(&writer, tables[i]);
    }
    finish_table(&xsdt->header, "XSDT", 1, sizeof(*xsdt));

    memcpy(rsdp->signature, "RSD PTR ", 8);
    memcpy(rsdp->oem_id, "VOLT  ", 6);
    rsdp->revision = 2;
    rsdp->length = sizeof(*rsdp);
    rsdp->xsdt = writer_address(&writer, xsdt);
    rsdp->checksum = checksum(rsdp, offsetof(struct rsdp, length));
    rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
    return (int)writer.length;
}

int acpi_write(const struct guest_memory *memory, const struct acpi_platform *platform)
{
    uint8_t tables[ACPI_TABLES_MAX];
    int n = acpi_build(platform, LAYOUT_ACPI, tables, sizeof(tables));

    return n < 0 ? n : guest_memory_write(memory, LAYOUT_ACPI, tables, (size_t)n);
}
