/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The common configuration structure: what a driver reads and writes, of the right width and of
 * others. */
#include "vmm/virtio/virtio-pci-common.h"

#include <linux/virtio_pci.h>

#include "test.h"
#include "virtio-test-device.h"

enum { VECTORS = TEST_DEVICE_QUEUES + 1 };

static int setup(void **state)
{
    *state = test_device_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    test_device_free(*state);
    return 0;
}

static uint64_t get(struct test_device *test, unsigned offset, unsigned length)
{
    uint64_t value = 0;

    virtio_pci_common_read(&test->device, offset, &value, length);
    return value;
}

static void put(struct test_device *test, unsigned offset, uint64_t value, unsigned length)
{
    virtio_pci_common_write(&test->device, VECTORS, offset, &value, length);
}

static void test_defaults(void **state)
{
    struct test_device *test = *state;

    assert_int_equal(get(test, VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_NUMQ, 2), TEST_DEVICE_QUEUES);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_STATUS, 1), 0);
    for (unsigned i = 0; i < TEST_DEVICE_QUEUES; i++) {
        put(test, VIRTIO_PCI_COMMON_Q_SELECT, i, 2);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), TEST_DEVICE_QUEUE_SIZE);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_NOFF, 2), i);
    }
}

static void test_features(void **state)
{
    struct test_device *test = *state;

    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DF, 4), 1u << TEST_FEATURE);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DF, 4), 1);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DF, 4), 0);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, UINT32_MAX, 4);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DF, 4), 0);
    put(test, VIRTIO_PCI_COMMON_DF, UINT32_MAX, 4); /* read-only */
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DF, 4), 1u << TEST_FEATURE);

    put(test, VIRTIO_PCI_COMMON_GF, 0x55, 4);
    put(test, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
    put(test, VIRTIO_PCI_COMMON_GF, 0xaa, 4);
    put(test, VIRTIO_PCI_COMMON_GFSELECT, 2, 4);
    put(test, VIRTIO_PCI_COMMON_GF, 0xff, 4);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_GF, 4), 0);
    assert_true(test->device.state.accepted == UINT64_C(0xaa00000055));
}

static void test_no_such_queue(void **state)
{
    static const unsigned selects[] = {TEST_DEVICE_QUEUES, VIRTIO_QUEUES_MAX, 64, 0x8000, 0xffff};
    struct test_device *test = *state;
    const struct virtio_device before = test->device;

    for (size_t i = 0; i < ELEMENTSOF(selects); i++) {
        put(test, VIRTIO_PCI_COMMON_Q_SELECT, selects[i], 2);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SELECT, 2), selects[i]);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_NOFF, 2), 0);
        for (unsigned offset = VIRTIO_PCI_COMMON_Q_SIZE;
             offset < sizeof(struct virtio_pci_common_cfg); offset += 2) {
            put(test, offset, 1, 2);
            put(test, offset, 1, 4);
            put(test, offset, 1, 8);
        }
        put(test, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
        assert_memory_equal(test->device.queues, before.queues, sizeof(before.queues));
        assert_memory_equal(&test->device.state, &before.state, sizeof(before.state));
    }
}

