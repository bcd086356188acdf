/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-generator: turns VM descriptions into units, at boot and at daemon-reload; or checks and
 * shows them for a person. Pure: files in, files out; no D-Bus, no NSS, nothing looked up outside
 * the directories of VMs and zones. See systemd.generator(7), volt-generator(8). */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/address-pool.h"
#include "generator/conflicts.h"
#include "generator/layers.h"
#include "generator/schema.h"
#include "generator/unit-sink.h"

/* Of the 976 bytes or more that every kernel takes at once, what is left beside the words around.
 */
#define LOG_TEXT_MAX 860

enum mode { MODE_GENERATE, MODE_CHECK, MODE_DRY_RUN };

struct vms {
    struct vm_config **items;
    size_t count;
    struct layers layers; /* empty where files were named */
    struct zones zones;
};

static void vms_done(struct vms *vms)
{
    for (size_t i = 0; i < vms->count; i++)
        vm_config_free(vms->items[i]);
    free(vms->items);
    layers_done(&vms->layers);
    zones_done(&vms->zones);
}

static int load_installed(struct vms *vms, const char *root)
{
    int r = layers_open(root, &vms->layers);

    if (r < 0)
        return r;
    vms->items = calloc(vms->layers.files.count + 1, sizeof(*vms->items));
    if (!vms->items)
        return -ENOMEM;
    for (size_t i = 0; i < vms->layers.files.count; i++) {
        r = layers_load(&vms->layers, &vms->layers.files.items[i], &vms->zones,
                        &vms->items[vms->count]);
        if (r < 0)
            return r;
        if (vms->items[vms->count])
            vms->count++;
    }
    return 0;
}

static int load_named(struct vms *vms, char **files, size_t count)
{
    int r;

    vms->items = calloc(count + 1, sizeof(*vms->items));
    if (!vms->items)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        r = layers_load_path(files[i], &vms->zones, &vms->items[vms->count]);
        if (r < 0)
            return r;
        if (vms->items[vms->count])
            vms->count++;
        else
            (void)fprintf(stderr, "%s: masked (empty, or a link to /dev/null): no VM\n", files[i]);
    }
    return 0;
}

/* Where a generator says what it did, and how the level is marked there. */
struct log {
    FILE *f;
    const char *error, *notice; /* before a line */
};

/* Logs one problem as one record: the kernel's log refuses longer ones, so a long message is cut
 * where it can be spared, before what it comes to. */
static void log_problem(const struct log *log, const char *level, const struct problem *problem,
                        bool full, size_t more, const char *outcome)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);

    if (!memory)
        return;
    problem_write(problem, full, memory);
    if (fclose(memory) != 0)
        return;
    (void)fprintf(log->f, "%svolt-generator: ", level);
    write_printable(text, LOG_TEXT_MAX, log->f);
    if (more > 0)
        (void)fprintf(log->f, " (and %zu more)", more);
    (void)fprintf(log->f, "%s\n", outcome);
    (void)fflush(log->f);
}

/* What a daemon-reload logs: one line for each VM that is refused, and what else is to be known. */
static void log_problems(const struct vms *vms, const struct log *log)
{
    for (size_t i = 0; i < vms->layers.problems.count; i++)
        log_problem(log, log->error, &vms->layers.problems.items[i], true, 0, "");
    for (size_t i = 0; i < vms->count; i++) {
        const struct problems *problems = &vms->items[i]->problems;
        const struct problems *notes = &vms->items[i]->notes;

        if (problems->count > 0)
            log_problem(log, log->error, &problems->items[0], false,
                        problems->count + problems->dropped - 1, "; the VM will not start");
        for (size_t j = 0; j < notes->count; j++)
            log_problem(log, log->notice, &notes->items[j], false, 0, "");
    }
}

/* Early at boot there is no journal to speak to, so the kernel's log it is, and stderr by hand. */
static struct log open_log(const char *root)
{
    int fd = *root != '\0' || isatty(STDERR_FILENO)
                 ? -EBADF
                 : open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (f)
        return (struct log){.f = f, .error = "<3>", .notice = "<5>"};
    (void)close_fd(fd);
    return (struct log){.f = stderr, .error = "", .notice = ""};
}

static int generate(const struct vms *vms, const char *root, const char *directory)
{
    struct log log = open_log(root);
    _cleanup_close_ int fd = -EBADF;
    int r = 0;

    log_problems(vms, &log);
    if (vms->count > 0) {
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
    }
    if (r >= 0 && vms->count > 0) {
        struct unit_sink sink = unit_sink_directory(&fd);

        r = units_write(vms->items, vms->count, &sink);
    }
    if (r < 0)
        (void)fprintf(log.f, "%svolt-generator: cannot write units to '%s': %s\n", log.error,
                      directory, strerror(-r));
    if (log.f != stderr)
        (void)fclose(log.f);
    return r;
}

/* Prints problems that are not of one VM; returns their number. */
static size_t print_shared(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        problem_write(&problems->items[i], true, stderr);
        (void)fputc('\n', stderr);
    }
    return problems->count + problems->dropped;
}

