// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the helpers tell the service manager, and that they wait for it. */
#include "generator/fdstore.h"
#include "generator/notify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Makes a manager's socket at NAME, which is abstract with an @, and tells the helpers of it. */
static int make_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    else
        (void)unlink(name);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return fd;
}

/* Takes one message, and its fd or -EBADF. */
static int take(int manager, char *text, size_t size)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {.iov_base = text, .iov_len = size - 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(manager, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int fd = -EBADF;

    assert_true(n >= 0);
    text[n] = '\0';
    if (header) {
        assert_int_equal(header->cmsg_type, SCM_RIGHTS);
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    }
    return fd;
}

static void send_and_take(int manager)
{
    char text[400];
    struct stat sent, got;
    int fd;

    assert_int_equal(fdstore_remove("kvm"), 0);
    assert_int_equal(take(manager, text, sizeof(text)), -EBADF);
    assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=kvm");

    assert_int_equal(fdstore_push("disk.root", manager), 0);
    fd = take(manager, text, sizeof(text));
    assert_string_equal(text, "FDSTORE=1\nFDNAME=disk.root");
    assert_true(fd >= 0);
    assert_int_equal(fstat(manager, &sent), 0);
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(sent.st_ino, got.st_ino);
    (void)close(fd);
}

static void test_messages_and_fds(void **state _unused_)
{
    char path[] = "/tmp/volt-notify-XXXXXX", abstract[64];
    int manager;

    assert_non_null(mkdtemp(path));
    assert_int_equal(rmdir(path), 0);
    manager = make_manager(path);
    send_and_take(manager);
    (void)close(manager);
    (void)unlink(path);

    (void)snprintf(abstract, sizeof(abstract), "@volt-notify-%d", (int)getpid());
    manager = make_manager(abstract);
    send_and_take(manager);
    (void)close(manager);
}

/* Waits for a child of its own, which is the helper. */
static int helper_status(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_barrier_waits(void **state _unused_)
{
    char name[64], text[64];
    int manager, fd;
    pid_t child;

    (void)snprintf(name, sizeof(name), "@volt-barrier-%d", (int)getpid());
    manager = make_manager(name);
    child = fork();
    if (child == 0)
        _exit(notify_barrier(60000) == 0 ? 0 : 1);
    fd = take(manager, text, sizeof(text));
    assert_string_equal(text, "BARRIER=1");
    assert_true(fd >= 0);
    (void)usleep(20000);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    (void)close(fd);
    assert_int_equal(helper_status(child), 0);

    /* One that does not come to it. */
    assert_int_equal(notify_barrier(20), -ETIMEDOUT);
    (void)close(manager);
}

static void test_nobody_listens(void **state _unused_)
{
    char long_name[200] = "/";

    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_false(notify_available());
    assert_int_equal(fdstore_push("kvm", 0), 0);
    assert_int_equal(notify_barrier(60000), 0);

    assert_int_equal(setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1), 0);
    assert_int_equal(notify_send("READY=1", -EBADF), -ENOENT);
    assert_int_equal(notify_barrier(60000), -ENOENT);
    assert_int_equal(setenv("NOTIFY_SOCKET", "vsock:2:1", 1), 0);
    assert_int_equal(notify_send("READY=1", -EBADF), -EAFNOSUPPORT);
    assert_int_equal(setenv("NOTIFY_SOCKET", "@", 1), 0);
    assert_int_equal(notify_send("READY=1", -EBADF), -EINVAL);
    memset(long_name + 1, 'x', sizeof(long_name) - 2);
    assert_int_equal(setenv("NOTIFY_SOCKET", long_name, 1), 0);
    assert_int_equal(notify_send("READY=1", -EBADF), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_and_fds),
        cmocka_unit_test(test_barrier_waits),
        cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
