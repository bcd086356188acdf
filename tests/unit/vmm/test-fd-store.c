/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handed-over descriptors: names, and everything that can be wrong with an announcement. */
#include "vmm/fd-store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "test.h"

/* Puts N open descriptors where systemd puts them and announces NAMES to process PID. */
static void announce(int n, const char *names, int pid)
{
    char text[16];

    for (int i = 0; i < n; i++) {
        _cleanup_close_ int fd = fcntl(STDERR_FILENO, F_DUPFD, 100);

        assert_true(dup2(fd, FD_STORE_START + i) >= 0);
    }
    (void)snprintf(text, sizeof(text), "%d", n);
    setenv("LISTEN_FDS", text, 1);
    (void)snprintf(text, sizeof(text), "%d", pid);
    setenv("LISTEN_PID", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

static int teardown(void **state _unused_)
{
    for (int i = 0; i < 4; i++)
        (void)close(FD_STORE_START + i);
    return 0;
}

static void assert_announcement_gone(void)
{
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
}

static void test_nothing(void **state _unused_)
{
    struct fd_store store;

    assert_int_equal(fd_store_init(&store), 0);
    assert_int_equal(store.n, 0);
    assert_int_equal(fd_store_check_empty(&store), 0);
    assert_int_equal(fd_store_take(&store, "kvm"), -ENOENT);
    fd_store_done(&store);
}

static void test_names(void **state _unused_)
{
    struct fd_store store;

    announce(3, "kernel:net.eth0.0:kvm", getpid());
    assert_int_equal(fd_store_init(&store), 0);
    assert_announcement_gone();
    assert_true(fcntl(FD_STORE_START, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fd_store_take(&store, "kvm"), FD_STORE_START + 2);
    assert_int_equal(fd_store_take(&store, "kvm"), -ENOENT); /* only once */
    assert_int_equal(fd_store_take(&store, "kern"), -ENOENT);
    assert_int_equal(fd_store_open(&store, "fd:net.eth0.0", O_RDWR, "TAP"), FD_STORE_START + 1);

    struct capture capture = capture_start();
    assert_int_equal(fd_store_check_empty(&store), -EINVAL);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_non_null(strstr(text, "'kernel' was handed over, but no option names it"));
    fd_store_done(&store);
    assert_int_equal(fcntl(FD_STORE_START, F_GETFD), -1); /* closed with the store */
    assert_true(fcntl(FD_STORE_START + 1, F_GETFD) >= 0);
}

static void test_duplicate(void **state _unused_)
{
    struct fd_store store;

    announce(3, "kvm:net:kvm", getpid());
    assert_int_equal(fd_store_init(&store), -EEXIST);
    assert_announcement_gone();
    fd_store_done(&store);
}

static void test_for_another(void **state _unused_)
{
    struct fd_store store;

    announce(1, "kvm", getpid() + 1);
    assert_int_equal(fd_store_init(&store), 0);
    assert_int_equal(store.n, 0);
    assert_announcement_gone();
}

static void test_broken(void **state _unused_)
{
    static const struct {
        const char *variable, *value;
        int result;
    } cases[] = {
        {"LISTEN_FDNAMES", "kvm", -EINVAL}, /* fewer names than descriptors */
        {"LISTEN_FDNAMES", "", -EINVAL},     {"LISTEN_FDNAMES", "kvm:", -EINVAL},
        {"LISTEN_FDNAMES", ":kvm", -EINVAL}, {"LISTEN_FDS", "-1", -EINVAL},
        {"LISTEN_FDS", "", -EINVAL},         {"LISTEN_FDS", "2 ", -EINVAL},
        {"LISTEN_FDS", "257", -EINVAL},      {"LISTEN_FDS", "99999999999999999999", -EINVAL},
        {"LISTEN_FDS", "3", -EBADF}, /* the third is not open */
        {"LISTEN_PID", "x", -EINVAL},        {"LISTEN_PID", "-5", -EINVAL},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct fd_store store;

        announce(2, "kvm:kernel:other", getpid());
        setenv(cases[i].variable, cases[i].value, 1);
        assert_int_equal(fd_store_init(&store), cases[i].result);
        assert_announcement_gone();
        fd_store_done(&store);
    }
    struct fd_store store;
    announce(2, "kvm:kernel", getpid());
    unsetenv("LISTEN_FDS");
    assert_int_equal(fd_store_init(&store), 0);
    assert_int_equal(store.n, 0);
}

static void test_paths(void **state _unused_)
{
    struct fd_store store;

    assert_int_equal(fd_store_init(&store), 0);
    _cleanup_close_ int fd = fd_store_open(&store, "/dev/null", O_RDWR, "nothing");
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    struct capture capture = capture_start();
    int r = fd_store_open(&store, "/nonexistent/vmlinux", O_RDONLY, "kernel");
    int missing = fd_store_open(&store, "fd:", O_RDONLY, "kernel");
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(r, -ENOENT);
    assert_int_equal(missing, -ENOENT);
    assert_non_null(strstr(text, "Cannot open the kernel '/nonexistent/vmlinux': No such file"));
    fd_store_done(&store);
}

/* What is no file to be read is told as what it is; the FIFO has no writer, and nobody waits for
 * one. */
static void test_images(void **state _unused_)
{
    char dir[] = "/tmp/volt-test.XXXXXX", fifo[64], empty[64], image[64];
    struct fd_store store;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    (void)snprintf(empty, sizeof(empty), "%s/empty", dir);
    (void)snprintf(image, sizeof(image), "%s/image", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    (void)close(open(empty, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    int written = open(image, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(written, "x", 1), 1);
    (void)close(written);
    const struct {
        const char *path, *text;
    } cases[] = {
        {dir, "' is a directory, not a regular file"},
        {fifo, "' is a FIFO, not a regular file"},
        {"/dev/zero", "' is a device, not a regular file"},
        {empty, "' is empty"},
    };

    assert_int_equal(fd_store_init(&store), 0);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        int r = fd_store_open_image(&store, cases[i].path, "kernel");
        _cleanup_free_ char *text = capture_end(&capture);

        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(text, "The kernel '"));
        assert_non_null(strstr(text, cases[i].text));
    }
    _cleanup_close_ int fd = fd_store_open_image(&store, image, "kernel");
    assert_true(fd >= 0);
    fd_store_done(&store);
    assert_int_equal(unlink(fifo) + unlink(empty) + unlink(image) + rmdir(dir), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_nothing), TEST(test_names), TEST(test_duplicate), TEST(test_for_another),
        TEST(test_broken),  TEST(test_paths), TEST(test_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
