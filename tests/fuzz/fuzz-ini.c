/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an INI file: no crash, and units whose every line is one of ours.
 *
 * The input's first line is the file's name, what follows a line "%%" is a drop-in. */
#include <string.h>

#include "generator/address-pool.h"
#include "generator/conflicts.h"
#include "generator/unit-sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the lines of a unit begin with; a continuation begins with blanks. */
static const char *const beginnings[] = {
    "# ",
    "    -",
    "    \"",
    "[Unit]\n",
    "[Service]\n",
    "\n",
    "Description=Volt VM ",
    "SourcePath=/",
    "Documentation=man:",
    "PartOf=volt-",
    "Requires=volt-",
    "After=volt-",
    "RequiresMountsFor=",
    "MemoryMax=",
    "TasksMax=",
    "CPUQuota=",
    "CPUWeight=",
    "AllowedCPUs=",
    "IOWeight=",
    "DeviceAllow=",
    "[Socket]\n",
    "SocketMode=0",
    "SocketGroup=",
    "Sockets=volt-console@",
    "Wants=",
    "SetCredential=",
    "LoadCredential=",
    "TimeoutStopSec=",
    "Environment=VOLT_MAC_",
    "EnvironmentFile=-/run/volt/vm/",
    "Type=notify\n",
    "NotifyAccess=exec\n",
    "Restart=no\n",
    "ExecStart=\n",
    "ExecStart=/usr/lib/volt/volt-vmm \\\n",
    "ExecStartPre=+/usr/lib/volt/volt-net up \\\n",
    "ExecStartPre=+/usr/lib/volt/volt-open \\\n",
    "ExecStartPost=+-/usr/lib/volt/volt-machine register \\\n",
    "ExecStart=+/usr/lib/volt/volt-open refuse \\\n",
};

static void check_line(const char *line, size_t length)
{
    const char *end = line + length - 1;

    for (size_t i = 0; i < ELEMENTSOF(beginnings); i++) {
        if (strncmp(line, beginnings[i], strlen(beginnings[i])) != 0)
            continue;
        for (const char *p = line; p < end; p += printable_length(p, end))
            if (*p == '\t' || printable_length(p, end) == 0)
                abort();
        return;
    }
    abort();
}

static int check_file(_unused_ void *user, const char *name, const char *text, size_t size)
{
    const char *end = text + size;

    if (strncmp(name, "volt-", 5) != 0 || strstr(name, "..") == name)
        abort();
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        if (!newline)
            abort();
        check_line(text, (size_t)(newline + 1 - text));
        text = newline + 1;
    }
    return 0;
}

static int check_link(_unused_ void *user, const char *name, _unused_ const char *target)
{
    if (strncmp(name, "volt.target.wants/volt-", 23) != 0 || strchr(name + 18, '/'))
        abort();
    return 0;
}

/* The zone "default". */
static void add_zone(struct zones *zones)
{
    static const char text[] =
        "[zone]\nbridge=br0\nsubnet=10.42.0.0/24\ngateway=10.42.0.1\ndns=10.42.0.1\n";

    zones->items = calloc(1, sizeof(struct zone *));
    if (!zones->items || zone_new("default", "/z.ini", &zones->items[0]) < 0 ||
        zone_read_ini(zones->items[0], text, sizeof(text) - 1) < 0)
        abort();
    zone_finish(zones->items[0]);
    zones->count = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct unit_sink sink = {.file = check_file, .link = check_link};
    const char *text = (const char *)data, *newline = memchr(data, '\n', size), *drop_in;
    struct zones zones = {.root = "/nonexistent"};
    struct vm_config *config = NULL;
    const struct source *source;
    char path[300], label[256];

    if (!newline || newline == text || (size_t)(newline - text) >= sizeof(label) ||
        memchr(text, '/', (size_t)(newline - text)) || memchr(text, '\0', (size_t)(newline - text)))
        return -1;
    (void)snprintf(label, sizeof(label), "%.*s", (int)(newline - text), text);
    (void)snprintf(path, sizeof(path), "/etc/volt/vms/%s", label);
    text = newline + 1;
    size -= (size_t)(text - (const char *)data);
    drop_in = memmem(text, size, "\n%%\n", 4);

    add_zone(&zones);
    if (vm_config_new(path, label, &config) < 0)
        return 0;
    if (vm_config_read(config, vm_config_source(config), text,
                       drop_in ? (size_t)(drop_in + 1 - text) : size) >= 0 &&
        (!drop_in ||
         (vm_config_add_source(config, "/etc/volt/vms/x.ini.d/10.conf", "x.ini.d/10.conf",
                               &source) >= 0 &&
          vm_config_read(config, source, drop_in + 4, size - (size_t)(drop_in + 4 - text)) >= 0)) &&
        vm_config_finish(config, &zones) >= 0 && conflicts_find(&config, 1) >= 0 &&
        pools_fill(&zones, &config, 1) >= 0)
        (void)units_write(&config, 1, &sink);
    vm_config_free(config);
    zones_done(&zones);
    return 0;
}
