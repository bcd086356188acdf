/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-blk on a host that does less than it is asked for, or fails; and images that are no disk.
 */
#include <sys/stat.h>
#include <sys/uio.h>

#include "disk-world.h"

/* What the host does: at most LIMIT bytes a call, or fails with ERROR; every other call EINTR. */
static struct {
    atomic_size_t limit;
    atomic_int error, flush_error;
    atomic_bool interrupt;
    atomic_uint flushes, calls;
    enum disk_call_kind last; /* put into the ring; there is one at a time */
    atomic_size_t most;       /* that one call asked for */
} host;

ssize_t __real_preadv64(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t __real_pwritev64(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int n, off_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int n, off_t offset);
int __wrap_fdatasync(int fd);

static void note_size(const struct iovec *iov, unsigned n)
{
    size_t size = 0;

    for (unsigned i = 0; i < n; i++)
        size += iov[i].iov_len;
    if (size > host.most)
        host.most = size;
}

static ssize_t limited(ssize_t (*call)(int, const struct iovec *, int, off_t), int fd,
                       const struct iovec *iov, int n, off_t offset)
{
    unsigned calls = host.calls++;

    note_size(iov, (unsigned)n);
    if (host.interrupt && calls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (host.error) {
        errno = host.error;
        return -1;
    }
    if (host.limit == 0)
        return call(fd, iov, n, offset);
    struct iovec one = iov[0];
    if (one.iov_len > host.limit)
        one.iov_len = host.limit;
    return call(fd, &one, 1, offset);
}

ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int n, off_t offset)
{
    return limited(__real_preadv64, fd, iov, n, offset);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int n, off_t offset)
{
    return limited(__real_pwritev64, fd, iov, n, offset);
}

int __wrap_fdatasync(int fd _unused_)
{
    host.flushes++;
    errno = host.flush_error;
    return host.flush_error ? -1 : 0;
}

void __real_disk_ring_add(struct disk_ring *ring, const struct disk_call *call, void *tag);
bool __real_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer);
void __wrap_disk_ring_add(struct disk_ring *ring, const struct disk_call *call, void *tag);
bool __wrap_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer);

void __wrap_disk_ring_add(struct disk_ring *ring, const struct disk_call *call, void *tag)
{
    host.last = call->kind;
    note_size(call->iov, call->n);
    __real_disk_ring_add(ring, call, tag);
}

/* The same host, seen through a ring: what was done is denied, as far as that goes. */
bool __wrap_disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer)
{
    if (!__real_disk_ring_take(ring, ret_tag, ret_answer))
        return false;
    if (host.last == DISK_CALL_FLUSH) {
        host.flushes++;
        *ret_answer = -host.flush_error;
    } else if (host.last == DISK_CALL_ALLOCATE) {
        return true;
    } else if (host.interrupt && host.calls++ % 2 == 0) {
        static const int ways[] = {-EINTR, -ECANCELED, -EAGAIN};
        *ret_answer = ways[host.calls % 3];
    } else if (host.error) {
        *ret_answer = -host.error;
    } else if (host.limit > 0 && *ret_answer > (int64_t)host.limit) {
        *ret_answer = (int64_t)host.limit;
    }
    return true;
}

static int setup(void **state)
{
    memset(&host, 0, sizeof(host));
    *state = world_new(world_image(), "", 1);
    bring_up(*state, 0);
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static const struct piece three[] = {
    {0x141000, 512, true}, {0x142003, 1024, true}, {0x143000, 512, true}};

static void test_short(void **state)
{
    struct world *world = *state;
    struct piece out[3];
    uint8_t on_disk[2048];

    host.limit = 100;
    host.interrupt = true;
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 50, three, 3, NULL), VIRTIO_BLK_S_OK);
    for (unsigned i = 0; i < 4; i++) {
        static const uint64_t at[] = {0x141000, 0x142003, 0x142203, 0x143000};
        uint64_t mark;

        (void)guest_memory_read(&world->memory, at[i], &mark, sizeof(mark));
        assert_int_equal(mark, 50 + i);
    }
    for (unsigned i = 0; i < 3; i++)
        out[i] = (struct piece){three[i].address, three[i].length, false};
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_OUT, 200, out, 3, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(pread(world->image, on_disk, 2048, 200 * 512), 2048);
    for (uint64_t i = 0; i < 4; i++)
        assert_memory_equal(on_disk + i * 512, &(uint64_t){50 + i}, 8);
}

