// SPDX-License-Identifier: LGPL-2.1-or-later
/* Kernel threads out of a VM's control group. */
#include "generator/kernel-threads.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "generator/bus.h"
#include "generator/systemd-unit.h"

#define CGROUPS   "/sys/fs/cgroup"
#define SERVICE   "org.freedesktop.systemd1"
#define PATH      "/org/freedesktop/systemd1"
#define INTERFACE SERVICE ".Manager"

#define TIMEOUT_USEC (5 * UINT64_C(1000000))

enum {
    FLAG_KERNEL_THREAD = 0x00200000, /* PF_KTHREAD, in all versions of Linux */
    FLAGS_AFTER_NAME = 7,            /* proc(5): flags is the ninth field, the name the second */
    UNIT_NAME_SIZE = 64,
    WAIT_MS = 20,
    WAITS = 250,
};

static int explain(char **ret_text, int r, const char *what, const sd_bus_error *error)
{
    const char *why = error && error->message ? error->message : strerror(-r);

    if (asprintf(ret_text, "%s: %s", what, why) < 0)
        *ret_text = NULL;
    return r;
}

void kernel_threads_slice(const char *uuid, char ret[static KERNEL_THREADS_SLICE_SIZE])
{
    char *to = stpcpy(ret, "volt-"), *end = to + 32;

    for (; *uuid && to < end; uuid++)
        if (*uuid != '-')
            *to++ = *uuid;
    (void)strcpy(to, ".slice");
}

char *kernel_threads_group(const char *text, const char *uuid)
{
    char unit[UNIT_NAME_SIZE];

    (void)snprintf(unit, sizeof(unit), "/volt-vm@%s.service\n", uuid);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t length = strcspn(line, "\n");
        if (strncmp(line, "0::/", 4) == 0 && length >= strlen(unit) &&
            strncmp(line + length + 1 - strlen(unit), unit, strlen(unit)) == 0)
            return strndup(line + 3, length - 3);
    }
    return NULL;
}

bool kernel_threads_is_one(const char *text)
{
    const char *p = strrchr(text, ')'); /* a name may have blanks and parentheses of its own */

    for (int i = 0; p && i < FLAGS_AFTER_NAME; i++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    return p && (strtoul(p, NULL, 10) & FLAG_KERNEL_THREAD) != 0;
}

/* The text of /proc/PID/NAME, cut off where it is longer than what is asked for there. */
static bool read_proc(unsigned pid, const char *name, char *ret, size_t size)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    size_t n = f ? fread(ret, 1, size - 1, f) : 0;
    ret[n] = '\0';
    return n > 0;
}

int kernel_threads_find(FILE *procs, unsigned **ret)
{
    _cleanup_free_ unsigned *found = NULL;
    char text[512];
    unsigned pid;
    int n = 0;

    while (fscanf(procs, "%u", &pid) == 1) {
        if (!read_proc(pid, "stat", text, sizeof(text)) || !kernel_threads_is_one(text))
            continue;
        unsigned *grown = reallocarray(found, (size_t)n + 1, sizeof(*found));
        if (!grown)
            return -ENOMEM;
        found = grown;
        found[n++] = pid;
    }
    *ret = TAKE_PTR(found);
    return n;
}

/* A property as the service has it, unless it has none. */
static int append_number(sd_bus *bus, const char *unit_path, const char *name, sd_bus_message *m)
{
    uint64_t value = UINT64_MAX;
    int r = sd_bus_get_property_trivial(bus, SERVICE, unit_path, SERVICE ".Service", name, NULL,
                                        't', &value);

    if (r < 0 || value == UINT64_MAX)
        return r;
    return sd_bus_message_append(m, "(sv)", name, "t", value);
}

