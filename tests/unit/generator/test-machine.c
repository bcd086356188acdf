// SPDX-License-Identifier: LGPL-2.1-or-later
/* machinectl's names for VMs, and a machined that does not do what it should. */
#include "generator/machine-name.h"
#include "generator/machine-varlink.h"
#include "generator/machined.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define A63  "aaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaa"

static const struct machine machine = {
    .uuid = UUID,
    .name = "web",
    .leader = 4711,
    .cid = 1234,
    .interfaces = {3, 2147483647},
    .n_interfaces = 2,
};

static void test_names(void **state _unused_)
{
    static const struct {
        const char *name, *first, *second;
    } cases[] = {
        {"web", "web", "web-6ba7b810"},
        {"Web.example.org", "Web.example.org", "Web.example.org-6ba7b810"},
        {"web_1", "web-1", "web-1-6ba7b810"},
        {"web--1", "web--1", "web--1-6ba7b810"},
        {"web-", "web", "web-6ba7b810"},
        {"web._-.", "web", "web-6ba7b810"},
        {"a-.b", "a.b", "a.b-6ba7b810"},
        {"a.-b", "a.b", "a.b-6ba7b810"},
        {"a..b", "a.b", "a.b-6ba7b810"},
        {"a_._.b", "a.b", "a.b-6ba7b810"},
        {"", UUID, UUID},
        {"___", UUID, UUID},
        {A63, A63, "aaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaaaaaabaaaaa-6ba7b810"},
    };
    char name[MACHINE_NAME_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        machine_name(cases[i].name, UUID, 0, name);
        assert_string_equal(name, cases[i].first);
        machine_name(cases[i].name, UUID, 1, name);
        assert_string_equal(name, cases[i].second);
        assert_true(strlen(name) <= 64);
        machine_name(cases[i].name, UUID, 2, name);
        assert_string_equal(name, UUID);
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Takes one call, compares it with WANTED, answers with SIZE bytes of REPLY, byte by byte. */
static pid_t serve(int fd, const char *wanted, const char *reply, size_t size)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    char buffer[4096];
    int client = accept(fd, NULL, NULL);
    ssize_t n = recv(client, buffer, sizeof(buffer), 0);
    bool good = n == (ssize_t)strlen(wanted) + 1 && memcmp(buffer, wanted, (size_t)n) == 0;

    for (size_t i = 0; i < size; i++)
        good = send(client, reply + i, 1, MSG_NOSIGNAL) == 1 && good;
    _exit(good ? 0 : 1);
}

/* What machine_varlink_register() makes of REPLY. */
static int call(const char *reply, size_t size)
{
    static const char wanted[] =
        "{\"method\":\"io.systemd.Machine.Register\",\"parameters\":{\"name\":\"web-1\",\"id\":"
        "\"" UUID "\",\"service\":\"volt\",\"class\":\"vm\",\"leader\":4711,\"ifIndices\":[3,"
        "2147483647],\"vSockCid\":1234}}";
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX];
    int status;
    _cleanup_close_ int fd = listen_at(temporary_path(&dir, "machine", path));
    pid_t pid = serve(fd, wanted, reply, size);

    assert_true(pid > 0);
    int r = machine_varlink_register(path, &machine, "web-1", 10000);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return r;
}

static void test_varlink(void **state _unused_)
{
#define REPLY(text) (text), sizeof(text)
    static char endless[5000];

    assert_int_equal(call(REPLY("{\"parameters\":{}}")), 0);
    assert_int_equal(call(REPLY("{\"error\":\"io.systemd.Machine.MachineExists\","
                                "\"parameters\":{}}")),
                     -EEXIST);
    assert_int_equal(call(REPLY("{\"error\":\"org.varlink.service.MethodNotFound\","
                                "\"parameters\":{\"method\":\"x\"}}")),
                     -EIO);
    assert_int_equal(call(REPLY("no JSON")), -EIO);
    assert_int_equal(call(REPLY("")), -EIO);
    assert_int_equal(call("", 0), -EBADMSG);
    assert_int_equal(call("{\"parameters\":{}}", 17), -EBADMSG); /* no NUL */
    memset(endless, ' ', sizeof(endless));
    assert_int_equal(call(endless, 4096), -EBADMSG);
}

static void test_varlink_silent(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char path[PATH_MAX];

    assert_int_equal(
        machine_varlink_register(temporary_path(&dir, "none", path), &machine, "web", 100),
        -ENOENT);
    _cleanup_close_ int fd = listen_at(temporary_path(&dir, "machine", path));
    assert_int_equal(machine_varlink_register(path, &machine, "web", 100), -ETIMEDOUT);
    fd = close_fd(fd);
    assert_int_equal(machine_varlink_register(path, &machine, "web", 100), -ENOENT);
}

/* Without a bus, all is as it should be; a bus without a word costs the time limit. */
static void test_bus(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_free_ char *text = NULL;
    char path[PATH_MAX], variable[PATH_MAX + 16];
    time_t start = time(NULL);

    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
    assert_int_equal(machined_register(&machine, 300, &text), 0);
    assert_int_equal(machined_unregister(UUID, 300, &text), 0);
    assert_null(text);
    _cleanup_close_ int fd = listen_at(temporary_path(&dir, "bus", path));
    (void)snprintf(variable, sizeof(variable), "unix:path=%s", path);
    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", variable, 1), 0);
    (void)alarm(20);
    assert_true(fd >= 0);
    assert_int_equal(machined_register(&machine, 300, &text), -ETIMEDOUT);
    assert_int_equal(machined_unregister(UUID, 300, &text), 0);
    (void)alarm(0);
    assert_true(time(NULL) - start < 5);
    assert_non_null(strstr(text, "does not answer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_varlink),
        cmocka_unit_test(test_varlink_silent),
        cmocka_unit_test(test_bus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
