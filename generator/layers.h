/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where VM descriptions are found: /etc/volt/vms over /run/volt/vms over /usr/lib/volt/vms. */
#pragma once

#include "generator/config.h"

#define LAYERS       3
#define INI_SIZE_MAX (1024 * 1024)

/* A name in one of the directories. */
struct layer_entry {
    char *name;
    unsigned layer; /* 0 wins */
};

struct layer_list {
    struct layer_entry *items; /* by name, then by layer */
    size_t count;
};

struct layers {
    int dirs[LAYERS];               /* open directories; -EBADF where there is none */
    struct source *sources[LAYERS]; /* the directories, for messages */
    struct layer_list files;        /* *.ini: each name once, of the layer that wins */
    struct layer_list drop_ins;     /* *.ini.d directories, of all layers */
    struct problems problems;       /* directories that cannot be read */
};

/* Lists the directories below ROOT ("" is the machine itself). A directory that is not there is
 * empty. Names that begin with '.', '#' or '~' are passed over. Returns 0 or -ENOMEM; *ret_layers
 * is to be given to layers_done() either way. */
int layers_open(const char *root, struct layers *ret_layers);
void layers_done(struct layers *layers);

/* Reads FILE (an item of layers->files) and its drop-ins, and the ZONES that it names. *ret_config
 * is NULL when the file is masked: empty, or a link to /dev/null. Returns 0 or -ENOMEM; what cannot
 * be read is a problem of the VM. */
int layers_load(const struct layers *layers, const struct layer_entry *file, struct zones *zones,
                struct vm_config **ret_config);

/* As layers_load(), for a file anywhere. Its drop-ins are in PATH.d. */
int layers_load_path(const char *path, struct zones *zones, struct vm_config **ret_config);