/* Prints every problem; returns their number. */
static size_t print_problems(const struct vms *vms, bool full)
{
    size_t count = print_shared(&vms->layers.problems);

    /* The VMs tell of the first problem of their zone, and that there are more. */
    for (size_t i = 0; i < vms->zones.count; i++)
        if (vms->zones.items[i]->problems.count > 1)
            count += print_shared(&vms->zones.items[i]->problems);
    for (size_t i = 0; i < vms->count; i++) {
        const struct problems *problems = &vms->items[i]->problems;

        for (size_t j = 0; j < problems->count; j++) {
            problem_write(&problems->items[j], full, stderr);
            (void)fputc('\n', stderr);
        }
        if (problems->dropped > 0)
            (void)fprintf(stderr, "%s: %zu more problems\n", vm_config_source(vms->items[i])->label,
                          problems->dropped);
        count += problems->count + problems->dropped;
    }
    return count;
}

static int check(const struct vms *vms, bool full)
{
    size_t count = print_problems(vms, full);

    for (size_t i = 0; i < vms->count; i++) {
        const struct problems *notes = &vms->items[i]->notes;

        for (size_t j = 0; j < notes->count; j++) {
            problem_write(&notes->items[j], full, stdout);
            (void)putchar('\n');
        }
    }
    (void)printf("%zu VM%s, %zu problem%s\n", vms->count, vms->count == 1 ? "" : "s", count,
                 count == 1 ? "" : "s");
    return count > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int dry_run(struct vms *vms, bool full)
{
    struct unit_sink sink = unit_sink_print(stdout);

    (void)print_problems(vms, full);
    return units_write(vms->items, vms->count, &sink) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(enum mode mode, const char *root, char **arguments, size_t count)
{
    bool named = mode != MODE_GENERATE && count > 0;
    struct vms vms = {.layers = {.dirs = {-EBADF, -EBADF, -EBADF}}, .zones = {.root = root}};
    int r, status = EXIT_FAILURE;

    r = named ? load_named(&vms, arguments, count) : load_installed(&vms, root);
    if (r >= 0)
        r = conflicts_find(vms.items, vms.count);
    if (r >= 0)
        r = pools_fill(&vms.zones, vms.items, vms.count);
    if (r < 0)
        (void)fprintf(stderr, "volt-generator: cannot read the VMs: %s\n", strerror(-r));
    else if (mode == MODE_CHECK)
        status = check(&vms, !named);
    else if (mode == MODE_DRY_RUN)
        status = dry_run(&vms, !named);
    else
        status = generate(&vms, root, arguments[0]) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    vms_done(&vms);
    return status;
}

static int usage(FILE *f)
{
    (void)fputs("volt-generator NORMAL-DIR [EARLY-DIR LATE-DIR]\n"
                "volt-generator --check [FILE...]\n"
                "volt-generator --dry-run [FILE...]\n\n"
                "Turns the VM descriptions in /etc/volt/vms, /run/volt/vms and /usr/lib/volt/vms\n"
                "into units. systemd calls it at boot and at daemon-reload.\n\n"
                "  --check          print what is wrong with the descriptions, or with the FILEs;\n"
                "                   exit status 1 if anything is\n"
                "  --dry-run        print the units in place of writing them\n"
                "  --help-ini       print what may stand in a description (volt.vm(5))\n"
                "  --help-ini=roff  the same, as the manual page has it\n"
                "  --help-zone, --help-zone=roff\n"
                "                   what may stand in a zone's file (volt.zone(5))\n"
                "  --root=DIR       look for the directories of VMs and zones below DIR\n"
                "  --help, --version\n",
                f);
    return f == stdout ? EXIT_SUCCESS : 2;
}

/* The writers are of the vocabulary that OPTION asks for. */
static int help_about(const char *option, const char *format, void (*write_help)(FILE *f),
                      void (*write_roff)(FILE *f))
{
    if (format && strcmp(format, "roff") != 0) {
        (void)fprintf(stderr, "volt-generator: --%s knows the format 'roff', not '%s'\n", option,
                      format);
        return 2;
    }
    (format ? write_roff : write_help)(stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'},           {"dry-run", no_argument, NULL, 'n'},
        {"root", required_argument, NULL, 'r'},      {"help-ini", optional_argument, NULL, 'i'},
        {"help-zone", optional_argument, NULL, 'z'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},         {0},
    };
    enum mode mode = MODE_GENERATE;
    const char *root = "";
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
        switch (c) {
        case 'c':
            mode = MODE_CHECK;
            break;
        case 'n':
            mode = MODE_DRY_RUN;
            break;
        case 'r':
            root = optarg;
            break;
        case 'i':
            return help_about("help-ini", optarg, schema_write_help, schema_write_roff);
        case 'z':
            return help_about("help-zone", optarg, zone_write_help, zone_write_roff);
        case 'h':
            return usage(stdout);
        case 'v':
            (void)puts("volt-generator " VOLT_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage(stderr);
        }
    }
    if (mode == MODE_GENERATE && argc - optind != 1 && argc - optind != 3)
        return usage(stderr);
    (void)umask(0022);
    return run(mode, root, argv + optind, (size_t)(argc - optind));
}
