// SPDX-License-Identifier: LGPL-2.1-or-later
/* volt-machine: what is to be said of a VM once it runs, and once it has ended: to
 * systemd-machined, where there is one, for machinectl; and to the kernel, whose threads are kept
 * from the unit. */
#include "generator/bus.h"
#include "generator/freezing.h"
#include "generator/helper-log.h"
#include "generator/helper-privileges.h"
#include "generator/host-network.h"
#include "generator/kernel-threads.h"
#include "generator/machined.h"
#include "generator/nic.h"

#include <getopt.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define EXIT_USAGE 2

/* machined and systemd ask the bus whether who wants something of them has this; and who speaks in
 * the VMM's name needs it. */
#define KEEPS CAPABILITY(SYS_ADMIN)
/* Where the VM has CPUs of its own, Linux takes moving its kernel threads for a change of where
 * another's thread may run (sched_setaffinity(2)). */
#define KEEPS_TO_REGISTER (KEEPS | CAPABILITY(SYS_NICE))

/* The VM runs already, and its start waits for this; machined may have to be started first. */
#define REGISTER_TIMEOUT_MS   10000
#define UNREGISTER_TIMEOUT_MS 1000

static const char help[] =
    "volt-machine register --uuid=UUID --name=NAME --pid=PID [--cid=CID] [--tap=NAME]...\n"
    "volt-machine unregister UUID\n"
    "volt-machine frozen UUID\n"
    "\n"
    "Registers a VM with systemd-machined, so that machinectl(1) knows it, and takes it\n"
    "away again, where there is a machined; and has the VM's unit ready for `systemctl freeze`.\n"
    "volt-vm@.service runs both, as root. The third looks whether the VM is frozen and tells\n"
    "the unit's watchdog; volt-freeze@.path starts it.\n"
    "\n"
    "  --uuid=UUID  the VM\n"
    "  --name=NAME  what it is to be called; machined takes host names only\n"
    "  --pid=PID    its VMM\n"
    "  --cid=CID    its AF_VSOCK address (for systemd 256 and newer)\n"
    "  --tap=NAME   an interface of the host that is the VM's; may be given several times\n"
    "  --help       this text\n"
    "  --version    the version\n";

/* Nothing here is worth a STATUS=: the VM runs, or has ended, just the same. */
static int usage_error(const char *text, const char *detail)
{
    helper_log(LOG_ERR, "%s: %s; see volt-machine --help", text, detail);
    return EXIT_USAGE;
}

static bool read_number(const char *text, unsigned max, unsigned *ret)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value == 0 || value > max)
        return false;
    *ret = (unsigned)value;
    return true;
}

/* Takes one option. A process or an interface that is not there is none to tell of. */
static bool take_option(int option, const char *value, struct machine *machine)
{
    switch (option) {
    case 'u':
        machine->uuid = value;
        return uuid_is_valid(value);
    case 'n':
        machine->name = value;
        return *value != '\0';
    case 'p':
        return *value == '\0' || read_number(value, INT_MAX, &machine->leader);
    case 'c':
        return read_number(value, UINT_MAX, &machine->cid);
    default: {
        unsigned index = if_nametoindex(value);

        if (machine->n_interfaces == MACHINE_INTERFACES_MAX)
            return false;
        if (index > 0)
            machine->interfaces[machine->n_interfaces++] = (int)index;
        return true;
    }
    }
}

/* The unit is to be frozen when the user says so: by the kernel, and with systemd's consent. */
static void prepare_freezing(const char *uuid, unsigned leader)
{
    _cleanup_free_ char *text = NULL, *other_text = NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r = kernel_threads_move(&bus, uuid, leader, &text);

    if (r < 0)
        helper_log(LOG_NOTICE, "the VM cannot be frozen: %s", text ?: strerror(-r));
    r = freezing_watch(&bus, uuid, &other_text);
    if (r < 0)
        helper_log(LOG_NOTICE, "the watchdog will end the VM if it is frozen for long: %s",
                   other_text ?: strerror(-r));
}

static void forget_freezing(const char *uuid)
{
    _cleanup_free_ char *text = NULL, *other_text = NULL;
    _cleanup_(cleanup_bus) sd_bus *bus = NULL;
    int r = freezing_unwatch(&bus, uuid, &text);

    if (r < 0)
        helper_log(LOG_NOTICE, "volt-freeze@%s.path stays: %s", uuid, text ?: strerror(-r));
    r = kernel_threads_done(&bus, uuid, &other_text);
    if (r < 0)
        helper_log(LOG_NOTICE, "%s", other_text ?: strerror(-r));
}

static int run_register(int argc, char **argv)
{
    static const struct option options[] = {
        {"uuid", required_argument, NULL, 'u'}, {"name", required_argument, NULL, 'n'},
        {"pid", required_argument, NULL, 'p'},  {"cid", required_argument, NULL, 'c'},
        {"tap", required_argument, NULL, 't'},  {0},
    };
    _cleanup_free_ char *text = NULL;
    struct machine machine = {0};
    int c, r = host_network_enter();

    helper_privileges_keep(KEEPS_TO_REGISTER);
    if (r < 0)
        helper_log(LOG_NOTICE, "cannot enter the host's network namespace: %s; going on",
                   strerror(-r));
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == '?')
            return EXIT_USAGE;
        if (!take_option(c, optarg, &machine))
            return usage_error("bad value", optarg);
    }
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    if (!machine.uuid || !machine.name)
        return usage_error("register", "--uuid= and --name= are needed");
    /* There is no $MAINPID any more where the guest has powered off by now. */
    if (machine.leader == 0)
        return EXIT_SUCCESS;
    prepare_freezing(machine.uuid, machine.leader);
    r = machined_register(&machine, REGISTER_TIMEOUT_MS, &text);
    if (r < 0)
        helper_log(LOG_NOTICE, "not in machinectl: %s", text ?: strerror(-r));
    else if (r > 0 && text && strcmp(text, machine.name) != 0)
        helper_log(LOG_INFO, "the VM is called %s in machinectl", text);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_unregister(int argc, char **argv)
{
    _cleanup_free_ char *text = NULL;
    int r;

    helper_privileges_keep(KEEPS);
    if (argc != 2 || !uuid_is_valid(argv[1]))
        return usage_error("unregister", "expected one UUID");
    forget_freezing(argv[1]);
    r = machined_unregister(argv[1], UNREGISTER_TIMEOUT_MS, &text);
    if (r < 0)
        helper_log(LOG_NOTICE, "%s", text ?: strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_frozen(int argc, char **argv)
{
    _cleanup_free_ char *text = NULL;
    int r;

    if (argc != 2 || !uuid_is_valid(argv[1]))
        return usage_error("frozen", "expected one UUID");
    r = freezing_tell(argv[1], &text);
    if (r < 0)
        helper_log(LOG_ERR, "cannot tell the watchdog of %s: %s", argv[1], text ?: strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    (void)umask(0077);
    helper_privileges_keep(KEEPS_TO_REGISTER | CAPABILITIES_HOST_NETWORK);
    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (argc >= 2 && !strcmp(argv[1], "--version"))
        return puts("volt-machine " VOLT_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (argc >= 2 && !strcmp(argv[1], "register"))
        return run_register(argc - 1, argv + 1);
    if (argc >= 2 && !strcmp(argv[1], "unregister"))
        return run_unregister(argc - 1, argv + 1);
    if (argc >= 2 && !strcmp(argv[1], "frozen"))
        return run_frozen(argc - 1, argv + 1);
    return usage_error("expected register, unregister or frozen", argc >= 2 ? argv[1] : "nothing");
}
