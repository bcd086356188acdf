/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-kernel: the kernels that VMs name. */
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/kernel/build-settings.h"
#include "tools/kernel/command.h"

static const char help[] =
    "volt-kernel list [--json]\n"
    "volt-kernel add NAME IMAGE [--initrd=FILE] [--cmdline=TEXT] [--config=FILE] [--replace]\n"
    "volt-kernel add NAME --from-host [--initrd=FILE] [--cmdline=TEXT] [--replace]\n"
    "volt-kernel build [NAME] [--source=DIR|PKG] [--jobs=N] [--clean] [--twice] [--replace]\n"
    "volt-kernel show NAME [--json]\n"
    "volt-kernel default [NAME]\n"
    "volt-kernel verify [NAME...]\n"
    "volt-kernel remove NAME\n"
    "volt-kernel gc [--unused]\n"
    "\n"
    "Keeps the kernels that VMs name (kernel = NAME) in " VOLT_KERNEL_DIR ".\n"
    "\n"
    "  list     which there are, their versions, and the VMs that name them\n"
    "  add      takes IMAGE (vmlinux, vmlinuz, unified kernel image or Debian package) apart,\n"
    "           unpacks it, and puts it in the store as NAME, at once or not at all; the\n"
    "           first one becomes the default\n"
    "  build    makes the Volt guest kernel of a kernel's source, with the settings in\n"
    "           " BUILD_SETTINGS_VENDOR ", and adds it as NAME (volt-6.1)\n"
    "  show     all that is known of one\n"
    "  default  the kernel of VMs that name none: shows it, or makes it NAME\n"
    "  verify   reads all files, and holds them against what was added\n"
    "  remove   takes one away, unless a VM names it or runs with it\n"
    "  gc       removes what interrupted work left behind\n"
    "\n"
    "  --initrd=FILE   an initrd for it, in place of the one that IMAGE may bring along\n"
    "  --cmdline=TEXT  words for the command line of each VM that boots it, likewise\n"
    "  --config=FILE   its configuration, where IMAGE does not say, nor has one beside it\n"
    "  --from-host     IMAGE is the kernel that this host runs, with its initrd, or one that\n"
    "                  is made for VMs where that has no drivers for virtio\n"
    "  --replace       in place of a kernel of that name; VMs that run keep the old one\n"
    "  --source=DIR|PKG  a kernel's source: a directory, a tarball, or a package such as\n"
    "                  linux-source-6.1; by default the newest of these in /usr/src\n"
    "  --jobs=N        as many compilers at a time, by default one for each CPU\n"
    "  --clean         throws away what an interrupted build left, and begins anew\n"
    "  --twice         builds it in two directories, and adds it if both are the same\n"
    "  --unused        also kernels that no VM names, but for the default\n"
    "  --json          for programs\n"
    "  --root=DIR      look for everything but IMAGE and FILE below DIR\n"
    "  --help, --version\n";

static const struct {
    const char *name;
    int (*run)(const struct arguments *arguments);
    unsigned min, max; /* words behind it */
    const char *options;
} commands[] = {
    {"list", command_list, 0, 0, "j"},     {"add", command_add, 1, 2, "icgpf"},
    {"show", command_show, 1, 1, "j"},     {"default", command_default, 0, 1, ""},
    {"verify", command_verify, 0, 64, ""}, {"remove", command_remove, 1, 1, ""},
    {"gc", command_gc, 0, 0, "u"},         {"build", command_build, 0, 1, "sotwp"},
};

static int usage_error(const char *text, const char *detail)
{
    (void)complain("%s: %s; see volt-kernel --help", text, detail);
    return STATUS_USAGE;
}

static void take_option(struct arguments *arguments, int option, const char *value)
{
    switch (option) {
    case 'r':
        arguments->root = strcmp(value, "/") == 0 ? "" : value;
        break;
    case 'i':
        arguments->initrd = value;
        break;
    case 'c':
        arguments->cmdline = value;
        break;
    case 'g':
        arguments->config = value;
        break;
    case 'p':
        arguments->replace = true;
        break;
    case 'f':
        arguments->from_host = true;
        break;
    case 'u':
        arguments->unused = true;
        break;
    case 's':
        arguments->source = value;
        break;
    case 'o':
        arguments->jobs = value;
        break;
    case 'w':
        arguments->clean = true;
        break;
    case 't':
        arguments->twice = true;
        break;
    case 'j':
        arguments->json = true;
        break;
    default:
        break;
    }
}

static int run(struct arguments *arguments, const char *given)
{
    const char *command = arguments->words[0];

    if (!command)
        return usage_error("no command",
                           "expected list, add, build, show, default, verify, remove or gc");
    arguments->words++;
    arguments->n_words--;
    for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
        if (strcmp(command, commands[i].name) != 0)
            continue;
        if (arguments->n_words < commands[i].min)
            return usage_error(command, "expected a NAME");
        if (arguments->n_words > commands[i].max)
            return usage_error(arguments->words[commands[i].max], "unexpected argument");
        if (given[strspn(given, commands[i].options)] != '\0')
            return usage_error(command, "an option that it does not have");
        return commands[i].run(arguments);
    }
    return usage_error(command, "no such command");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"root", required_argument, NULL, 'r'},
        {"initrd", required_argument, NULL, 'i'},
        {"cmdline", required_argument, NULL, 'c'},
        {"config", required_argument, NULL, 'g'},
        {"replace", no_argument, NULL, 'p'},
        {"from-host", no_argument, NULL, 'f'},
        {"unused", no_argument, NULL, 'u'},
        {"source", required_argument, NULL, 's'},
        {"jobs", required_argument, NULL, 'o'},
        {"clean", no_argument, NULL, 'w'},
        {"twice", no_argument, NULL, 't'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    struct arguments arguments = {.root = ""};
    char given[ELEMENTSOF(options)] = "";
    int c, status;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        if (c == 'h')
            return fputs(help, stdout) < 0 ? STATUS_FAILED : STATUS_DONE;
        if (c == 'v')
            return puts("volt-kernel " VOLT_VERSION) < 0 ? STATUS_FAILED : STATUS_DONE;
        if (c == '?')
            return STATUS_USAGE;
        take_option(&arguments, c, optarg);
        if (c != 'r' && !strchr(given, c))
            given[strlen(given)] = (char)c;
    }
    arguments.words = argv + optind;
    arguments.n_words = (unsigned)(argc - optind);
    (void)umask(0022);
    status = run(&arguments, given);
    return fflush(stdout) != 0 && status == STATUS_DONE ? complain("cannot write the output")
                                                        : status;
}
