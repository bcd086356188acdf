// SPDX-License-Identifier: LGPL-2.1-or-later
/* volt-net: a VM's network interfaces, made before it starts and removed after it stops. */
#include "generator/fdstore.h"
#include "generator/helper-log.h"
#include "generator/helper-privileges.h"
#include "generator/host-network.h"
#include "generator/net-down.h"
#include "generator/net-state.h"
#include "generator/net-up.h"
#include "generator/run-arguments.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define EXIT_USAGE 2

/* Links, bridges, filters; and files that may have come to belong to somebody else, as networkd. */
#define KEEPS (CAPABILITY(NET_ADMIN) | CAPABILITY(DAC_OVERRIDE))

#define NO_HOST_NETWORK "cannot enter the host's network namespace: %s"

static const char help[] =
    "volt-net up --uuid=UUID [--nic=ID,KEY=VALUE,...]...\n"
    "volt-net down UUID\n"
    "volt-net rejoin BRIDGE\n"
    "\n"
    "Makes and removes the network interfaces of a VM. volt-vm@.service runs both, as root.\n"
    "\n"
    "  --uuid=UUID    the VM\n"
    "  --nic=ID,...   an interface; may be given several times. Keys:\n"
    "                   mode=networkd|direct  who makes the TAP (default: networkd)\n"
    "                   tap=NAME              the TAP's name (needed)\n"
    "                   bridge=NAME           the bridge it is a port of (default: none)\n"
    "                   mtu=BYTES             68 to 65521\n"
    "                   queues=N              1 to 64 (default: 1)\n"
    "                   mac=ADDRESS           the guest's\n"
    "                   derived-mac=ADDRESS   the guest's, unless another machine has it\n"
    "                   zone=NAME             where addresses are kept, and for messages\n"
    "                   ipv4=ADDRESS/BITS     the guest's\n"
    "                   ipv4=auto/BITS        the first free one of\n"
    "                   pool=A-B+C            these\n"
    "                   gateway=ADDRESS       for the guest\n"
    "                   dns=ADDRESS+ADDRESS   for the guest\n"
    "                   address=dhcp|cmdline  how the guest is told (default: not at all)\n"
    "                   isolated=yes|no       no way to other isolated ports (default: no)\n"
    "                   antispoof=yes|no      only with its own addresses (default: no)\n"
    "                   rate=MBITS            a limit for each direction\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "`rejoin` puts the TAPs of running VMs back under a bridge that was deleted and made again.\n"
    "\n"
    "`up` leaves the queues in the service's fd store as net.ID.QUEUE. Run by hand it leaves\n"
    "the TAPs in place instead, and prints the --net= arguments for volt-vmm.\n";

static int usage_error(const char *text, const char *detail)
{
    (void)helper_fail(-EINVAL, "%s%s%s; see volt-net --help", text, *detail ? ": " : "", detail);
    return EXIT_USAGE;
}

/* Nothing after this is another namespace's business. */
static int enter_host_network(void)
{
    int r = host_network_enter();

    helper_privileges_keep(KEEPS);
    return r;
}

/* For volt-reload. */
static void keep_arguments(const char *uuid, char *const *argv)
{
    char dir[PATH_MAX];

    (void)snprintf(dir, sizeof(dir), "%s/%s", NET_STATE_DIR, uuid);
    if (run_arguments_save(dir, "volt-net", argv) < 0)
        helper_log(LOG_WARNING, "cannot write to %s; a reload will not see changes", dir);
}

static int run_up(int argc, char **argv)
{
    static const struct option options[] = {
        {"uuid", required_argument, NULL, 'u'},
        {"nic", required_argument, NULL, 'n'},
        {0},
    };
    _cleanup_free_ char *error = NULL;
    struct nic nics[NIC_MAX];
    const char *uuid = NULL;
    size_t n = 0;
    int c, r;

    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (c == 'u' && !uuid)
            uuid = optarg;
        else if (c == 'n' && n == NIC_MAX)
            return usage_error("too many interfaces", optarg);
        else if (c == 'n' && nic_parse(optarg, &nics[n++], &error) < 0)
            return usage_error(optarg, error ? error : "out of memory");
        else if (c != 'n')
            return usage_error("bad option", c == 'u' ? "--uuid= is given twice" : "");
    }
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    if (!uuid || !uuid_is_valid(uuid))
        return usage_error("not a UUID", uuid ? uuid : "--uuid= is missing");
    if (nic_check_all(nics, n, &error) < 0)
        return usage_error("--nic", error ? error : "out of memory");
    r = enter_host_network();
    if (r < 0)
        (void)helper_fail(r, NO_HOST_NETWORK, strerror(-r));
    else
        r = net_up(uuid, nics, n);
    if (r < 0)
        return EXIT_FAILURE;
    if (fdstore_available())
        keep_arguments(uuid, argv + 1);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_down(int argc, char **argv)
{
    int r;

    if (argc != 2)
        return usage_error("down takes one UUID", "");
    /* No STATUS= from here: `systemctl status` goes on showing why the VM failed. */
    if (!uuid_is_valid(argv[1])) {
        helper_log(LOG_NOTICE, "not a UUID: '%s'; nothing to clean up", argv[1]);
        return EXIT_USAGE;
    }
    r = enter_host_network();
    if (r < 0) {
        helper_log(LOG_ERR, NO_HOST_NETWORK, strerror(-r));
        return EXIT_FAILURE;
    }
    return net_down(argv[1]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_rejoin(int argc, char **argv)
{
    int r;

    if (argc != 2 || !ifname_is_valid(argv[1]))
        return usage_error("rejoin takes the name of one bridge", "");
    r = enter_host_network();
    if (r < 0)
        return helper_fail(EXIT_FAILURE, NO_HOST_NETWORK, strerror(-r));
    return net_rejoin(argv[1]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    (void)umask(0022); /* files for networkd, which is not root */
    helper_privileges_keep(KEEPS | CAPABILITIES_HOST_NETWORK);
    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (argc >= 2 && !strcmp(argv[1], "--version"))
        return puts("volt-net " VOLT_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (argc >= 2 && !strcmp(argv[1], "up"))
        return run_up(argc - 1, argv + 1);
    if (argc >= 2 && !strcmp(argv[1], "down"))
        return run_down(argc - 1, argv + 1);
    if (argc >= 2 && !strcmp(argv[1], "rejoin"))
        return run_rejoin(argc - 1, argv + 1);
    return usage_error("expected up, down or rejoin", argc >= 2 ? argv[1] : "");
}
