// SPDX-License-Identifier: LGPL-2.1-or-later
/* A system bus that does not do what it should. */
#include "generator/net-reload.h"
#include "generator/net-up.h"
#include "generator/networkd.h"

#include "temporary-dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

/* Connections are taken into the backlog, and no word is ever said. */
static int silent_bus(const struct temporary_dir *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX], variable[PATH_MAX + 16];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)temporary_path(dir, "bus", path);
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    (void)snprintf(variable, sizeof(variable), "unix:path=%s", path);
    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", variable, 1), 0);
    return fd;
}

static void test_silent_bus(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = silent_bus(&dir);
    _cleanup_free_ char *why = NULL;
    int64_t start = net_now_ms();

    assert_true(fd >= 0);
    (void)alarm(20);
    assert_int_equal(networkd_reload(300, &why), -ETIMEDOUT);
    (void)alarm(0);
    assert_true(net_now_ms() - start < 2000);
    assert_non_null(why);
    assert_non_null(strstr(why, "does not answer"));
}

static void test_no_bus(void **state _unused_)
{
    _cleanup_free_ char *why = NULL;

    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
    assert_int_equal(networkd_reload(300, &why), -ENOENT);
    assert_non_null(why);
}

/* VMs that start together: one asks for all. */
static void test_shared_reload(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *why = NULL, *again = NULL;
    _cleanup_close_ int fd = -EBADF;
    char path[PATH_MAX];

    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
    (void)temporary_path(&dir, "reload", path);
    /* Nobody did yet, and an attempt that fails is none. */
    assert_int_equal(net_reload(path, 1000, 300, &why), -ENOENT);
    assert_int_equal(net_reload(path, 1000, 300, &again), -ENOENT);
    temporary_write(&dir, "reload", "00000000000000002000\n");
    free(TAKE_PTR(why));
    assert_int_equal(net_reload(path, 1999, 300, &why), 0);
    assert_null(why);
    /* It began before this one's files were there. */
    assert_int_equal(net_reload(path, 2000, 300, &why), -ENOENT);
    free(TAKE_PTR(why));
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(net_reload(path, 1999, 300, &why), -EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_bus),
        cmocka_unit_test(test_no_bus),
        cmocka_unit_test(test_shared_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
