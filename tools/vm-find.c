/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads volt-NAME.target for the UUID, and the VM's drop-in for what it has. */
#include "tools/vm-find.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define SERVICE     "volt-vm@"
#define REQUIRES    "Requires=" SERVICE
#define DESCRIPTION "Description=Volt VM "
#define SOCKETS     "Sockets=volt-console@"

/* Copies the UUID that TEXT begins with, in lower case. Returns whether it is one. */
static bool take_uuid(const char *text, char ret[static VM_UUID_LENGTH + 1])
{
    for (unsigned i = 0; i < VM_UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
        ret[i] = (char)tolower((unsigned char)text[i]);
    }
    ret[VM_UUID_LENGTH] = '\0';
    return true;
}

static bool name_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > VM_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
            return false;
    return true;
}

static int find_by_name(const char *units, const char *name, struct found_vm *vm)
{
    char path[PATH_MAX], line[256], uuid[VM_UUID_LENGTH + 1];
    unsigned n = 0;

    if (!name_valid(name))
        return -ENOENT;
    (void)snprintf(path, sizeof(path), "%s/volt-%s.target", units, name);
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    if (!f)
        return -ENOENT;
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, REQUIRES, strlen(REQUIRES)) != 0 ||
            !take_uuid(line + strlen(REQUIRES), uuid))
            continue;
        if (n++ == 0)
            memcpy(vm->uuid, uuid, sizeof(uuid));
    }
    memcpy(vm->name, name, strlen(name) + 1);
    return n == 0 ? -EBADMSG : n > 1 ? -ENOTUNIQ : 0;
}

/* What the VM's drop-in says. */
static void read_drop_in(const char *units, struct found_vm *vm)
{
    char path[PATH_MAX], line[256];

    (void)snprintf(path, sizeof(path), "%s/" SERVICE "%s.service.d/50-volt.conf", units, vm->uuid);
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    if (!f)
        return;
    vm->described = true;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        const char *name = line + strlen(DESCRIPTION);

        if (strncmp(line, SOCKETS, strlen(SOCKETS)) == 0)
            vm->has_console = true;
        else if (strncmp(line, DESCRIPTION, strlen(DESCRIPTION)) == 0 && name_valid(name))
            memcpy(vm->name, name, strlen(name) + 1);
    }
}

int vm_find(const char *units, const char *word, struct found_vm *ret)
{
    struct found_vm vm = {0};
    int r = 0;

    /* A VM may be called like a UUID, but then there is nothing that it is called but that. */
    if (strlen(word) == VM_UUID_LENGTH && take_uuid(word, vm.uuid))
        memcpy(vm.name, vm.uuid, sizeof(vm.uuid));
    else
        r = find_by_name(units, word, &vm);
    if (r < 0)
        return r;
    read_drop_in(units, &vm);
    *ret = vm;
    return 0;
}
