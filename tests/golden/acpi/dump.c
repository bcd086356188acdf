/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the ACPI tables of the tests' platform into a directory, one file each, for iasl(1). */
#include <string.h>

#include "tests/unit/vmm/acpi-platform.h"
#include "vmm/cleanup.h"

static int write_file(const char *directory, const char *name, const uint8_t *data, size_t length)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s.aml", directory, name);
    _cleanup_fclose_ FILE *f = fopen(path, "we");
    return f && fwrite(data, length, 1, f) == 1 && fflush(f) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
    static uint8_t tables[16384];
    static const char *const names[] = {"DSDT", "FACP", "APIC", "MCFG", "XSDT"};
    int length = acpi_build(&acpi_test_platform, 0xe0000, tables, sizeof(tables));

    if (argc != 2 || length < 0)
        return EXIT_FAILURE;
    /* Tables stand at multiples of sixteen. */
    for (int at = 0; at < length; at += 16) {
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
            uint32_t size;

            if (memcmp(tables + at, names[i], 4) != 0)
                continue;
            memcpy(&size, tables + at + 4, sizeof(size));
            if (write_file(argv[1], names[i], tables + at, size) < 0)
                return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
