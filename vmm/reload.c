/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines, compared. */
#include "vmm/reload.h"

#include <getopt.h>
#include <string.h>

#include "vmm/huge-pages.h"
#include "vmm/virtio/reply.h"

enum { ARGUMENTS_MAX = OPTIONS_DEVICES_MAX + SMBIOS_CREDENTIALS_MAX + 24 };

int reload_parse(const char *text, size_t size, struct options *ret, char *reply, size_t reply_size)
{
    char *argv[ARGUMENTS_MAX + 2] = {"volt-vmm"};
    int argc = 1;

    if (size > 0 && text[size - 1] != '\0') {
        reply_add(reply, reply_size, "the last argument has no end");
        return -EINVAL;
    }
    for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
        const char *argument = text + at;

        /* Others without a value are those that print. */
        if (strncmp(argument, "--", 2) != 0 ||
            (!strchr(argument, '=') && strcmp(argument, "--debug") != 0 &&
             strcmp(argument, "--require-landlock") != 0)) {
            reply_add(reply, reply_size, "'%.100s' is no --OPTION=VALUE", argument);
            return -EINVAL;
        }
        if (argc > ARGUMENTS_MAX) {
            reply_add(reply, reply_size, "there are more than %d arguments", ARGUMENTS_MAX);
            return -EINVAL;
        }
        argv[argc++] = (char *)argument;
    }
    argv[argc] = NULL;
    opterr = 0;
    int r = options_parse(argc, argv, ret);
    if (r != 0) {
        reply_add(reply, reply_size,
                  "the new command line is wrong (at '%.100s'); the journal may say more",
                  optind > 0 && optind <= argc ? argv[optind - 1] : "");
        return -EINVAL;
    }
    return 0;
}

static void add_text(char *reply, size_t size, const char *what, const char *old, const char *new)
{
    if (strcmp(old, new) != 0)
        reply_add(reply, size, "%s: '%s' → '%s'" REPLY_AT_NEXT_START, what, old, new);
}

static void add_number(char *reply, size_t size, const char *what, uint64_t old, uint64_t new)
{
    if (old != new)
        reply_add(reply, size, "%s: %llu → %llu" REPLY_AT_NEXT_START, what, (unsigned long long)old,
                  (unsigned long long)new);
}

/* Files that were handed over have the same name whatever they are: whoever opened them knows. */
static void add_file(char *reply, size_t size, const char *what, const char *old, const char *new)
{
    if ((!old || strncmp(old, "fd:", 3) == 0) && (!new || strncmp(new, "fd:", 3) == 0))
        return;
    add_text(reply, size, what, old ? old : "", new ? new : "");
}

/* Their values are nobody's business. */
static void compare_credentials(const struct options *old, const struct options *new, char *reply,
                                size_t size)
{
    bool same = old->n_credentials == new->n_credentials;

    for (unsigned i = 0; i < old->n_credentials && same; i++)
        same = strcmp(old->credentials[i], new->credentials[i]) == 0;
    if (!same)
        reply_add(reply, size, "credentials: what changed" REPLY_AT_NEXT_START);
}

static void compare_devices(const struct options *old, const struct options *new, char *reply,
                            size_t size)
{
    char label[RELOAD_LABEL_SIZE];

    for (unsigned i = 0; i < old->n_devices; i++) {
        const char *option = old->devices[i].kind->option, *argument = old->devices[i].argument;

        reload_label(option, argument, label);
        if (!reload_find(new, option, argument))
            reply_add(reply, size, "%s: its removal" REPLY_AT_NEXT_START, label);
    }
    for (unsigned i = 0; i < new->n_devices; i++) {
        const char *option = new->devices[i].kind->option, *argument = new->devices[i].argument;

        reload_label(option, argument, label);
        if (!reload_find(old, option, argument))
            reply_add(reply, size, "%s: new, it" REPLY_AT_NEXT_START, label);
    }
}

int reload_compare(const struct options *old, const struct options *new, char *reply, size_t size)
{
    if (old->uuid && new->uuid && strcmp(old->uuid, new->uuid) != 0) {
        reply_add(reply, size, "this is VM %.64s, not %.64s", old->uuid, new->uuid);
        return -EINVAL;
    }
    if (old->stop_timeout_sec != new->stop_timeout_sec)
        reply_add(reply, size, "stop timeout: %u s → %u s", old->stop_timeout_sec,
                  new->stop_timeout_sec);
    add_text(reply, size, "name", old->name, new->name);
    add_number(reply, size, "vcpus", old->vcpus, new->vcpus);
    add_number(reply, size, "memory in MiB", old->memory_mib, new->memory_mib);
    add_text(reply, size, "hugepages", huge_pages_name(old->memory_pages),
             huge_pages_name(new->memory_pages));
    add_file(reply, size, "KVM device", old->kvm, new->kvm);
    add_file(reply, size, "kernel", old->kernel, new->kernel);
    add_file(reply, size, "initrd", old->initrd, new->initrd);
    add_text(reply, size, "cmdline", old->cmdline, new->cmdline);
    add_text(reply, size, "require Landlock", old->require_landlock ? "yes" : "no",
             new->require_landlock ? "yes" : "no");
    add_text(reply, size, "readiness", old->readiness ? old->readiness : "vmm",
             new->readiness ? new->readiness : "vmm");
    compare_credentials(old, new, reply, size);
    compare_devices(old, new, reply, size);
    return 0;
}

/* The length of the id in front, or 0 for a device that has none because it is the only one. */
static size_t id_length(const char *argument)
{
    size_t length = strcspn(argument, ",=");

    return argument[length] == '=' ? 0 : length;
}

const char *reload_find(const struct options *options, const char *option, const char *argument)
{
    size_t length = id_length(argument);

    for (unsigned i = 0; i < options->n_devices; i++) {
        const char *other = options->devices[i].argument;

        if (strcmp(options->devices[i].kind->option, option) == 0 && id_length(other) == length &&
            strncmp(other, argument, length) == 0)
            return other;
    }
    return NULL;
}

void reload_label(const char *option, const char *argument, char ret[static RELOAD_LABEL_SIZE])
{
    size_t length = id_length(argument);

    if (length == strlen(option) && strncmp(option, argument, length) == 0)
        length = 0; /* once is enough */
    (void)snprintf(ret, RELOAD_LABEL_SIZE, "%s%s%.*s", option, length > 0 ? " " : "",
                   (int)(length < 32 ? length : 32), argument);
}
