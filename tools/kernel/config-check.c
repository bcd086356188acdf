/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a Volt guest needs of a kernel, held against the kernel's configuration. */
#include "tools/kernel/config-check.h"

#include <string.h>

enum need {
    MUST_BUILTIN, /* nothing can load it: it is needed to reach the initrd, or to load modules at
                     all */
    MUST,         /* =m does with an initrd */
    MUST_INITRD,  /* with an initrd only */
    MUST_DISK,    /* without an initrd only; with one the root may be anywhere, and it is wanted */
    WANTED,       /* =m does */
};

static const struct requirement {
    const char *option; /* without CONFIG_ */
    enum need need;
    const char *what_for;
} requirements[] = {
    {"64BIT", MUST_BUILTIN, "volt-vmm starts a kernel in 64-bit mode only"},
    {"ACPI", MUST_BUILTIN, "CPUs, interrupts and the PCI bus are told by ACPI tables"},
    {"PCI", MUST_BUILTIN, "all of Volt's devices are on the PCI bus"},
    {"PCI_MSI", MUST_BUILTIN, "devices interrupt by MSI-X and by nothing else"},
    {"BINFMT_ELF", MUST_BUILTIN, "init is an ELF program"},
    {"DEVTMPFS", MUST_BUILTIN, "/dev has the disks' names from there"},
    {"BLK_DEV_INITRD", MUST_INITRD, "the VM has an initrd"},
    {"VIRTIO", MUST, "all of Volt's devices are virtio devices"},
    {"VIRTIO_PCI", MUST, "virtio devices are on the PCI bus"},
    {"VIRTIO_BLK", MUST_DISK, "disks; the root file system is on one"},

    {"SMP", WANTED, "more than one vCPU"},
    {"KVM_GUEST", WANTED, "a clock and interrupts that cost few exits"},
    {"SERIAL_8250_CONSOLE", WANTED, "console=ttyS0, the log in the journal"},
    {"VIRTIO_NET", WANTED, "[network] sections"},
    {"VIRTIO_CONSOLE", WANTED, "the console that volt-console opens, hvc0"},
    {"VIRTIO_VSOCKETS", WANTED, "the [vsock] section"},
    {"HW_RANDOM_VIRTIO", WANTED, "random numbers from the host"},
    {"VIRTIO_BALLOON", WANTED, "memory that the host takes back"},
    {"ACPI_BUTTON", WANTED, "systemctl stop presses the power button"},
    {"INPUT_EVDEV", WANTED, "systemd hears of the power button there"},
    {"DMI_SYSFS", WANTED, "the [credentials] section"},
};

/* What an initrd must bring of these where they are modules; one option can make several. */
static const struct {
    const char *option, *module;
    bool always; /* assume it where the configuration is not known */
} modules[] = {
    {"VIRTIO", "virtio", true},
    {"VIRTIO", "virtio_ring", true},
    {"VIRTIO_PCI", "virtio_pci", true},
    {"VIRTIO_PCI_LIB", "virtio_pci_modern_dev", false}, /* Linux 5.12 and newer */
    {"VIRTIO_PCI_LIB_LEGACY", "virtio_pci_legacy_dev", false},
    {"VIRTIO_BLK", "virtio_blk", true},
};

/* 'y', 'm', or 'n' for what is not set. */
static char config_value(const char *config, const char *option)
{
    size_t n = strlen(option);

    for (const char *line = config; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "CONFIG_", 7) == 0 && strncmp(line + 7, option, n) == 0 &&
            line[7 + n] == '=')
            return line[8 + n] == 'y' || line[8 + n] == 'm' ? line[8 + n] : 'n';
    }
    return 'n';
}

/* Whether OPTION with VALUE is short of NEED; *RET_WANTED: of what is wanted only. */
static bool lacks(enum need need, char value, bool initrd, bool *ret_wanted)
{
    *ret_wanted = need == WANTED || (need == MUST_DISK && initrd);
    switch (need) {
    case MUST_BUILTIN:
        return value != 'y';
    case MUST_INITRD:
        return initrd && value != 'y';
    case MUST:
        return value != 'y' && !(value == 'm' && initrd);
    case MUST_DISK:
        return value != 'y' && !(value == 'm' && initrd);
    case WANTED:
        break;
    }
    return value == 'n';
}

static int check(const char *config, bool initrd, bool wanted, char **ret_missing)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0, n = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(requirements); i++) {
        const struct requirement *requirement = &requirements[i];
        char value = config_value(config, requirement->option);
        bool is_wanted;

        if (!lacks(requirement->need, value, initrd, &is_wanted) || is_wanted != wanted)
            continue;
        (void)fprintf(f, "%sCONFIG_%s: %s%s", n++ ? "\n" : "", requirement->option,
                      requirement->what_for,
                      value == 'm' && initrd ? " (it cannot be a module)"
                      : value == 'm' ? " (it is a module, and without an initrd nothing loads it)"
                                     : "");
    }
    if (fclose(f) != 0)
        return -ENOMEM;
    *ret_missing = n ? TAKE_PTR(text) : NULL;
    return 0;
}

int kernel_config_check(const char *config, bool initrd, char **ret_missing)
{
    return check(config, initrd, false, ret_missing);
}

int kernel_config_wanted(const char *config, bool initrd, char **ret_missing)
{
    return check(config, initrd, true, ret_missing);
}

int kernel_config_modules(const char *config, char **ret_modules)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0, n = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(modules); i++) {
        bool needed = config ? config_value(config, modules[i].option) == 'm' : modules[i].always;

        if (needed)
            (void)fprintf(f, "%s%s", n++ ? "\n" : "", modules[i].module);
    }
    if (fclose(f) != 0)
        return -ENOMEM;
    *ret_modules = n ? TAKE_PTR(text) : NULL;
    return 0;
}
