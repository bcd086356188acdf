/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libyaml, loaded when the first YAML file is met: a run without one does not pay for it. */
#include "generator/yaml-library.h"

#include <dlfcn.h>
#include <string.h>

int yaml_library_open(struct yaml_library *ret_library)
{
    static const char *const names[] = {
        "yaml_parser_initialize", "yaml_parser_delete",          "yaml_parser_set_input_string",
        "yaml_parser_load",       "yaml_document_get_root_node", "yaml_document_get_node",
        "yaml_document_delete",
    };
    void *handle = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_NODELETE), *symbols[ELEMENTSOF(names)];

    _Static_assert(sizeof(struct yaml_library) == sizeof(symbols), "a name for each function");
    if (!handle)
        return -ENOPKG;
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        symbols[i] = dlsym(handle, names[i]);
        if (!symbols[i]) {
            (void)dlclose(handle);
            return -ENOPKG;
        }
    }
    memcpy(ret_library, symbols, sizeof(symbols));
    (void)dlclose(handle);
    return 0;
}
