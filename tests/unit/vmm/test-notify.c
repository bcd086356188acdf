/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Word to systemd, received on a socket of our own. */
#include "vmm/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "test.h"

static int listen_at(const char *path, struct sockaddr_un *address)
{
    size_t length = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void receive(int fd, char *ret, size_t size)
{
    ssize_t n = recv(fd, ret, size - 1, 0);

    assert_true(n >= 0);
    ret[n] = '\0';
}

static int setup(void **state _unused_)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static void test_nobody(void **state _unused_)
{
    struct notify notify;

    assert_int_equal(notify_init(&notify), 0);
    assert_int_equal(notify.fd, -EBADF);
    notify_send(&notify, "READY=%d", 1);
    notify_done(&notify);
}

static void test_abstract(void **state _unused_)
{
    struct sockaddr_un address;
    struct notify notify;
    char name[64], text[2048];

    (void)snprintf(name, sizeof(name), "@volt-test-notify-%d", getpid());
    _cleanup_close_ int fd = listen_at(name, &address);
    assert_int_equal(notify_init(&notify), 0);
    notify_send(&notify, "READY=1\nSTATUS=%s", "Running");
    receive(fd, text, sizeof(text));
    assert_string_equal(text, "READY=1\nSTATUS=Running");
    /* What is too long is cut, not lost and not overrun. */
    static char large[2000];
    memset(large, 'x', sizeof(large) - 1);
    notify_send(&notify, "STATUS=%s", large);
    receive(fd, text, sizeof(text));
    assert_int_equal(strlen(text), 1279);
    notify_done(&notify);
    notify_send(&notify, "WATCHDOG=1"); /* closed: nothing happens */
    assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
}

static void test_path(void **state _unused_)
{
    char directory[] = "/tmp/volt-test-notify-XXXXXX", path[64], text[64];
    struct sockaddr_un address;
    struct notify notify;

    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/notify", directory);
    int fd = listen_at(path, &address);
    assert_int_equal(notify_init(&notify), 0);
    notify_send(&notify, "WATCHDOG=1");
    receive(fd, text, sizeof(text));
    assert_string_equal(text, "WATCHDOG=1");
    close(fd);
    notify_send(&notify, "WATCHDOG=1"); /* the listener is gone: no signal, no end */
    notify_done(&notify);
    unlink(path);
    rmdir(directory);
}

static void test_bad_addresses(void **state _unused_)
{
    static char large[200];
    struct notify notify;

    memset(large, 'x', sizeof(large) - 1);
    large[0] = '/';
    const char *bad[] = {"", "relative", "/", "@", large};
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_int_equal(notify_init(&notify), -EINVAL);
        assert_int_equal(notify.fd, -EBADF);
    }
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    assert_int_equal(notify_init(&notify), -ENOENT);
}

static void test_watchdog(void **state _unused_)
{
    struct notify notify;
    char pid[16];

    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_init(&notify), 0);
    assert_true(notify.watchdog_usec == 30000000);
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_init(&notify), 0);
    assert_true(notify.watchdog_usec == 30000000);
    setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
    assert_int_equal(notify_init(&notify), 0);
    assert_true(notify.watchdog_usec == 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody, setup),
        cmocka_unit_test_setup(test_abstract, setup),
        cmocka_unit_test_setup(test_path, setup),
        cmocka_unit_test_setup(test_bad_addresses, setup),
        cmocka_unit_test_setup(test_watchdog, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
