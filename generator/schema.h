/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vocabulary of the INI file: one row per key. Parsing, messages, help and manual come from it.
 */
#pragma once

#include "generator/config.h"

struct setting {
    enum section_kind section;
    const char *key;
    value_parser parse;
    size_t place;           /* of the value in the section's object */
    struct value_rule rule; /* for the parser */
    const char *value;      /* what the value is: "must be …"; NULL: as the rule says */
    const char *initial;    /* the default, in the INI's words; NULL: nothing, or as below */
    const char *otherwise;  /* what happens without it, where initial does not say so */
    const char *help;       /* what it does, in one sentence or two */
};

struct section_type {
    const char *name;
    bool takes_id;
    size_t size; /* of the section's object */
    const char *help;
    /* Where the keys are free: takes a setting, and the one row of the schema is there to explain.
     * What is wrong becomes a problem. Returns 0 or -ENOMEM. NULL: the keys are the schema's. */
    int (*take)(struct section *section, const char *key, const char *value, struct origin origin,
                struct problems *problems);
};

extern const struct setting schema[];
extern const size_t schema_count;
extern const struct setting zone_schema[]; /* of a zone's file, in SECTION_ZONE */
extern const size_t zone_schema_count;
extern const struct section_type section_types[SECTION_KINDS];

/* The row of KEY in sections of KIND, or NULL. */
const struct setting *schema_find(enum section_kind kind, const char *key);

/* The key of KIND that KEY was probably meant to be, or NULL. */
const char *schema_suggest_key(enum section_kind kind, const char *key);

/* The section's name that NAME was probably meant to be, or NULL. */
const char *schema_suggest_section(const char *name);

/* Where the value of ROW lies in SECTION. */
static inline void *setting_place(const struct setting *row, struct section *section)
{
    return (char *)section + row->place;
}

/* Where the value of ROW in SECTION comes from. */
static inline struct origin *setting_origin(const struct setting *row, struct section *section)
{
    return &section->set[row - schema];
}

/* Puts the defaults of the section's kind in place. Returns 0 or -ENOMEM. */
int schema_set_defaults(struct section *section);

/* Writes what the value of ROW must be: "a whole number from 1 to 64". */
void setting_write_value(const struct setting *row, FILE *f);

/* Adds the problem that VALUE is none for ROW; REASON may say more, or be NULL. Returns 0 or
 * -ENOMEM. */
int setting_report(struct problems *problems, struct origin origin, const struct setting *row,
                   const char *value, const char *reason);

/* Writes COUNT ROWS of KIND as text for a terminal, and for a manual page. */
void settings_write_help(const struct setting *rows, size_t count, enum section_kind kind, FILE *f);
void settings_write_roff(const struct setting *rows, size_t count, enum section_kind kind, FILE *f);

/* Writes the vocabulary for a person, and as the body of volt.vm(5)'s list of settings. */
void schema_write_help(FILE *f);
void schema_write_roff(FILE *f);
