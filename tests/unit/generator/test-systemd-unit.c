// SPDX-License-Identifier: LGPL-2.1-or-later
/* A unit's command lines, from a systemd that the test brings along. */
#include "generator/systemd-unit.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include <cmocka.h>

static int append(sd_bus_message *m, const char *path, char **argv)
{
    int r = sd_bus_message_open_container(m, 'r', "sasbttttuii");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", path);
    if (r >= 0)
        r = sd_bus_message_append_strv(m, argv);
    if (r >= 0)
        r = sd_bus_message_append(m, "bttttuii", 0, UINT64_C(1), UINT64_C(2), UINT64_C(3),
                                  UINT64_C(4), 5, 6, 7);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
               const char *property, sd_bus_message *m, void *userdata _unused_,
               sd_bus_error *error _unused_)
{
    int r = sd_bus_message_open_container(m, 'a', "(sasbttttuii)");

    if (r >= 0 && !strcmp(property, "ExecStart"))
        r = append(m, "/usr/lib/volt/volt-vmm",
                   (char *[]){"/usr/lib/volt/volt-vmm", "--name=web", "${VOLT_IP}", NULL});
    if (r >= 0 && !strcmp(property, "ExecStart"))
        r = append(m, "/bin/true", (char *[]){"true", NULL});
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("ExecStart", "a(sasbttttuii)", get, 0, 0),
    SD_BUS_PROPERTY("ExecStartPre", "a(sasbttttuii)", get, 0, 0),
    SD_BUS_VTABLE_END,
};

/* Serves one connection after the other, until it is killed. */
static void serve(int listener)
{
    for (;;) {
        sd_bus *bus = NULL;
        sd_id128_t id = {.bytes = {1}};
        int r, fd = accept(listener, NULL, NULL);

        if (fd < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
            sd_bus_set_server(bus, true, id) < 0 || sd_bus_set_anonymous(bus, true) < 0 ||
            sd_bus_start(bus) < 0 ||
            sd_bus_add_object_vtable(bus, NULL,
                                     "/org/freedesktop/systemd1/unit/volt_2dvm_40x_2eservice",
                                     "org.freedesktop.systemd1.Service", vtable, NULL) < 0)
            _exit(1);
        while ((r = sd_bus_process(bus, NULL)) >= 0)
            if (r == 0)
                (void)sd_bus_wait(bus, UINT64_MAX);
        (void)sd_bus_close_unref(bus);
    }
}

static void test_commands(void **state _unused_)
{
    _cleanup_(temporary_dir_done) struct temporary_dir dir = temporary_dir_new();
    _cleanup_(unit_commands_done) struct unit_commands commands = {0}, none = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_free_ char *why = NULL;
    char text[128];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/private", dir.path);
    (void)snprintf(text, sizeof(text), "unix:path=%s/private", dir.path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    pid_t pid = fork();
    if (pid == 0)
        serve(fd);
    (void)close(fd);

    (void)alarm(20);
    assert_int_equal(systemd_unit_commands(text, "volt-vm@x.service", "ExecStart", &commands, &why),
                     0);
    assert_int_equal(commands.count, 2);
    const struct unit_command *vmm = unit_commands_find(&commands, "volt-vmm");
    assert_non_null(vmm);
    assert_string_equal(vmm->argv[1], "--name=web");
    assert_string_equal(vmm->argv[2], "${VOLT_IP}");
    assert_null(vmm->argv[3]);
    assert_ptr_equal(unit_commands_find(&commands, "true"), &commands.items[1]);
    assert_null(unit_commands_find(&commands, "vmm"));
    assert_int_equal(systemd_unit_commands(text, "volt-vm@x.service", "ExecStartPre", &none, &why),
                     0);
    assert_int_equal(none.count, 0);
    assert_null(unit_commands_find(&none, "true"));

    assert_true(systemd_unit_commands(text, "volt-vm@y.service", "ExecStart", &none, &why) < 0);
    assert_non_null(why);
    (void)alarm(0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_nobody(void **state _unused_)
{
    _cleanup_(unit_commands_done) struct unit_commands commands = {0};
    _cleanup_free_ char *why = NULL;

    assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
    assert_int_equal(systemd_unit_commands("unix:path=/nonexistent/private", "x.service",
                                           "ExecStart", &commands, &why),
                     -ENOENT);
    assert_non_null(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
