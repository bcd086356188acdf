/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VMs boot which managed kernel. */
#include "tools/kernel/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "generator/layers.h"

#define RUN_DIR "/run/volt/vm"
#define RUNS    "VOLT_KERNEL="

static int add(struct kernel_users *users, const struct kernel_user *user)
{
    struct kernel_user *grown = reallocarray(users->items, users->count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    users->items = grown;
    users->items[users->count++] = *user;
    return 0;
}

/* What NAME is in the end; NAME itself, where that cannot be told. */
static void resolve(const char *root, const char *name, char ret[static KERNEL_NAME_MAX + 1])
{
    _cleanup_free_ char *why = NULL;
    struct kernel_dir dir;

    if (kernel_store_open(root, name, &dir, &why) < 0) {
        (void)snprintf(ret, KERNEL_NAME_MAX + 1, "%s", name);
        return;
    }
    (void)snprintf(ret, KERNEL_NAME_MAX + 1, "%s", dir.name);
    kernel_dir_done(&dir);
}

/* The kernel in whose directory PATH lies; "" where in none. */
static void name_in_path(const char *path, char ret[static KERNEL_NAME_MAX + 1])
{
    ret[0] = '\0';
    for (unsigned i = 0; path && i < KERNEL_LAYERS; i++) {
        size_t length = strlen(kernel_layers[i]);

        if (strncmp(path, kernel_layers[i], length) != 0 || path[length] != '/')
            continue;
        (void)snprintf(ret, KERNEL_NAME_MAX + 1, "%.*s", (int)strcspn(path + length + 1, "/"),
                       path + length + 1);
    }
}

static int add_config(const char *root, const struct vm_config *config, struct kernel_users *users)
{
    const char *kernel = config->vm.kernel ? config->vm.kernel : KERNEL_DEFAULT;
    struct kernel_user user = {.unknown = config->unread};
    char initrd[KERNEL_NAME_MAX + 1];
    int r = 0;

    (void)snprintf(user.vm, sizeof(user.vm), "%s", config->unit_name);
    (void)snprintf(user.source, sizeof(user.source), "%s", vm_config_source(config)->label);
    name_in_path(config->vm.initrd, initrd);
    if (*initrd && *kernel == '/') {
        (void)snprintf(user.kernel, sizeof(user.kernel), "%s", initrd);
        r = add(users, &user);
    }
    if (*kernel == '/') {
        name_in_path(kernel, user.kernel);
        return r < 0 || !user.kernel[0] ? r : add(users, &user);
    }
    user.by_default = strcmp(kernel, KERNEL_DEFAULT) == 0;
    resolve(root, kernel, user.kernel);
    return r < 0 ? r : add(users, &user);
}

/* What volt-open left for a VM that runs. */
static bool read_running(int dir_fd, const char *uuid, char ret[static KERNEL_NAME_MAX + 1])
{
    char path[NAME_MAX + sizeof("/environment")], line[512];
    bool found = false;

    (void)snprintf(path, sizeof(path), "%s/environment", uuid);
    int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    _cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f) {
        (void)close_fd(fd);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, RUNS, strlen(RUNS)) != 0 || !kernel_name_is_valid(line + strlen(RUNS)))
            continue;
        (void)snprintf(ret, KERNEL_NAME_MAX + 1, "%.*s", KERNEL_NAME_MAX, line + strlen(RUNS));
        found = true;
    }
    return found;
}

static const char *name_of(struct vm_config *const *configs, size_t count, const char *uuid)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(configs[i]->vm.uuid, uuid) == 0)
            return configs[i]->unit_name;
    return uuid;
}

static int add_running(const char *root, struct vm_config *const *configs, size_t count,
                       struct kernel_users *users)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    int r = 0;

    (void)snprintf(path, sizeof(path), "%s" RUN_DIR, root);
    DIR *dir = opendir(path);
    if (!dir) /* for root alone: others see no VM run */
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    while (r >= 0 && (entry = readdir(dir))) {
        struct kernel_user user = {.runs = true};

        if (entry->d_name[0] == '.' || !read_running(dirfd(dir), entry->d_name, user.kernel))
            continue;
        (void)snprintf(user.vm, sizeof(user.vm), "%.*s", KERNEL_NAME_MAX,
                       name_of(configs, count, entry->d_name));
        r = add(users, &user);
    }
    (void)closedir(dir);
    return r;
}

int kernel_users_find(const char *root, struct kernel_users *ret)
{
    struct kernel_users users = {0};
    struct zones zones = {.root = root};
    struct layers layers;
    struct vm_config **configs = NULL;
    size_t count = 0;
    int r = layers_open(root, &layers);

    if (r >= 0) {
        configs = calloc(layers.files.count + 1, sizeof(*configs));
        r = configs ? 0 : -ENOMEM;
    }
    for (size_t i = 0; r >= 0 && i < layers.files.count; i++) {
        r = layers_load(&layers, &layers.files.items[i], &zones, &configs[count]);
        if (r >= 0 && configs[count])
            r = add_config(root, configs[count++], &users);
    }
    if (r >= 0)
        r = add_running(root, configs, count, &users);
    for (size_t i = 0; i < count; i++)
        vm_config_free(configs[i]);
    free(configs);
    zones_done(&zones);
    layers_done(&layers);
    if (r < 0)
        kernel_users_done(&users);
    else
        *ret = users;
    return r;
}

void kernel_users_done(struct kernel_users *users)
{
    free(users->items);
    *users = (struct kernel_users){0};
}

static bool runs_with(const struct kernel_users *users, const char *vm, const char *kernel)
{
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i].runs && strcmp(users->items[i].vm, vm) == 0 &&
            strcmp(users->items[i].kernel, kernel) == 0)
            return true;
    return false;
}

static bool names(const struct kernel_users *users, const char *vm, const char *kernel)
{
    for (size_t i = 0; i < users->count; i++)
        if (!users->items[i].runs && strcmp(users->items[i].vm, vm) == 0 &&
            strcmp(users->items[i].kernel, kernel) == 0)
            return true;
    return false;
}

char *kernel_users_text(const struct kernel_users *users, const char *kernel)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    unsigned n = 0;

    if (!f)
        return NULL;
    for (size_t i = 0; i < users->count; i++) {
        const struct kernel_user *user = &users->items[i];

        if (user->unknown || strcmp(user->kernel, kernel) != 0)
            continue;
        if (user->runs && names(users, user->vm, kernel))
            continue; /* once is enough */
        (void)fprintf(f, "%s%s%s", n++ > 0 ? ", " : "", user->vm,
                      runs_with(users, user->vm, kernel) ? " (runs)" : "");
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

const struct kernel_user *kernel_users_need(const struct kernel_users *users, const char *kernel)
{
    for (size_t i = 0; i < users->count; i++)
        if (!users->items[i].unknown && strcmp(users->items[i].kernel, kernel) == 0)
            return &users->items[i];
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i].unknown)
            return &users->items[i];
    return NULL;
}
