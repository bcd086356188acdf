/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory: its sizes, the PCI hole, the checked accessor, the seals. */
#include "vmm/kvm/memory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "test.h"

static void test_sizes(void **state _unused_)
{
    static const uint64_t bad[] = {0,
                                   4096,
                                   GUEST_MEMORY_MIN - 4096,
                                   GUEST_MEMORY_MIN + 1,
                                   GUEST_MEMORY_MAX + 4096,
                                   UINT64_MAX,
                                   UINT64_MAX & ~UINT64_C(4095)};
    struct guest_memory memory = {0};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_int_equal(guest_memory_init(&memory, bad[i]), -EINVAL);
    guest_memory_done(&memory); /* a zeroed one */
    assert_int_equal(guest_memory_init(&memory, GUEST_MEMORY_MIN), 0);
    assert_int_equal(memory.n_regions, 1);
    assert_int_equal(guest_memory_low_end(&memory), GUEST_MEMORY_MIN);
    guest_memory_done(&memory);
    guest_memory_done(&memory); /* twice does no harm */
    assert_int_equal(guest_memory_low_end(&memory), 0);
}

static void test_below_hole(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(guest_memory_init(&memory, GUEST_MEMORY_LOW_END), 0);
    assert_int_equal(memory.n_regions, 1);
    assert_int_equal(guest_memory_low_end(&memory), GUEST_MEMORY_LOW_END);
    assert_null(guest_memory_at(&memory, GUEST_MEMORY_HIGH_START, 1));
    guest_memory_done(&memory);
}

static void test_hole(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(guest_memory_init(&memory, 5 * GIB), 0);
    assert_int_equal(memory.n_regions, 2);
    assert_int_equal(memory.regions[1].gpa, GUEST_MEMORY_HIGH_START);
    assert_int_equal(memory.regions[1].size, 2 * GIB);

    /* The hole's edges, and accesses over them: the regions touch in the mapping, not in the guest.
     */
    assert_non_null(guest_memory_at(&memory, GUEST_MEMORY_LOW_END - 1, 1));
    assert_null(guest_memory_at(&memory, GUEST_MEMORY_LOW_END - 1, 2));
    assert_null(guest_memory_at(&memory, GUEST_MEMORY_LOW_END, 1));
    assert_null(guest_memory_at(&memory, GUEST_MEMORY_HIGH_START - 1, 1));
    assert_null(guest_memory_at(&memory, GUEST_MEMORY_HIGH_START - 1, 2));
    assert_ptr_equal(guest_memory_at(&memory, GUEST_MEMORY_HIGH_START, 1),
                     memory.base + GUEST_MEMORY_LOW_END);
    assert_non_null(guest_memory_at(&memory, 6 * GIB - 1, 1));
    assert_null(guest_memory_at(&memory, 6 * GIB - 1, 2));
    assert_null(guest_memory_at(&memory, 6 * GIB, 1));
    guest_memory_done(&memory);
}

static void test_overflow(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_non_null(guest_memory_at(&memory, 0, 16 * MIB));
    assert_null(guest_memory_at(&memory, 0, 16 * MIB + 1));
    assert_null(guest_memory_at(&memory, 1, UINT64_MAX));
    assert_null(guest_memory_at(&memory, 4096, UINT64_MAX - 4095));
    assert_null(guest_memory_at(&memory, UINT64_MAX, 1));
    assert_null(guest_memory_at(&memory, UINT64_MAX, 2));
    assert_null(guest_memory_at(&memory, UINT64_MAX - 4095, 8192));
    guest_memory_done(&memory);
}

static void test_copies(void **state _unused_)
{
    struct guest_memory memory;
    uint32_t value = 0x12345678, back = 0;

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(guest_memory_read(&memory, 16 * MIB - 4, &back, 4), 0);
    assert_int_equal(back, 0);
    assert_int_equal(guest_memory_write(&memory, 16 * MIB - 4, &value, 4), 0);
    assert_int_equal(guest_memory_read(&memory, 16 * MIB - 4, &back, 4), 0);
    assert_int_equal(back, value);
    back = 7;
    assert_int_equal(guest_memory_write(&memory, 16 * MIB - 3, &value, 4), -EFAULT);
    assert_int_equal(guest_memory_read(&memory, 16 * MIB - 3, &back, 4), -EFAULT);
    assert_int_equal(back, 7);
    guest_memory_done(&memory);
}