/* What is more than the disk takes at once is asked for bit by bit. */
static void test_at_once(void **state)
{
    struct world *world = *state;
    struct piece pieces[5];
    uint8_t on_disk[5 * 1024];

    for (unsigned i = 0; i < 5; i++)
        pieces[i] = (struct piece){0x141000 + i * UINT64_C(0x1000), 1024, true};
    disk_of(world->device)->image.at_once = 2560;
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 50, pieces, 5, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(host.most, 2048);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t mark;

        (void)guest_memory_read(&world->memory, pieces[i / 2].address + i % 2 * 512, &mark, 8);
        assert_int_equal(mark, 50 + i);
    }
    for (unsigned i = 0; i < 5; i++)
        pieces[i].in = false;
    disk_of(world->device)->image.at_once = 512; /* less than a buffer: each is a call */
    host.most = 0;
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_OUT, 200, pieces, 5, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(host.most, 1024);
    assert_int_equal(pread(world->image, on_disk, sizeof(on_disk), 200 * 512), sizeof(on_disk));
    for (uint64_t i = 0; i < 10; i++)
        assert_memory_equal(on_disk + i * 512, &(uint64_t){50 + i}, 8);
}

/* An error in the middle is the request's. The journal has one line for all of them. */
static void test_errors(void **state)
{
    struct world *world = *state;
    struct capture capture = capture_start();

    host.error = ENOSPC;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 8, 512, false),
                         VIRTIO_BLK_S_IOERR);
    host.error = EIO;
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 8, 512, true), VIRTIO_BLK_S_IOERR);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "Disk 'root': the host cannot write at sector 8: No space left on "
                                 "device; the guest gets an I/O error"));
    host.error = 0;
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 8, 512, true), VIRTIO_BLK_S_OK);
    assert_int_equal(status_now(world), READY);
}

/* Somebody cut the image under the guest: an error, and no zeros that nobody wrote. */
static void test_cut(void **state)
{
    struct world *world = *state;
    struct capture capture = capture_start();

    assert_int_equal(ftruncate(world->image, 4096), 0);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 7, 1024, true), VIRTIO_BLK_S_IOERR);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "cannot read at sector 7"));
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 7, 512, true), VIRTIO_BLK_S_OK);
}

static void test_flush(void **state)
{
    struct world *world = *state;
    struct capture capture = capture_start();

    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 8, 512, false), VIRTIO_BLK_S_OK);
    assert_int_equal(host.flushes, 0);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(host.flushes, 1);
    host.flush_error = EIO;
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL), VIRTIO_BLK_S_IOERR);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "cannot flush"));
}

/* Without FLUSH every write is stable when it is acknowledged. */
static void test_write_through(void **state)
{
    struct world *world = *state;

    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, FEATURE(VIRTIO_BLK_F_FLUSH));
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 8, 512, false), VIRTIO_BLK_S_OK);
    assert_int_equal(host.flushes, 1);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 8, 512, true), VIRTIO_BLK_S_OK);
    assert_int_equal(host.flushes, 1);
    memcpy(data_at(world, 0), &(struct virtio_blk_discard_write_zeroes){8, 8, 0}, 16);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_DISCARD, 0, 16, false), VIRTIO_BLK_S_OK);
    assert_int_equal(host.flushes, 2);
    struct capture capture = capture_start();
    host.flush_error = EIO;
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_OUT, 8, 512, false), VIRTIO_BLK_S_IOERR);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "cannot flush what was written at sector 8"));
}

/* disk_create() with ARGUMENT fails with R and says MESSAGE. */
static void refused(struct world *world, const char *argument, int r, const char *message)
{
    const struct device_environment environment = {
        .memory = &world->memory, .take_fd = world_take_fd, .context = world};
    struct virtio_device *device = NULL;
    struct capture capture = capture_start();
    int got = disk_create(argument, &environment, &device);
    _cleanup_free_ char *text = capture_end(&capture);

    if (got != r || !strstr(text, message))
        fail_msg("%s: %d, %s", argument, got, text);
    assert_null(device);
}

