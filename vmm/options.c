/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option parsing, and the help text. */
#include "vmm/options.h"

#include <getopt.h>
#include <string.h>

#include "vmm/filter.h"
#include "vmm/huge-pages.h"
#include "vmm/log.h"

enum {
    OPTION_UUID = 256,
    OPTION_NAME,
    OPTION_VCPUS,
    OPTION_MEMORY,
    OPTION_HUGEPAGES,
    OPTION_KVM,
    OPTION_KERNEL,
    OPTION_MAP_KERNEL,
    OPTION_INITRD,
    OPTION_TRY_INITRD,
    OPTION_CMDLINE,
    OPTION_CREDENTIAL,
    OPTION_STOP_TIMEOUT,
    OPTION_CONTROL,
    OPTION_READINESS,
    OPTION_REQUIRE_LANDLOCK,
    OPTION_SHOW_FILTERS,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_DEVICES, /* the device table's rows from here on */

    OPTIONS_MAX = 64,
    DEFAULT_MEMORY_MIB = 256,
    DEFAULT_STOP_TIMEOUT_SEC = 30,
    STOP_TIMEOUT_MAX_SEC = 86400,
    MEMORY_MAX_MIB = 1024 * 1024,
    VCPUS_MAX = 254,
};

static const struct {
    const char *name;
    int value;
    const char *argument, *help;
} rows[] = {
    {"kernel", OPTION_KERNEL, "FILE", "ELF vmlinux or bzImage (needed)"},
    {"map-kernel", OPTION_MAP_KERNEL, "yes|no", "its file never changes: map it, do not copy it"},
    {"initrd", OPTION_INITRD, "FILE", "initial RAM disk"},
    {"try-initrd", OPTION_TRY_INITRD, "fd:NAME", "the same, if there is such a descriptor"},
    {"cmdline", OPTION_CMDLINE, "TEXT", "added to the kernel's command line"},
    {"vcpus", OPTION_VCPUS, "N", "virtual CPUs, 1 to 254 (1)"},
    {"memory", OPTION_MEMORY, "MIB", "guest memory in MiB, 16 and more (256)"},
    {"hugepages", OPTION_HUGEPAGES, "HOW",
     "what guest memory is made of: no, yes (huge pages that are reserved) or thp (thp)"},
    {"name", OPTION_NAME, "NAME", "for messages"},
    {"uuid", OPTION_UUID, "UUID", "the machine's, which the guest sees"},
    {"credential", OPTION_CREDENTIAL, "TEXT",
     "NAME,file=FILE or NAME,text=TEXT: passed on to the guest"},
    {"kvm", OPTION_KVM, "FILE", "the KVM device (/dev/kvm)"},
    {"stop-timeout", OPTION_STOP_TIMEOUT, "SECONDS",
     "how long the guest may take after the power button (30)"},
    {"control", OPTION_CONTROL, "SOCKET", "where volt-reload is listened to"},
    {"readiness", OPTION_READINESS, "WHO", "who says READY=1: vmm; guest,listen=fd:NAME[,…]"},
    {"require-landlock", OPTION_REQUIRE_LANDLOCK, NULL, "no start on a kernel without Landlock"},
    {"show-filters", OPTION_SHOW_FILTERS, NULL, "what the threads may ask of the kernel"},
    {"debug", OPTION_DEBUG, NULL, "more messages"},
    {"help", OPTION_HELP, NULL, "this text"},
    {"version", OPTION_VERSION, NULL, "the version"},
};

static void print_help(void)
{
    printf(
        "Usage: volt-vmm --kernel=FILE [OPTION]…\n\n"
        "Runs one virtual machine on KVM. Each FILE is a path, or fd:NAME for a file descriptor\n"
        "that the service manager hands over by that name.\n\n");
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        printf("  --%s%s%-*s  %s\n", rows[i].name, rows[i].argument ? "=" : "",
               (int)(21 - strlen(rows[i].name) - (rows[i].argument ? 1 : 0)),
               rows[i].argument ? rows[i].argument : "", rows[i].help);
    printf("\nDevices, each as often as needed:\n");
    for (const struct device_kind *kind = device_kinds; kind->option; kind++) {
        const char *tab = strchr(kind->help, '\t');

        printf("  --%s=%.*s\n%26s%s\n", kind->option, (int)(tab - kind->help), kind->help, "",
               tab + 1);
    }
    printf("\nThe exit status is 0 when the guest powers off, 133 when it reboots, 100 when its "
           "kernel\n"
           "panics, 101 after a triple fault, 102 when KVM cannot go on, 103 when it ignores the "
           "power\n"
           "button (SIGTERM) for too long, 104 when it does not say in time that it is ready, 2 "
           "for a\n"
           "wrong command line, 78 where Landlock is required and missing, else 1.\n\n"
           "See volt-vmm(8).\n");
}

static int parse_number(const char *name, const char *text, uint64_t min, uint64_t max,
                        uint64_t *ret)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' || value < min || value > max)
        return log_errno(-EINVAL, "--%s=%s is not a number from %llu to %llu", name, text,
                         (unsigned long long)min, (unsigned long long)max);
    *ret = value;
    return 0;
}

