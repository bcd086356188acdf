/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where VM descriptions are found: /etc/volt/vms over /run/volt/vms over /usr/lib/volt/vms. */
#include "generator/layers.h"
#include "generator/suffix.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "generator/ini-file.h"

static const char *const layer_paths[LAYERS] = {
    "/etc/volt/vms",
    "/run/volt/vms",
    "/usr/lib/volt/vms",
};

static void cleanup_closedir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static int list_add(struct layer_list *list, const char *name, unsigned layer)
{
    struct layer_entry *items;

    if ((list->count & (list->count - 1)) == 0) { /* full at each power of two */
        items = reallocarray(list->items, list->count ? list->count * 2 : 1, sizeof(*items));
        if (!items)
            return -ENOMEM;
        list->items = items;
    }
    list->items[list->count] = (struct layer_entry){.name = strdup(name), .layer = layer};
    if (!list->items[list->count].name)
        return -ENOMEM;
    list->count++;
    return 0;
}

static void list_done(struct layer_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct layer_list){0};
}

static int compare_entries(const void *a, const void *b)
{
    const struct layer_entry *x = a, *y = b;
    int r = strcmp(x->name, y->name);

    return r != 0 ? r : (x->layer > y->layer) - (x->layer < y->layer);
}

static void list_sort(struct layer_list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), compare_entries);
}

/* Of entries with one name, keeps the one whose layer wins. The list is sorted. */
static void list_unique(struct layer_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && strcmp(list->items[kept - 1].name, list->items[i].name) == 0)
            free(list->items[i].name);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* Adds the names in DIR_FD that end with SUFFIX to FILES, and with DROP_IN_SUFFIX to DROP_INS. */
static int list_directory(int dir_fd, unsigned layer, const char *suffix, struct layer_list *files,
                          const char *drop_in_suffix, struct layer_list *drop_ins)
{
    _cleanup_(cleanup_closedir) DIR *dir = NULL;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    const struct dirent *entry;

    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir) {
        r = -errno;
        (void)close_fd(fd);
        return r;
    }
    while (r >= 0 && (errno = 0, entry = readdir(dir))) {
        if (strchr(".#~", entry->d_name[0]))
            continue;
        if (has_suffix(entry->d_name, suffix))
            r = list_add(files, entry->d_name, layer);
        else if (drop_ins && has_suffix(entry->d_name, drop_in_suffix))
            r = list_add(drop_ins, entry->d_name, layer);
    }
    return r < 0 ? r : -errno;
}

static int open_layer(struct layers *layers, const char *root, unsigned layer)
{
    struct origin origin;
    char path[PATH_MAX];
    int r;

    r = source_new(layer_paths[layer], layer_paths[layer], &layers->sources[layer]);
    if (r < 0)
        return r;
    origin = (struct origin){.source = layers->sources[layer]};
    if (snprintf(path, sizeof(path), "%s%s", root, layer_paths[layer]) >= (int)sizeof(path))
        r = -ENAMETOOLONG;
    else
        layers->dirs[layer] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && layers->dirs[layer] < 0) {
        if (errno == ENOENT)
            return 0;
        r = -errno;
    }
    if (r == 0)
        r = list_directory(layers->dirs[layer], layer, ".ini", &layers->files, ".ini.d",
                           &layers->drop_ins);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        problems_add(&layers->problems, origin, "the directory cannot be read: %s", strerror(-r));
    return 0;
}

int layers_open(const char *root, struct layers *ret_layers)
{
    int r;

    *ret_layers = (struct layers){.dirs = {-EBADF, -EBADF, -EBADF}};
    for (unsigned i = 0; i < LAYERS; i++) {
        r = open_layer(ret_layers, root, i);
        if (r < 0)
            return r;
    }
    list_sort(&ret_layers->files);
    list_unique(&ret_layers->files);
    list_sort(&ret_layers->drop_ins);
    return 0;
}

void layers_done(struct layers *layers)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        layers->dirs[i] = close_fd(layers->dirs[i]);
        source_free(layers->sources[i]);
        layers->sources[i] = NULL;
    }
    list_done(&layers->files);
    list_done(&layers->drop_ins);
    problems_done(&layers->problems);
}

/* Reads one file into CONFIG. Returns 1, 0 when it is masked, or -ENOMEM. */
static int load_file(struct vm_config *config, const struct source *source, int dir_fd,
                     const char *name)
{
    _cleanup_free_ char *text = NULL;
    const char *why = NULL;
    size_t size = 0;
    int r = ini_file_load(dir_fd, name, INI_SIZE_MAX, &text, &size, &why);

    if (r == 0 || r == -ENOMEM)
        return r;
    if (r < 0) {
        problems_add(&config->problems, (struct origin){.source = source}, "the file %s", why);
        config->unread = config->unread || source == vm_config_source(config);
        return 1;
    }
    r = vm_config_read(config, source, text, size);
    return r < 0 ? r : 1;
}

/* A drop-in directory of the VM that is being read. */
struct drop_in_dir {
    int fd;    /* -EBADF: there is none */
    int error; /* why it could not be opened, as an errno; or 0 */
    char path[PATH_MAX];
};