/* Nobody, a vhost-user backend included, can take pages away under an access. */
static void test_sealed(void **state _unused_)
{
    struct guest_memory memory;

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(fcntl(memory.fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(ftruncate(memory.fd, 4096), -1);
    assert_int_equal(ftruncate(memory.fd, 32 * (off_t)MIB), -1);
    assert_true(fcntl(memory.fd, F_GETFD) & FD_CLOEXEC);
    guest_memory_done(&memory);
}

static uint64_t allocated(const struct guest_memory *memory)
{
    unsigned char resident[16 * MIB / 4096];
    uint64_t n = 0;

    assert_true(memory->size <= sizeof(resident) * 4096);
    assert_int_equal(mincore(memory->base, memory->size, resident), 0);
    for (size_t i = 0; i < memory->size / 4096; i++)
        n += resident[i] & 1;
    return n * 4096;
}

static const enum guest_memory_pages not_reserved[] = {GUEST_MEMORY_TRANSPARENT,
                                                       GUEST_MEMORY_SMALL};

/* What is given back is no longer the host's burden, and reads as zeros; what is beside it stays.
 */
static void release(enum guest_memory_pages pages)
{
    struct guest_memory memory;
    uint64_t released = 77;

    assert_int_equal(guest_memory_init_pages(&memory, 16 * MIB, pages), 0);
    memset(memory.base, 0x5a, 4 * MIB);
    assert_int_equal(allocated(&memory), 4 * MIB);
    assert_int_equal(guest_memory_release(&memory, memory.base + MIB, 2 * MIB, &released), 0);
    assert_int_equal(released, 2 * MIB);
    assert_int_equal(allocated(&memory), 2 * MIB);
    assert_int_equal(memory.base[MIB - 1], 0x5a);
    assert_int_equal(memory.base[MIB], 0);
    assert_int_equal(memory.base[3 * MIB - 1], 0);
    assert_int_equal(memory.base[3 * MIB], 0x5a);

    /* Only whole pages, inwards. */
    memset(memory.base, 0x5a, 4 * MIB);
    assert_int_equal(guest_memory_release(&memory, memory.base + 1, 2 * 4096, &released), 0);
    assert_int_equal(released, 4096);
    assert_int_equal(memory.base[4095], 0x5a);
    assert_int_equal(memory.base[4096], 0);
    assert_int_equal(memory.base[8191], 0);
    assert_int_equal(memory.base[8192], 0x5a);
    assert_int_equal(guest_memory_release(&memory, memory.base + 1, 4096 + 4094, &released), 0);
    assert_int_equal(released, 0);
    assert_int_equal(guest_memory_release(&memory, memory.base, 4095, &released), 0);
    assert_int_equal(released, 0);
    assert_int_equal(memory.base[0], 0x5a);
    /* To the last byte, twice. */
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(guest_memory_release(&memory, memory.base, 16 * MIB, &released), 0);
        assert_int_equal(released, 16 * MIB);
        assert_int_equal(allocated(&memory), 0);
    }
    guest_memory_done(&memory);
}

static void test_release(void **state _unused_)
{
    for (size_t i = 0; i < ELEMENTSOF(not_reserved); i++)
        release(not_reserved[i]);
}

/* Pages of a file stay when memory around them is given back. */
static void map_file(enum guest_memory_pages pages)
{
    struct guest_memory memory;
    uint64_t released;
    _cleanup_close_ int fd = memfd_create("file", MFD_CLOEXEC);

    assert_int_equal(ftruncate(fd, 2 * MIB), 0);
    assert_int_equal(pwrite(fd, "file", 4, 4096), 4);
    assert_int_equal(guest_memory_init_pages(&memory, 16 * MIB, pages), 0);
    memset(memory.base, 0x5a, 16 * MIB);
    assert_int_equal(guest_memory_map_file(&memory, MIB, 0, fd, 0), 0);
    assert_int_equal(memory.file_end, 0);
    assert_int_equal(guest_memory_map_file(&memory, 5 * MIB, MIB, fd, 4096), 0);
    assert_int_equal(guest_memory_map_file(&memory, 3 * MIB, MIB, fd, 4096), 0);
    assert_memory_equal(memory.base + 5 * MIB, "file", 4);
    assert_memory_equal(memory.base + 3 * MIB, "file", 4);
    assert_int_equal(memory.base[3 * MIB - 1], 0x5a);
    assert_int_equal(memory.base[4 * MIB], 0x5a);
    assert_int_equal(memory.base[6 * MIB], 0x5a);
    assert_int_equal(guest_memory_map_file(&memory, 16 * MIB, 4096, fd, 0), -EFAULT);
    assert_int_equal(guest_memory_map_file(&memory, MIB, 4096, fd, 1), -EINVAL);
    assert_int_equal(guest_memory_map_file(&memory, MIB + 1, 4096, fd, 0), -EINVAL);
    assert_int_equal(guest_memory_map_file(&memory, MIB, 4095, fd, 0), -EINVAL);
    assert_int_equal(guest_memory_map_file(&memory, MIB, 4096, -1, 0), -EBADF);

    assert_int_equal(guest_memory_release(&memory, memory.base, 16 * MIB, &released), 0);
    assert_int_equal(released, 13 * MIB);
    assert_memory_equal(memory.base + 3 * MIB, "file", 4);
    assert_int_equal(memory.base[4 * MIB], 0x5a); /* between two files */
    assert_int_equal(memory.base[3 * MIB - 1], 0);
    assert_int_equal(memory.base[6 * MIB], 0);
    memset(memory.base, 0x5a, MIB);
    assert_int_equal(guest_memory_release(&memory, memory.base + MIB / 2, MIB, &released), 0);
    assert_int_equal(released, MIB);
    assert_int_equal(guest_memory_release(&memory, memory.base + 4 * MIB, MIB, &released), 0);
    assert_int_equal(released, 0);
    assert_int_equal(guest_memory_release(&memory, memory.base + 5 * MIB, 3 * MIB, &released), 0);
    assert_int_equal(released, 2 * MIB);
    guest_memory_done(&memory);
}

static void test_map_file(void **state _unused_)
{
    for (size_t i = 0; i < ELEMENTSOF(not_reserved); i++)
        map_file(not_reserved[i]);
}

/* Of what the host makes huge pages by itself there is no file; a kernel without them makes small
 * ones. */
static void test_transparent(void **state _unused_)
{
    char text[128] = "";
    struct guest_memory memory;
    _cleanup_close_ int fd =
        open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);

    assert_int_equal(guest_memory_init_pages(&memory, 16 * MIB, GUEST_MEMORY_TRANSPARENT), 0);
    assert_int_equal(memory.fd, -EBADF);
    assert_int_equal(allocated(&memory), 0);
    memory.base[5 * MIB] = 1;
    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && !strstr(text, "[never]"))
        assert_int_equal(allocated(&memory), GUEST_MEMORY_HUGE_PAGE);
    else
        assert_int_equal(allocated(&memory), 4096);
    /* What little is at the bottom costs no huge page. */
    uint64_t before = allocated(&memory);
    memory.base[0x9000] = 1;
    assert_int_equal(allocated(&memory), before + 4096);
    guest_memory_done(&memory);
}