static int add_device(struct options *options, const struct device_kind *kind, const char *argument)
{
    if (options->n_devices == OPTIONS_DEVICES_MAX)
        return log_errno(-EINVAL, "There are too many devices: %d is the most",
                         OPTIONS_DEVICES_MAX);
    options->devices[options->n_devices].kind = kind;
    options->devices[options->n_devices++].argument = argument;
    return 0;
}

static int set_number(struct options *options, int value, const char *text)
{
    uint64_t number;
    int r;

    switch (value) {
    case OPTION_VCPUS:
        r = parse_number("vcpus", text, 1, VCPUS_MAX, &number);
        if (r >= 0)
            options->vcpus = (unsigned)number;
        return r;
    case OPTION_MEMORY:
        return parse_number("memory", text, 16, MEMORY_MAX_MIB, &options->memory_mib);
    default:
        r = parse_number("stop-timeout", text, 1, STOP_TIMEOUT_MAX_SEC, &number);
        if (r >= 0)
            options->stop_timeout_sec = (unsigned)number;
        return r;
    }
}

static int set_option(struct options *options, int value, const char *argument)
{
    switch (value) {
    case OPTION_UUID:
        options->uuid = argument;
        return smbios_parse_uuid(argument, options->uuid_bytes) == 0
                   ? 0
                   : log_errno(-EINVAL, "--uuid=%s is no UUID", argument);
    case OPTION_NAME:
        options->name = argument;
        return 0;
    case OPTION_KVM:
        options->kvm = argument;
        return 0;
    case OPTION_KERNEL:
        options->kernel = argument;
        return 0;
    case OPTION_MAP_KERNEL:
        options->map_kernel = strcmp(argument, "yes") == 0;
        if (!options->map_kernel && *argument && strcmp(argument, "no") != 0)
            return log_errno(-EINVAL, "--map-kernel=%s is neither yes nor no", argument);
        return 0;
    case OPTION_INITRD:
    case OPTION_TRY_INITRD:
        options->initrd = argument;
        options->initrd_optional = value == OPTION_TRY_INITRD;
        if (options->initrd_optional && strncmp(argument, "fd:", 3) != 0)
            return log_errno(-EINVAL, "--try-initrd=%s is not fd:NAME", argument);
        return 0;
    case OPTION_CMDLINE:
        options->cmdline = argument;
        return 0;
    case OPTION_READINESS:
        options->readiness = argument;
        return 0;
    case OPTION_CREDENTIAL:
        if (options->n_credentials == SMBIOS_CREDENTIALS_MAX)
            return log_errno(-EINVAL, "There are too many credentials: %d is the most",
                             SMBIOS_CREDENTIALS_MAX);
        options->credentials[options->n_credentials++] = argument;
        return 0;
    case OPTION_VCPUS:
    case OPTION_MEMORY:
    case OPTION_STOP_TIMEOUT:
        return set_number(options, value, argument);
    case OPTION_HUGEPAGES:
        return huge_pages_parse(argument, &options->memory_pages);
    case OPTION_CONTROL:
        options->control = argument;
        return 0;
    case OPTION_DEBUG:
        options->debug = true;
        return 0;
    case OPTION_REQUIRE_LANDLOCK:
        options->require_landlock = true;
        return 0;
    case OPTION_SHOW_FILTERS:
        filter_show(stdout);
        return OPTIONS_HANDLED;
    case OPTION_HELP:
        print_help();
        return OPTIONS_HANDLED;
    case OPTION_VERSION:
        printf("volt %s\n", VOLT_VERSION);
        return OPTIONS_HANDLED;
    default:
        return value >= OPTION_DEVICES
                   ? add_device(options, &device_kinds[value - OPTION_DEVICES], argument)
                   : -EINVAL; /* getopt has said why */
    }
}

int options_parse(int argc, char **argv, struct options *ret)
{
    struct option table[OPTIONS_MAX] = {0};
    struct options options = {
        .name = "vm",
        .vcpus = 1,
        .memory_mib = DEFAULT_MEMORY_MIB,
        .kvm = "/dev/kvm",
        .cmdline = "",
        .stop_timeout_sec = DEFAULT_STOP_TIMEOUT_SEC,
    };
    unsigned n = 0;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        table[n++] = (struct option){
            rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, rows[i].value};
    for (int i = 0; device_kinds[i].option && n < OPTIONS_MAX - 1; i++)
        table[n++] =
            (struct option){device_kinds[i].option, required_argument, NULL, OPTION_DEVICES + i};

    optind = 0;
    for (int value; (value = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        int r = set_option(&options, value, optarg);
        if (r != 0)
            return r;
    }
    if (optind < argc)
        return log_errno(-EINVAL, "'%s' is no option; see --help", argv[optind]);
    if (!options.kernel)
        return log_errno(-EINVAL, "--kernel=FILE is missing; see --help");
    *ret = options;
    return 0;
}
