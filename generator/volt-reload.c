// SPDX-License-Identifier: LGPL-2.1-or-later
/* volt-reload: tells a running VM what its description says now, and people what came of it. */
#include "generator/argument-changes.h"
#include "generator/control-client.h"
#include "generator/helper-log.h"
#include "generator/helper-privileges.h"
#include "generator/net-state.h"
#include "generator/run-arguments.h"
#include "generator/systemd-unit.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define EXIT_USAGE 2

/* Talks to systemd and to the VMM by sockets of root's: to be root is enough. */
#define KEEPS 0

static const char help[] =
    "volt-reload [--status] UUID\n"
    "volt-reload [--status] --socket=SOCKET [-- VMM-ARGUMENT...]\n"
    "\n"
    "Applies what has changed in the description of a running VM, as far as that can be done\n"
    "while it runs, and says what has to wait for the next start. volt-vm@.service runs it, as\n"
    "root, for `systemctl reload`.\n"
    "\n"
    "  --status         only prints what the VM's process says of itself\n"
    "  --socket=SOCKET  the control socket of a volt-vmm that was started by hand; the new\n"
    "                   command line follows\n"
    "  --help           this text\n"
    "  --version        the version\n";

struct said {
    const char *answer; /* volt-vmm's lines */
    size_t lines;
};

static int usage_error(const char *text)
{
    helper_log(LOG_ERR, "%s; see volt-reload --help", text);
    return EXIT_USAGE;
}

static void say(struct said *said, const char *line)
{
    size_t length = strlen(line), end = strlen(AT_NEXT_START);
    bool later = length > end && !strcmp(line + length - end, AT_NEXT_START);

    helper_log(later ? LOG_NOTICE : LOG_INFO, "%s", line);
    said->lines++;
}

/* A helper's argument: not what volt-vmm has told already. */
static void say_unless_told(void *context, const char *line)
{
    struct said *said = context;
    size_t length = strlen(line);

    for (const char *p = said->answer; (p = strstr(p, line)); p++)
        if (p[-1] == '\n' && p[length] == '\n')
            return;
    say(said, line);
}

static int explain(int r, const char *path)
{
    const char *hint = r == -ENOENT || r == -ECONNREFUSED
                           ? "; it does not run, or was started before Volt could reload"
                       : r == -EACCES || r == -EPERM ? "; this is for root"
                                                     : "";

    helper_log(LOG_ERR, "no answer from the VM's process at %s: %s%s", path, strerror(-r), hint);
    return r;
}

/* Says the lines of ANSWER; 0 or -errno by its first one. */
static int report(const char *answer, struct said *said)
{
    _cleanup_free_ char *copy = strdup(answer);
    char *rest = copy, *verdict = copy ? strsep(&rest, "\n") : NULL;

    if (!verdict)
        return -ENOMEM;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            say(said, line);
    if (!strcmp(verdict, "ok"))
        return 0;
    if (!strcmp(verdict, "busy")) {
        helper_log(LOG_ERR, "the VM is busy; `systemctl reload` may do later");
        return -EBUSY;
    }
    helper_log(LOG_ERR, "the VM goes on without what it refused");
    return -EINVAL;
}

/* systemd hands out command lines as they are written, and to us the variables for them. */
static void expand(struct unit_commands *commands)
{
    for (size_t i = 0; i < commands->count; i++)
        for (char **word = commands->items[i].argv; *word; word++) {
            char *expanded = argument_expand(*word);

            if (!expanded)
                continue;
            free(*word);
            *word = expanded;
        }
}

static void compare_helper(const char *dir, const struct unit_commands *commands, const char *name,
                           void (*compare)(char *const *, char *const *, argument_tell *, void *),
                           struct said *said)
{
    const struct unit_command *command = unit_commands_find(commands, name);
    char **old;

    if (!command || run_arguments_load(dir, name, &old) < 0)
        return;
    compare(old, command->argv + 1, say_unless_told, said);
    run_arguments_free(old);
}

static int unit_commands(const char *unit, const char *property, struct unit_commands *ret)
{
    _cleanup_free_ char *why = NULL;
    int r = systemd_unit_commands(SYSTEMD_ADDRESS, unit, property, ret, &why);

    if (r < 0)
        helper_log(LOG_ERR, "systemd does not tell the %s= of %s: %s", property, unit,
                   why ?: strerror(-r));
    return r;
}

static int reload_unit(const char *uuid, const char *dir, const char *socket)
{
    _cleanup_(unit_commands_done) struct unit_commands start = {0}, before = {0};
    static char answer[CONTROL_ANSWER_SIZE];
    const struct unit_command *vmm, *refusal;
    struct said said = {.answer = answer};
    char unit[64];
    int r;

    (void)snprintf(unit, sizeof(unit), "volt-vm@%s.service", uuid);
    r = unit_commands(unit, "ExecStart", &start);
    if (r >= 0)
        r = unit_commands(unit, "ExecStartPre", &before);
    if (r < 0)
        return r;
    expand(&start);
    expand(&before);
    refusal = unit_commands_find(&start, "volt-open");
    if (refusal && refusal->argv[1] && refusal->argv[2]) {
        helper_log(LOG_ERR, "%s; the VM runs on as it was started", refusal->argv[2]);
        return -EINVAL;
    }
    vmm = unit_commands_find(&start, "volt-vmm");
    if (!vmm) {
        helper_log(LOG_ERR, "%s has no volt-vmm in its ExecStart=", unit);
        return -EINVAL;
    }
    r = control_ask(socket, "reload", vmm->argv + 1, answer);
    if (r < 0)
        return explain(r, socket);
    r = report(answer, &said);
    compare_helper(dir, &before, "volt-open", argument_changes_open, &said);
    compare_helper(dir, &before, "volt-net", argument_changes_net, &said);
    if (r >= 0 && said.lines == 0)
        helper_log(LOG_INFO, "nothing has changed that a running VM would notice");
    return r;
}

static int reload_by_hand(const char *socket, char *const *arguments)
{
    static char answer[CONTROL_ANSWER_SIZE];
    struct said said = {.answer = answer};
    int r = control_ask(socket, "reload", arguments, answer);

    return r < 0 ? explain(r, socket) : report(answer, &said);
}

static int print_status(const char *socket)
{
    static char answer[CONTROL_ANSWER_SIZE];
    int r = control_ask(socket, "status", NULL, answer);

    if (r < 0)
        return explain(r, socket);
    return fputs(answer + strcspn(answer, "\n") + 1, stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"status", no_argument, NULL, 's'},
        {"socket", required_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    char dir[PATH_MAX], path[PATH_MAX];
    const char *socket = NULL;
    bool status = false;
    int c, r;

    (void)umask(0077);
    helper_privileges_keep(KEEPS);
    while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
        if (c == 'h')
            return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (c == 'V')
            return puts("volt-reload " VOLT_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (c == 's')
            status = true;
        else if (c == 'S')
            socket = optarg;
        else
            return EXIT_USAGE;
    }
    if (socket) {
        r = status ? print_status(socket) : reload_by_hand(socket, argv + optind);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (argc - optind != 1 || !uuid_is_valid(argv[optind]))
        return usage_error("expected the UUID of one VM");
    (void)snprintf(dir, sizeof(dir), "%s/%s", NET_STATE_DIR, argv[optind]);
    (void)snprintf(path, sizeof(path), "%s/%s/control", NET_STATE_DIR, argv[optind]);
    r = status ? print_status(path) : reload_unit(argv[optind], dir, path);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
