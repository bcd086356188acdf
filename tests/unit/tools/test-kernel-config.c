/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configurations, held against what a Volt guest needs. */
#include "tests/unit/vmm/test.h"
#include "tools/kernel/config-check.h"

#define ALWAYS                                                                                     \
    "CONFIG_64BIT=y\nCONFIG_ACPI=y\nCONFIG_PCI=y\nCONFIG_PCI_MSI=y\nCONFIG_BINFMT_ELF=y\nCONFIG_"  \
    "DEVTMPFS=y\n"

static void check(const char *config, bool initrd, const char *expected)
{
    _cleanup_free_ char *missing = NULL;

    assert_int_equal(kernel_config_check(config, initrd, &missing), 0);
    if (expected)
        assert_non_null(missing);
    else
        assert_null(missing);
    if (expected)
        assert_string_equal(missing, expected);
}

static void test_builtin(void **state _unused_)
{
    check(ALWAYS "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_BLK=y\n", false, NULL);
    check(ALWAYS "CONFIG_VIRTIO=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_BLK=y", true,
          "CONFIG_BLK_DEV_INITRD: the VM has an initrd");
    check(
        "# CONFIG_ACPI is not set\nNOCONFIG_ACPI=y\nCONFIG_ACPI_X=y\nCONFIG_64BIT=y\nCONFIG_PCI=y\n"
        "CONFIG_PCI_MSI=y\nCONFIG_BINFMT_ELF=y\nCONFIG_DEVTMPFS=y\nCONFIG_VIRTIO=y\nCONFIG_VIRTIO_"
        "PCI=y\n"
        "CONFIG_VIRTIO_BLK=y\n",
        false, "CONFIG_ACPI: CPUs, interrupts and the PCI bus are told by ACPI tables");
}

static void test_modules(void **state _unused_)
{
    static const char config[] =
        ALWAYS "CONFIG_BLK_DEV_INITRD=y\nCONFIG_VIRTIO=m\nCONFIG_VIRTIO_PCI=m\n"
               "CONFIG_VIRTIO_PCI_LIB=m\nCONFIG_VIRTIO_BLK=m\n";
    char *modules = NULL;

    check(config, true, NULL);
    check(config, false,
          "CONFIG_VIRTIO: all of Volt's devices are virtio devices (it is a module, and without an "
          "initrd nothing "
          "loads it)\n"
          "CONFIG_VIRTIO_PCI: virtio devices are on the PCI bus (it is a module, and without an "
          "initrd nothing "
          "loads it)\n"
          "CONFIG_VIRTIO_BLK: disks; the root file system is on one (it is a module, and without "
          "an initrd nothing "
          "loads it)");
    assert_int_equal(kernel_config_modules(config, &modules), 0);
    assert_string_equal(modules,
                        "virtio\nvirtio_ring\nvirtio_pci\nvirtio_pci_modern_dev\nvirtio_blk");
    free(TAKE_PTR(modules));
    assert_int_equal(kernel_config_modules(NULL, &modules), 0);
    assert_string_equal(modules, "virtio\nvirtio_ring\nvirtio_pci\nvirtio_blk");
    free(TAKE_PTR(modules));
    assert_int_equal(kernel_config_modules("CONFIG_VIRTIO=y\n", &modules), 0);
    assert_null(modules);
    /* A 32-bit kernel, and what can be no module. */
    check("CONFIG_64BIT=m\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_VIRTIO=m\nCONFIG_VIRTIO_PCI=m\nCONFIG_"
          "ACPI=y\n"
          "CONFIG_PCI=y\nCONFIG_PCI_MSI=y\nCONFIG_BINFMT_ELF=y\nCONFIG_DEVTMPFS=y",
          true,
          "CONFIG_64BIT: volt-vmm starts a kernel in 64-bit mode only (it cannot be a module)");
}

static void test_wanted(void **state _unused_)
{
    _cleanup_free_ char *with = NULL, *without = NULL, *none = NULL;

    assert_int_equal(kernel_config_wanted("", true, &with), 0);
    assert_non_null(strstr(with, "CONFIG_VIRTIO_BLK: "));
    assert_non_null(strstr(with, "\nCONFIG_VIRTIO_BALLOON: "));
    assert_int_equal(kernel_config_wanted("CONFIG_VIRTIO_BALLOON=m\n", false, &without), 0);
    assert_null(strstr(without, "CONFIG_VIRTIO_BLK: ")); /* must be there */
    assert_null(strstr(without, "BALLOON"));
    assert_int_equal(
        kernel_config_wanted(
            "CONFIG_SMP=y\nCONFIG_KVM_GUEST=y\nCONFIG_SERIAL_8250_CONSOLE=y\n"
            "CONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_CONSOLE=m\nCONFIG_VIRTIO_VSOCKETS=m\n"
            "CONFIG_HW_RANDOM_VIRTIO=m\nCONFIG_VIRTIO_BALLOON=m\nCONFIG_ACPI_BUTTON=m\n"
            "CONFIG_INPUT_EVDEV=m\nCONFIG_DMI_SYSFS=m\n",
            false, &none),
        0);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_wanted),
    };

    return cmocka_run_group_tests_name("kernel-config", tests, NULL, NULL);
}