static void drop_in_dir_open(struct drop_in_dir *dir, int dir_fd, const char *name)
{
    dir->fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir->error = dir->fd < 0 && errno != ENOENT ? errno : 0;
}

/* Reads one drop-in of DIR. Returns 0 or -ENOMEM. */
static int load_drop_in(struct vm_config *config, const char *label, const struct drop_in_dir *dir,
                        const char *name)
{
    _cleanup_free_ char *path = NULL, *short_name = NULL;
    const struct source *source;
    int r;

    if (asprintf(&path, "%s/%s", dir->path, name) < 0)
        path = NULL;
    if (asprintf(&short_name, "%s/%s", label, name) < 0)
        short_name = NULL;
    if (!path || !short_name)
        return -ENOMEM;
    r = vm_config_add_source(config, path, short_name, &source);
    if (r < 0)
        return r;
    r = load_file(config, source, dir->fd, name);
    return r < 0 ? r : 0;
}

/* Reads the drop-ins, by name, from the directories; DIRS[0] wins. LABEL is "web.ini.d". */
static int load_drop_ins(struct vm_config *config, const char *label,
                         const struct drop_in_dir dirs[static LAYERS])
{
    struct origin origin = {.source = vm_config_source(config)};
    struct layer_list list = {0};
    int r = 0;

    for (unsigned i = 0; i < LAYERS && r != -ENOMEM; i++) {
        r = -dirs[i].error;
        if (dirs[i].fd >= 0)
            r = list_directory(dirs[i].fd, i, ".conf", &list, NULL, NULL);
        if (r < 0 && r != -ENOMEM)
            problems_add(&config->problems, origin, "the drop-ins in %s cannot be read: %s",
                         dirs[i].path, strerror(-r));
    }
    list_sort(&list);
    list_unique(&list);
    for (size_t i = 0; i < list.count && r != -ENOMEM; i++)
        r = load_drop_in(config, label, &dirs[list.items[i].layer], list.items[i].name);
    list_done(&list);
    return r == -ENOMEM ? r : 0;
}

/* Reads the VM of the file NAME in DIR_FD, which people know as PATH and LABEL. DIRS is NULL where
 * there are no drop-ins. */
static int load_vm(int dir_fd, const char *name, const char *path, const char *label,
                   const char *drop_in_label, const struct drop_in_dir *dirs, struct zones *zones,
                   struct vm_config **ret_config)
{
    _cleanup_vm_config_ struct vm_config *config = NULL;
    int r;

    r = vm_config_new(path, label, &config);
    if (r < 0)
        return r;
    r = load_file(config, vm_config_source(config), dir_fd, name);
    if (r < 0)
        return r;
    if (r == 0) {
        *ret_config = NULL;
        return 0;
    }
    r = dirs ? load_drop_ins(config, drop_in_label, dirs) : 0;
    if (r >= 0)
        r = vm_config_finish(config, zones);
    if (r >= 0)
        *ret_config = TAKE_PTR(config);
    return r;
}

int layers_load(const struct layers *layers, const struct layer_entry *file, struct zones *zones,
                struct vm_config **ret_config)
{
    struct drop_in_dir dirs[LAYERS];
    char path[PATH_MAX], label[NAME_MAX + sizeof(".d")];
    bool any = false;
    int r;

    (void)snprintf(path, sizeof(path), "%s/%s", layer_paths[file->layer], file->name);
    (void)snprintf(label, sizeof(label), "%s.d", file->name);
    for (unsigned i = 0; i < LAYERS && layers->drop_ins.count > 0; i++) {
        struct layer_entry key = {.name = label, .layer = i};

        dirs[i].fd = -EBADF;
        dirs[i].error = 0;
        if (!bsearch(&key, layers->drop_ins.items, layers->drop_ins.count, sizeof(key),
                     compare_entries))
            continue;
        (void)snprintf(dirs[i].path, PATH_MAX, "%s/%s", layer_paths[i], label);
        drop_in_dir_open(&dirs[i], layers->dirs[i], label);
        any = true;
    }
    r = load_vm(layers->dirs[file->layer], file->name, path, file->name, label, any ? dirs : NULL,
                zones, ret_config);
    for (unsigned i = 0; i < LAYERS && any; i++)
        dirs[i].fd = close_fd(dirs[i].fd);
    return r;
}

int layers_load_path(const char *path, struct zones *zones, struct vm_config **ret_config)
{
    struct drop_in_dir dirs[LAYERS] = {{.fd = -EBADF}, {.fd = -EBADF}, {.fd = -EBADF}};
    char absolute[PATH_MAX], cwd[PATH_MAX] = "";
    int r;

    if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
        return -errno;
    if (snprintf(absolute, sizeof(absolute), "%s%s%s", cwd, *path != '/' ? "/" : "", path) >=
            (int)sizeof(absolute) ||
        snprintf(dirs[0].path, PATH_MAX, "%s.d", path) >= PATH_MAX)
        return -ENAMETOOLONG;
    drop_in_dir_open(&dirs[0], AT_FDCWD, dirs[0].path);
    r = load_vm(AT_FDCWD, path, absolute, path, dirs[0].path, dirs, zones, ret_config);
    dirs[0].fd = close_fd(dirs[0].fd);
    return r;
}