static void test_images(void **state)
{
    struct world *world = *state;
    char path[] = "/tmp/volt-disk-XXXXXX", argument[128];
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)snprintf(argument, sizeof(argument), "d,file=%s", path);
    refused(world, argument, -EINVAL, "is empty; give it a size");
    assert_int_equal(ftruncate(fd, 511), 0);
    refused(world, argument, -EINVAL, "is empty");
    refused(world, "d,file=/dev/null", -EINVAL, "is neither a file nor a block device");
    refused(world, "d,file=/nonexistent/x", -ENOENT, "Cannot open the disk '/nonexistent/x'");
    assert_int_equal(unlink(path), 0);
    (void)close(fd);
}

/* One writer, or several readers. */
static void test_locks(void **state)
{
    struct world *world = *state;
    struct world *reader = NULL;

    refused(world, "d,file=fd:disk", -EBUSY, "'fd:disk' is in use by another VM or program");
    refused(world, "d,file=fd:disk,readonly", -EBUSY, "is in use by another VM or program");
    reader = world_new(world_image(), ",readonly", 1);
    refused(reader, "d,file=fd:disk", -EBUSY, "is in use");
    const struct device_environment environment = {
        .memory = &reader->memory, .take_fd = world_take_fd, .context = reader};
    struct virtio_device *second = NULL;
    assert_int_equal(disk_create("d,file=fd:disk,readonly", &environment, &second), 0);
    second->type->destroy(second);
    world_free(reader);
}

static int take_readonly_fd(void *context, const char *name _unused_)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ((struct world *)context)->image);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void test_access(void **state)
{
    struct world *world = *state;
    const struct device_environment environment = {
        .memory = &world->memory, .take_fd = take_readonly_fd, .context = world};
    struct virtio_device *device = NULL;
    struct capture capture = capture_start();

    assert_int_equal(disk_create("d,file=fd:disk", &environment, &device), -EBADF);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "is not open for reading and writing"));
}

/* Past the page cache, with buffers that O_DIRECT does not take. Not every file system has it. */
static void test_direct(void **state _unused_)
{
    char path[] = "./volt-disk-XXXXXX";
    int fd = mkstemp(path), source = world_image();
    char bytes[4096];
    struct capture capture = capture_start();

    assert_true(fd >= 0);
    for (ssize_t n; (n = read(source, bytes, sizeof(bytes))) > 0;)
        assert_int_equal(write(fd, bytes, (size_t)n), n);
    for (off_t at = 0; at < IMAGE_SIZE; at += (off_t)sizeof(bytes)) {
        assert_int_equal(pread(source, bytes, sizeof(bytes), at), sizeof(bytes));
        assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at), sizeof(bytes));
    }
    assert_int_equal(unlink(path), 0);
    (void)close(source);
    memset(&host, 0, sizeof(host));
    struct world *world = world_new(fd, ",cache=none", 1);
    _cleanup_free_ char *text = capture_end(&capture);
    bool direct = disk_of(world->device)->image.direct;
    if (!direct) {
        assert_non_null(strstr(text, "falling back to cache=writeback"));
        assert_string_equal(world->device->remark, "with the page cache");
    }
    bring_up(world, 0);
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 50, three, 3, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(*(uint64_t *)guest_memory_at(&world->memory, 0x143000, 8), 53);
    uint32_t large = 2 * DISK_BOUNCE_SIZE + 512;
    const struct piece odd[] = {{data_of(0) + 1, large - 7, true}, {data_of(0) + large, 7, true}};
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_IN, 0, odd, 2, NULL), VIRTIO_BLK_S_OK);
    for (uint64_t i = 0; i < large / 512; i++) {
        uint64_t mark;
        (void)guest_memory_read(&world->memory, data_of(0) + 1 + i * 512, &mark, 8);
        assert_int_equal(mark, i);
    }
    const struct piece back[] = {{data_of(0) + 1, large - 7, false},
                                 {data_of(0) + large, 7, false}};
    assert_int_equal(request(world, 0, VIRTIO_BLK_T_OUT, 64, back, 2, NULL), VIRTIO_BLK_S_OK);
    assert_int_equal(request_one(world, 0, VIRTIO_BLK_T_IN, 64 + large / 512 - 1, 512, true),
                     VIRTIO_BLK_S_OK);
    assert_int_equal(*(uint64_t *)(void *)data_at(world, 0), large / 512 - 1);
    print_message("O_DIRECT was %s\n", direct ? "used" : "not to be had here");
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_through, setup, teardown),
        cmocka_unit_test_setup_teardown(test_images, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_access, setup, teardown),
        cmocka_unit_test(test_direct),
    };

    choose_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