/* Huge pages of the guest are huge pages of ours, and of the file. */
static void test_aligned(void **state _unused_)
{
    struct guest_memory memory;

    for (unsigned i = 0; i < 32; i++) {
        uint64_t size = 16 * MIB + i * 4096 + (i % 2) * 3 * GIB;

        assert_int_equal(guest_memory_init_pages(&memory, size, not_reserved[i / 2 % 2]), 0);
        assert_false(guest_memory_is_reserved(&memory));
        for (unsigned k = 0; k < memory.n_regions; k++) {
            assert_int_equal(memory.regions[k].gpa % (2 * MIB), 0);
            assert_int_equal(memory.regions[k].offset % (2 * MIB), 0);
            assert_int_equal(
                (uintptr_t)guest_memory_at(&memory, memory.regions[k].gpa, 1) % (2 * MIB), 0);
        }
        memory.base[size - 1] = 1;
        guest_memory_done(&memory);
    }
}

/* Where the host has them: this machine's own pool is left alone. */
static void test_reserved(void **state _unused_)
{
    struct guest_memory memory;
    uint64_t released;

    assert_int_equal(guest_memory_init_pages(&memory, 17 * MIB, GUEST_MEMORY_HUGE), -EINVAL);
    assert_int_equal(guest_memory_init_pages(&memory, GUEST_MEMORY_MAX, GUEST_MEMORY_HUGE),
                     -ENOMEM);
    int r = guest_memory_init_pages(&memory, 16 * MIB, GUEST_MEMORY_HUGE);
    if (r == -ENOMEM) {
        print_message("no huge pages are reserved here: that part was not tested\n");
        return;
    }
    assert_int_equal(r, 0);
    assert_true(guest_memory_is_reserved(&memory));
    memset(memory.base, 0x5a, 4 * MIB);
    assert_int_equal(guest_memory_release(&memory, memory.base + 4096, 2 * MIB, &released), 0);
    assert_int_equal(released, 0);
    assert_int_equal(guest_memory_release(&memory, memory.base + 4096, 4 * MIB, &released), 0);
    assert_int_equal(released, 2 * MIB);
    assert_int_equal(memory.base[2 * MIB - 1], 0x5a);
    guest_memory_done(&memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),       cmocka_unit_test(test_below_hole),
        cmocka_unit_test(test_hole),        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_copies),      cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_release),     cmocka_unit_test(test_map_file),
        cmocka_unit_test(test_transparent), cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
