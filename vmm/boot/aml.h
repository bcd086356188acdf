/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes ACPI Machine Language (ACPI 6.5, chapter 20) into a buffer of fixed size. */
#pragma once

#include "vmm/cleanup.h"

struct aml {
    uint8_t *data;
    size_t size, length;
    bool overflow; /* sticky: something did not fit */
};

/* What encloses terms. Begin yields a mark for the matching aml_end(). */
size_t aml_begin_scope(struct aml *aml, const char *name);
size_t aml_begin_device(struct aml *aml, const char *name);
size_t aml_begin_method(struct aml *aml, const char *name, unsigned n_arguments);
void aml_end(struct aml *aml, size_t mark);

/* Name (NAME, value). Names have four characters, or a leading backslash and four. */
void aml_name_integer(struct aml *aml, const char *name, uint32_t value);
void aml_name_string(struct aml *aml, const char *name, const char *value);
void aml_name_eisa_id(struct aml *aml, const char *name, const char *id); /* "PNP0A08" */
void aml_name_package(struct aml *aml, const char *name, const uint8_t *values, unsigned n);

/* Notify (OBJECT, VALUE) */
void aml_notify(struct aml *aml, const char *object, uint8_t value);

/* Name (_CRS, ResourceTemplate () {…}): the descriptors of ACPI 6.5, 6.4 stand between. */
size_t aml_begin_resources(struct aml *aml);
void aml_end_resources(struct aml *aml, size_t mark);
void aml_resource_io(struct aml *aml, uint16_t base, uint8_t length);
void aml_resource_memory_fixed(struct aml *aml, uint32_t base, uint32_t length);
void aml_resource_interrupt(struct aml *aml, uint32_t gsi); /* edge-triggered, active high */
void aml_resource_bus_numbers(struct aml *aml, uint16_t first, uint16_t last);
void aml_resource_memory_window(struct aml *aml, uint32_t base, uint32_t length);
