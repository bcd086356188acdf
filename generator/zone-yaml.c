/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A zone of Voltainer, from its YAML file: kind: NetworkZone.
 *
 * What the file says becomes the same settings as in an INI file. Aliases are what YAML says they
 * are, but nothing is ever copied for one: libyaml hands out nodes, and a node is looked at once
 * for each of the few places that a known key can stand in. */
#include <ctype.h>
#include <string.h>

#include "generator/schema.h"
#include "generator/yaml-library.h"

/* The mappings that have keys of ours. */
enum place { PLACE_ROOT = 1, PLACE_METADATA = 2, PLACE_SPEC = 4, PLACE_DHCP = 8, PLACE_RANGE = 16 };

#define KEYS_MAX     16
#define BRACKETS_MAX 256

struct reading {
    struct zone *zone;
    struct yaml_library yaml;
    yaml_document_t *document;
    unsigned seen[KEYS_MAX]; /* by key: the line that it stands in; 0: none */
    char *first, *last;      /* of the DHCP range */
    int r;
};

static void read_mapping(struct reading *reading, const yaml_node_t *node, enum place place);

static unsigned line_of(const yaml_node_t *node)
{
    return (unsigned)node->start_mark.line + 1;
}

static struct origin origin_of(const struct reading *reading, const yaml_node_t *node)
{
    return (struct origin){.source = reading->zone->source, .line = line_of(node)};
}

static const char *kind_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE     ? "a single value"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a mapping";
}

/* What YAML's core schema has for "nothing". */
static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0)
            return true;
    return false;
}

/* The text of NODE, which is KEY's; NULL where it is none, which is a problem then, or nothing. */
static const char *text_of(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE) {
        problems_add(&reading->zone->problems, origin_of(reading, node),
                     "%s must be a single value, not %s", key, kind_of(node));
        return NULL;
    }
    text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        problems_add(&reading->zone->problems, origin_of(reading, node), "%s has a NUL byte", key);
        return NULL;
    }
    return is_null(node) ? NULL : text;
}

static void set(struct reading *reading, const yaml_node_t *node, const char *key, const char *text)
{
    int r = zone_set(reading->zone, line_of(node), key, text);

    if (r < 0)
        reading->r = r;
}

static void read_setting(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const char *text = text_of(reading, key, node);

    if (text)
        set(reading, node, key, text);
}

static void read_kind(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const char *text = text_of(reading, key, node);

    if (text && strcmp(text, "NetworkZone") != 0)
        problems_add(&reading->zone->problems, origin_of(reading, node),
                     "kind must be NetworkZone, not '%.*s'", QUOTED(text));
}

static void read_name(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const char *text = text_of(reading, key, node);

    if (text && strcmp(text, reading->zone->name) != 0)
        problems_add(&reading->zone->problems, origin_of(reading, node),
                     "the name must be the one in the file's name, '%s', not '%.*s'",
                     reading->zone->name, QUOTED(text));
}

/* YAML's words for yes and no have their cases, ours have not. */
static void read_enabled(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const char *text = text_of(reading, key, node);
    char lower[2 * QUOTE_MAX];
    size_t n = 0;

    if (!text)
        return;
    for (; text[n] != '\0' && n < sizeof(lower) - 1; n++)
        lower[n] = (char)tolower((unsigned char)text[n]);
    lower[n] = '\0';
    set(reading, node, "dhcp", lower);
}

static void keep(struct reading *reading, char **place, const char *text)
{
    free(*place);
    *place = text ? strdup(text) : NULL;
    if (text && !*place)
        reading->r = -ENOMEM;
}

static void read_first(struct reading *reading, const char *key, const yaml_node_t *node)
{
    keep(reading, &reading->first, text_of(reading, key, node));
}

static void read_last(struct reading *reading, const char *key, const yaml_node_t *node)
{
    keep(reading, &reading->last, text_of(reading, key, node));
}

/* [FIRST, LAST]. */
static void read_list(struct reading *reading, const yaml_node_t *node)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;

    if (node->data.sequence.items.top - items != 2)
        return;
    read_first(reading, "range", reading->yaml.document_get_node(reading->document, items[0]));
    read_last(reading, "range", reading->yaml.document_get_node(reading->document, items[1]));
}

