/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring: what it does, and all that it refuses to do, whoever enters it. */
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/syscall.h>

#include "test.h"
#include "vmm/devices/disk-ring.h"

enum { SIZE = 65536, CALLS = 8 };

struct world {
    int image;
    struct disk_ring *ring;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->image = memfd_create("image", MFD_CLOEXEC);
    assert_true(world->image >= 0);
    assert_int_equal(ftruncate(world->image, SIZE), 0);
    assert_int_equal(disk_ring_new(world->image, CALLS, &world->ring), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    disk_ring_free(world->ring);
    world->image = close_fd(world->image);
    free(world);
    return 0;
}

static int64_t make(struct world *world, const struct disk_call *call)
{
    int64_t answer;
    void *tag;

    disk_ring_add(world->ring, call, (void *)call);
    assert_int_equal(disk_ring_submit(world->ring, true), 0);
    assert_true(disk_ring_take(world->ring, &tag, &answer));
    assert_ptr_equal(tag, call);
    assert_false(disk_ring_take(world->ring, &tag, &answer));
    return answer;
}

static void test_calls(void **state)
{
    struct world *world = *state;
    char out[2][100], in[200];
    struct iovec write[] = {{out[0], 100}, {out[1], 100}}, read[] = {{in, 200}};
    struct disk_call call = {.kind = DISK_CALL_WRITE, .iov = write, .n = 2, .offset = 1000};

    memset(out[0], 'a', 100);
    memset(out[1], 'b', 100);
    assert_int_equal(make(world, &call), 200);
    call = (struct disk_call){.kind = DISK_CALL_READ, .iov = read, .n = 1, .offset = 1000};
    assert_int_equal(make(world, &call), 200);
    assert_memory_equal(in, out, 200);
    call.offset = SIZE - 50;
    assert_int_equal(make(world, &call), 50);
    call.offset = SIZE;
    assert_int_equal(make(world, &call), 0);
    call = (struct disk_call){.kind = DISK_CALL_FLUSH};
    assert_int_equal(make(world, &call), 0);
    call = (struct disk_call){.kind = DISK_CALL_ALLOCATE,
                              .mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              .offset = 0,
                              .length = 4096};
    assert_int_equal(make(world, &call), 0);
    assert_int_equal(pread(world->image, in, 200, 1000), 200);
    assert_int_equal(in[0] | in[199], 0);
    call.mode = -1;
    assert_true(make(world, &call) < 0);
}

static void test_many(void **state)
{
    struct world *world = *state;
    struct disk_call calls[CALLS];
    struct iovec iov[CALLS];
    char bytes[CALLS][16];
    unsigned seen = 0;
    struct pollfd answers = {.fd = disk_ring_fd(world->ring), .events = POLLIN};

    for (unsigned round = 0; round < 100; round++) {
        assert_int_equal(poll(&answers, 1, 0), 0);
        for (unsigned i = 0; i < CALLS; i++) {
            iov[i] = (struct iovec){bytes[i], 16};
            calls[i] = (struct disk_call){
                .kind = DISK_CALL_READ, .iov = &iov[i], .n = 1, .offset = i * 16};
            disk_ring_add(world->ring, &calls[i], &calls[i]);
        }
        for (unsigned n = 0; n < CALLS; n++) {
            int64_t answer;
            void *tag;

            assert_int_equal(disk_ring_submit(world->ring, true), 0);
            assert_int_equal(poll(&answers, 1, 0), 1);
            assert_true(disk_ring_take(world->ring, &tag, &answer));
            assert_int_equal(answer, 16);
            seen |= 1u << ((struct disk_call *)tag - calls);
        }
        assert_int_equal(seen, (1 << CALLS) - 1);
    }
}

/* By way of the ring's descriptor alone: liburing's part is not asked. */
static int64_t try(struct world *world, const struct io_uring_sqe *sqe)
{
    struct io_uring *uring = (struct io_uring *)(void *)world->ring; /* its first member */
    struct io_uring_cqe *cqe;

    *io_uring_get_sqe(uring) = *sqe;
    assert_int_equal(io_uring_submit_and_wait(uring, 1), 1);
    assert_int_equal(io_uring_peek_cqe(uring, &cqe), 0);
    int64_t r = cqe->res;
    io_uring_cqe_seen(uring, cqe);
    return r;
}

static void test_refused_operations(void **state)
{
    struct world *world = *state;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct io_uring_sqe good = {.opcode = IORING_OP_READV,
                                .flags = IOSQE_FIXED_FILE,
                                .addr = (uintptr_t)&iov,
                                .len = 1},
                        bad;

    assert_int_equal(try(world, &good), 1);
    for (unsigned operation = 0; operation < 64; operation++) {
        bad = good;
        bad.opcode = (uint8_t)operation;
        if (operation == IORING_OP_READV || operation == IORING_OP_WRITEV ||
            operation == IORING_OP_FSYNC || operation == IORING_OP_FALLOCATE)
            continue;
        int64_t r = try(world, &bad);
        if (r != -EACCES && r != -EINVAL)
            fail_msg("operation %u: %lld", operation, (long long)r);
    }
    bad = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
                                .flags = IOSQE_FIXED_FILE,
                                .fd = AT_FDCWD,
                                .addr = (uintptr_t) "/etc/passwd"};
    assert_int_equal(try(world, &bad), -EACCES);
}

static void test_refused_files(void **state)
{
    struct world *world = *state;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct io_uring_sqe sqe = {.opcode = IORING_OP_READV, .addr = (uintptr_t)&iov, .len = 1};

    sqe.fd = world->image; /* as a plain descriptor, though it is the right one */
    assert_int_equal(try(world, &sqe), -EACCES);
    sqe.flags = IOSQE_FIXED_FILE;
    sqe.fd = 1;
    assert_int_equal(try(world, &sqe), -EBADF);
    sqe.fd = 0;
    sqe.flags |= IOSQE_IO_LINK;
    assert_int_equal(try(world, &sqe), -EACCES);
}

/* What is registered stays. */
static void test_sealed(void **state)
{
    struct world *world = *state;
    int fd = disk_ring_fd(world->ring);

    for (unsigned operation = 0; operation < 40; operation++) {
        int argument[16] = {0};

        errno = 0;
        assert_int_equal(syscall(SYS_io_uring_register, fd, operation, argument, 1), -1);
        if (errno != EACCES && errno != EINVAL)
            fail_msg("io_uring_register, %u: %s", operation, strerror(errno));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_operations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
    };
    struct disk_ring *ring = NULL;

    int r = disk_ring_new(STDIN_FILENO, 1, &ring);
    if (r < 0) {
        print_message("There is no io_uring here (error %d): not tested\n", r);
        return 77;
    }
    disk_ring_free(ring);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
