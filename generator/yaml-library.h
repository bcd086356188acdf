/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libyaml, loaded when the first YAML file is met: a run without one does not pay for it. */
#pragma once

#include <yaml.h>

#include "vmm/cleanup.h"

struct yaml_library {
    __typeof__(yaml_parser_initialize) *parser_initialize;
    __typeof__(yaml_parser_delete) *parser_delete;
    __typeof__(yaml_parser_set_input_string) *parser_set_input_string;
    __typeof__(yaml_parser_load) *parser_load;
    __typeof__(yaml_document_get_root_node) *document_get_root_node;
    __typeof__(yaml_document_get_node) *document_get_node;
    __typeof__(yaml_document_delete) *document_delete;
};

/* Finds the functions. The library stays loaded. Returns 0, or -ENOPKG where it is not installed.
 */
int yaml_library_open(struct yaml_library *ret_library);