/* FIRST-LAST, with '-' or ',' between, a list of the two, or a mapping. */
static void read_range(struct reading *reading, const char *key, const yaml_node_t *node)
{
    _cleanup_free_ char *both = NULL;
    size_t problems = reading->zone->problems.count;
    char *comma;

    if (node->type == YAML_SCALAR_NODE) {
        keep(reading, &both, text_of(reading, key, node));
        comma = both ? strchr(both, ',') : NULL;
        if (comma)
            *comma = '-';
    } else {
        if (node->type == YAML_SEQUENCE_NODE)
            read_list(reading, node);
        else
            read_mapping(reading, node, PLACE_RANGE);
        if (reading->first && reading->last &&
            asprintf(&both, "%s-%s", reading->first, reading->last) < 0) {
            both = NULL;
            reading->r = -ENOMEM;
        }
        if (!both && reading->zone->problems.count == problems)
            problems_add(&reading->zone->problems, origin_of(reading, node),
                         "range must be FIRST-LAST, [FIRST, LAST], or a mapping of start and end");
    }
    if (both)
        set(reading, node, "dhcp_range", both);
}

static void read_inner(struct reading *reading, const char *key, const yaml_node_t *node,
                       enum place place)
{
    if (node->type == YAML_MAPPING_NODE)
        read_mapping(reading, node, place);
    else if (!is_null(node))
        problems_add(&reading->zone->problems, origin_of(reading, node),
                     "%s must be a mapping, not %s", key, kind_of(node));
}

static void read_metadata(struct reading *reading, const char *key, const yaml_node_t *node)
{
    read_inner(reading, key, node, PLACE_METADATA);
}

static void read_spec(struct reading *reading, const char *key, const yaml_node_t *node)
{
    read_inner(reading, key, node, PLACE_SPEC);
}

static void read_dhcp(struct reading *reading, const char *key, const yaml_node_t *node)
{
    read_inner(reading, key, node, PLACE_DHCP);
}

static void read_merge(struct reading *reading, _unused_ const char *key, const yaml_node_t *node)
{
    problems_add(&reading->zone->problems, origin_of(reading, node),
                 "'<<' is not followed here; write the keys out");
}

static const struct key {
    const char *name;
    unsigned places; /* of enum place; in one of them, once */
    void (*read)(struct reading *reading, const char *key, const yaml_node_t *node);
} keys[] = {
    {"kind", PLACE_ROOT, read_kind},
    {"name", PLACE_ROOT, read_name},
    {"name", PLACE_METADATA, read_name},
    {"metadata", PLACE_ROOT, read_metadata},
    {"spec", PLACE_ROOT, read_spec},
    {"bridge", PLACE_ROOT | PLACE_SPEC, read_setting},
    {"subnet", PLACE_ROOT | PLACE_SPEC, read_setting},
    {"gateway", PLACE_ROOT | PLACE_SPEC, read_setting},
    {"dhcp", PLACE_ROOT | PLACE_SPEC, read_dhcp},
    {"enabled", PLACE_DHCP, read_enabled},
    {"range", PLACE_DHCP, read_range},
    {"start", PLACE_RANGE, read_first},
    {"end", PLACE_RANGE, read_last},
    {"<<", PLACE_ROOT | PLACE_METADATA | PLACE_SPEC | PLACE_DHCP | PLACE_RANGE, read_merge},
};
_Static_assert(ELEMENTSOF(keys) <= KEYS_MAX, "struct reading has no room for a key");

static void read_pair(struct reading *reading, const yaml_node_t *key, const yaml_node_t *value,
                      enum place place)
{
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (!(keys[i].places & place) ||
            strcmp((const char *)key->data.scalar.value, keys[i].name) != 0)
            continue;
        if (reading->seen[i] != 0) {
            problems_add(&reading->zone->problems, origin_of(reading, key),
                         "%s stands here again; line %u has it already", keys[i].name,
                         reading->seen[i]);
            return;
        }
        reading->seen[i] = line_of(key);
        keys[i].read(reading, keys[i].name, value);
        return;
    }
}