static void test_vectors(void **state)
{
    struct test_device *test = *state;

    put(test, VIRTIO_PCI_COMMON_MSIX, VECTORS - 1, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_MSIX, 2), VECTORS - 1);
    put(test, VIRTIO_PCI_COMMON_MSIX, VECTORS, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
    put(test, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), 1);
    put(test, VIRTIO_PCI_COMMON_Q_MSIX, 0x8001, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
    put(test, VIRTIO_PCI_COMMON_Q_MSIX, VIRTIO_NO_VECTOR, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
}

static void test_queue_size(void **state)
{
    static const unsigned bad[] = {0, 3, 65, 128, 255, 256, 32768, 65535};
    struct test_device *test = *state;

    put(test, VIRTIO_PCI_COMMON_Q_SIZE, 16, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        put(test, VIRTIO_PCI_COMMON_Q_SIZE, bad[i], 2);
        assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
    }
    put(test, VIRTIO_PCI_COMMON_Q_SIZE, 8, 4); /* the wrong width */
    put(test, VIRTIO_PCI_COMMON_Q_SIZE, 8, 1);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
}

static void test_addresses(void **state)
{
    static const unsigned low[] = {VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_AVAILLO,
                                   VIRTIO_PCI_COMMON_Q_USEDLO};
    struct test_device *test = *state;

    for (size_t i = 0; i < ELEMENTSOF(low); i++) {
        put(test, low[i] + 4, 0x11223344, 4); /* halves, in either order */
        put(test, low[i], 0x55667788, 4);
        assert_true(get(test, low[i], 4) == 0x55667788);
        assert_true(get(test, low[i] + 4, 4) == 0x11223344);
        put(test, low[i], 0x99aabbcc, 4);
        assert_true(get(test, low[i] + 4, 4) == 0x11223344);
        put(test, low[i], UINT64_C(0x0102030405060708), 8);
        assert_true(get(test, low[i], 8) == UINT64_C(0x0102030405060708));
        put(test, low[i] + 4, UINT64_MAX, 8); /* over into the next field: not a field */
        put(test, low[i], UINT64_MAX, 2);
        put(test, low[i] + 1, UINT64_MAX, 4);
        assert_true(get(test, low[i], 8) == UINT64_C(0x0102030405060708));
    }
    const struct virtqueue_state *queue = &test->device.queues[0].state;
    assert_true(queue->descriptor_area == queue->driver_area &&
                queue->driver_area == queue->device_area);
}

static void test_widths(void **state)
{
    struct test_device *test = *state;

    for (unsigned length = 2; length <= 8; length *= 2)
        put(test, VIRTIO_PCI_COMMON_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE, length);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_STATUS, 1), 0);
    put(test, VIRTIO_PCI_COMMON_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE, 1);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_STATUS, 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 1, 1);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 1, 2);
    put(test, VIRTIO_PCI_COMMON_DFSELECT, 1, 8);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_DFSELECT, 4), 0);
    /* Reads may be of any width, and end with the structure. */
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_NUMQ, 4),
                     TEST_DEVICE_QUEUES | VIRTIO_CONFIG_S_ACKNOWLEDGE << 16);
    assert_int_equal(get(test, sizeof(struct virtio_pci_common_cfg) - 2, 4), 0);
    assert_int_equal(get(test, sizeof(struct virtio_pci_common_cfg), 1), 0);
    assert_int_equal(get(test, UINT32_MAX, 8), 0);
    for (unsigned offset = 0; offset < 0x1000; offset++)
        for (unsigned length = 1; length <= 8; length *= 2)
            (void)get(test, offset, length);
}

static void test_enabled_queue_is_fixed(void **state)
{
    struct test_device *test = *state;

    test_device_prepare(test);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
    put(test, VIRTIO_PCI_COMMON_Q_SIZE, 8, 2);
    put(test, VIRTIO_PCI_COMMON_Q_DESCLO, 0x77777770, 4);
    put(test, VIRTIO_PCI_COMMON_Q_ENABLE, 0, 2); /* only a reset disables */
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), TEST_DEVICE_QUEUE_SIZE);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x100000);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);

    put(test, VIRTIO_PCI_COMMON_STATUS, TEST_STATUS_READY, 1);
    put(test, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
    put(test, VIRTIO_PCI_COMMON_Q_SIZE, 8, 2);
    put(test, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2); /* too late */
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SIZE, 2), TEST_DEVICE_QUEUE_SIZE);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
    put(test, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2); /* vectors may still change */
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_MSIX, 2), 1);
}

static void test_nothing_while_resetting(void **state)
{
    struct test_device *test = *state;

    test_device_prepare(test);
    put(test, VIRTIO_PCI_COMMON_STATUS, 0, 1);
    put(test, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
    put(test, VIRTIO_PCI_COMMON_MSIX, 1, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SELECT, 2), 0);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
    assert_int_not_equal(get(test, VIRTIO_PCI_COMMON_STATUS, 1), 0);
    assert_int_equal(test_device_run(test), 0);
    assert_true(test_device_wait(test, 0));
    put(test, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
    assert_int_equal(get(test, VIRTIO_PCI_COMMON_Q_SELECT, 2), 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_features),
        TEST(test_no_such_queue),
        TEST(test_vectors),
        TEST(test_queue_size),
        TEST(test_addresses),
        TEST(test_widths),
        TEST(test_enabled_queue_is_fixed),
        TEST(test_nothing_while_resetting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