static int append_cpus(sd_bus *bus, const char *unit_path, sd_bus_message *m)
{
    _cleanup_(cleanup_bus_message) sd_bus_message *reply = NULL;
    const void *cpus;
    size_t size;
    int r = sd_bus_get_property(bus, SERVICE, unit_path, SERVICE ".Service", "AllowedCPUs", NULL,
                                &reply, "ay");

    if (r >= 0)
        r = sd_bus_message_read_array(reply, 'y', &cpus, &size);
    if (r < 0 || size == 0)
        return r;
    r = sd_bus_message_open_container(m, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", "AllowedCPUs");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_append_array(m, 'y', cpus, size);
    for (int i = 0; i < 2 && r >= 0; i++)
        r = sd_bus_message_close_container(m);
    return r;
}

/* What the slice is like: the service's limits, and stopped after it when all is stopped. */
static int append_properties(sd_bus *bus, const char *uuid, sd_bus_message *m)
{
    static const char *const numbers[] = {"CPUWeight", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec"};
    _cleanup_free_ char *unit_path = NULL;
    char service[UNIT_NAME_SIZE], description[80];

    (void)snprintf(service, sizeof(service), "volt-vm@%s.service", uuid);
    (void)snprintf(description, sizeof(description), "Kernel threads of Volt VM %s", uuid);
    int r = sd_bus_path_encode(PATH "/unit", service, &unit_path);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = sd_bus_message_append(m, "(sv)(sv)", "Description", "s", description, "Before", "as", 1,
                                  service);
    for (size_t i = 0; i < ELEMENTSOF(numbers) && r >= 0; i++)
        r = append_number(bus, unit_path, numbers[i], m);
    if (r >= 0)
        r = append_cpus(bus, unit_path, m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int start_slice(sd_bus *bus, const char *uuid, const char *slice, sd_bus_error *error)
{
    _cleanup_(cleanup_bus_message) sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(bus, &m, SERVICE, PATH, INTERFACE, "StartTransientUnit");

    if (r >= 0)
        r = sd_bus_message_append(m, "ss", slice, "fail");
    if (r >= 0)
        r = append_properties(bus, uuid, m);
    if (r >= 0)
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
    if (r >= 0)
        r = sd_bus_call(bus, m, 0, error, NULL);
    /* Of an earlier start. */
    return r < 0 && sd_bus_error_has_name(error, SERVICE ".UnitExists") ? 0 : r;
}

/* Opens the slice's list of processes, which is there once systemd has done its job. */
static int open_procs(const char *slice)
{
    const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), CGROUPS "/volt.slice/%s/cgroup.procs", slice);
    for (int i = 0; (fd = open(path, O_WRONLY | O_CLOEXEC)) < 0 && errno == ENOENT && i < WAITS;
         i++)
        (void)nanosleep(&pause, NULL);
    return fd < 0 ? -errno : fd;
}

static int move(const unsigned *pids, int n, const char *slice)
{
    _cleanup_close_ int fd = open_procs(slice);
    int moved = 0;

    for (int i = 0; i < n && fd >= 0; i++) {
        if (dprintf(fd, "%u", pids[i]) > 0)
            moved++;
        else if (errno != ESRCH)
            return -errno;
    }
    return fd < 0 ? fd : moved;
}

int kernel_threads_move(sd_bus **bus, const char *uuid, unsigned leader, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_free_ char *group = NULL, *path = NULL;
    _cleanup_free_ unsigned *pids = NULL;
    char text[4096], slice[KERNEL_THREADS_SLICE_SIZE];

    if (!read_proc(leader, "cgroup", text, sizeof(text)) ||
        !(group = kernel_threads_group(text, uuid)))
        return 0;
    if (asprintf(&path, CGROUPS "%s/cgroup.procs", group) < 0)
        return -ENOMEM;
    _cleanup_fclose_ FILE *procs = fopen(path, "re");
    int n = procs ? kernel_threads_find(procs, &pids) : 0;
    if (n <= 0)
        return n;
    kernel_threads_slice(uuid, slice);
    int r = systemd_open_once(SYSTEMD_ADDRESS, TIMEOUT_USEC, bus);
    if (r >= 0)
        r = start_slice(*bus, uuid, slice, &error);
    if (r < 0)
        return explain(ret_text, r, "no slice for its kernel threads", &error);
    r = move(pids, n, slice);
    return r < 0 ? explain(ret_text, r, "its kernel threads cannot be moved", NULL) : r;
}

int kernel_threads_done(sd_bus **bus, const char *uuid, char **ret_text)
{
    _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
    char path[128], slice[KERNEL_THREADS_SLICE_SIZE];

    kernel_threads_slice(uuid, slice);
    (void)snprintf(path, sizeof(path), CGROUPS "/volt.slice/%s", slice);
    if (access(path, F_OK) < 0)
        return 0;
    int r = systemd_open_once(SYSTEMD_ADDRESS, TIMEOUT_USEC, bus);
    if (r >= 0)
        r = sd_bus_call_method(*bus, SERVICE, PATH, INTERFACE, "StopUnit", &error, NULL, "ss",
                               slice, "replace");
    return r < 0 ? explain(ret_text, r, "the slice of its kernel threads stays", &error) : 0;
}