/* A mapping may be its own child, by an alias; but the places are only left downwards. */
static void read_mapping(struct reading *reading, const yaml_node_t *node, enum place place)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && reading->r >= 0; pair++) {
        const yaml_node_t *key = reading->yaml.document_get_node(reading->document, pair->key);

        if (key->type == YAML_SCALAR_NODE)
            read_pair(reading, key, reading->yaml.document_get_node(reading->document, pair->value),
                      place);
    }
}

static void read_document(struct reading *reading)
{
    const yaml_node_t *root = reading->yaml.document_get_root_node(reading->document);
    struct origin origin = {.source = reading->zone->source};

    if (!root || is_null(root)) {
        problems_add(&reading->zone->problems, origin, "there is nothing in the file");
    } else if (root->type != YAML_MAPPING_NODE) {
        problems_add(&reading->zone->problems, origin_of(reading, root),
                     "the file must be a mapping with kind: NetworkZone, not %s", kind_of(root));
    } else {
        read_mapping(reading, root, PLACE_ROOT);
        if (reading->seen[0] == 0) /* kind */
            problems_add_first(&reading->zone->problems, origin,
                               "there is no kind; it must be NetworkZone");
    }
}

/* The line of the byte at OFFSET. */
static unsigned count_lines(const char *text, size_t size, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < size && i < offset; i++)
        line += text[i] == '\n';
    return line;
}

static int report_error(struct reading *reading, const yaml_parser_t *parser, const char *text,
                        size_t size)
{
    struct origin origin = {.source = reading->zone->source,
                            .line = (unsigned)parser->problem_mark.line + 1};

    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR)
        origin.line = count_lines(text, size, parser->problem_offset);
    problems_add(&reading->zone->problems, origin, "this is no YAML: %s%s%s",
                 parser->problem ? parser->problem : "it cannot be read",
                 parser->context ? " " : "", parser->context ? parser->context : "");
    return 0;
}

/* Loads the next document and gives it to READ. Returns 0, also where it is no YAML, or -ENOMEM. */
static int load(struct reading *reading, yaml_parser_t *parser, const char *text, size_t size,
                void (*read)(struct reading *reading))
{
    yaml_document_t document;

    if (!reading->yaml.parser_load(parser, &document))
        return report_error(reading, parser, text, size);
    reading->document = &document;
    read(reading);
    reading->document = NULL;
    reading->yaml.document_delete(&document);
    return reading->r;
}

static void refuse_document(struct reading *reading)
{
    const yaml_node_t *root = reading->yaml.document_get_root_node(reading->document);

    if (root)
        problems_add(&reading->zone->problems, origin_of(reading, root),
                     "a second document begins here; a zone's file has one");
}

/* libyaml's time grows with the square of the depth of '[' and '{': some seconds for 64 KiB of
 * them. No zone has that many. */
static bool is_too_deep(const char *text, size_t size)
{
    size_t brackets = 0;

    for (size_t i = 0; i < size; i++)
        brackets += text[i] == '[' || text[i] == '{';
    return brackets > BRACKETS_MAX;
}

int zone_read_yaml(struct zone *zone, const char *text, size_t size)
{
    struct reading reading = {.zone = zone};
    yaml_parser_t parser;
    int r;

    if (is_too_deep(text, size)) {
        problems_add(&zone->problems, (struct origin){.source = zone->source},
                     "the file has more than %d '[' and '{'; nothing of it is read", BRACKETS_MAX);
        return 0;
    }
    if (yaml_library_open(&reading.yaml) < 0) {
        problems_add(&zone->problems, (struct origin){.source = zone->source},
                     "libyaml-0.so.2 is needed to read it, and is not there; install it "
                     "(libyaml-0-2), or write the zone as an INI file");
        return 0;
    }
    if (!reading.yaml.parser_initialize(&parser))
        return -ENOMEM;
    reading.yaml.parser_set_input_string(&parser, (const unsigned char *)text, size);
    r = load(&reading, &parser, text, size, read_document);
    if (r >= 0 && zone->problems.count == 0)
        r = load(&reading, &parser, text, size, refuse_document);
    reading.yaml.parser_delete(&parser);
    free(reading.first);
    free(reading.last);
    return r;
}
