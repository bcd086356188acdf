/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two VMs cannot both have: a UUID, a name, a TAP, a MAC, an address on one bridge, a CID. */
#include "generator/conflicts.h"

#include <arpa/inet.h>
#include <string.h>

#include "generator/macs.h"
#include "generator/schema.h"

enum claim_kind { CLAIM_UUID, CLAIM_NAME, CLAIM_TAP, CLAIM_MAC, CLAIM_IPV4, CLAIM_CID };

static const char *const claim_words[] = {
    [CLAIM_UUID] = "uuid", [CLAIM_NAME] = "name", [CLAIM_TAP] = "tap",
    [CLAIM_MAC] = "mac",   [CLAIM_IPV4] = "ipv4", [CLAIM_CID] = "cid",
};

/* One VM's wish for one value. */
struct claim {
    enum claim_kind kind;
    char value[NAME_LENGTH_MAX + 1];
    struct vm_config *config;
    struct origin origin;
    bool derived; /* nobody wrote the value down */
};

struct claims {
    struct claim *items;
    size_t count, room;
};

static int claim(struct claims *claims, enum claim_kind kind, const char *value,
                 struct vm_config *config, struct section *section)
{
    const struct setting *row = schema_find(section->kind, claim_words[kind]);
    struct origin said = *setting_origin(row, section);
    struct origin fallback = section->kind == SECTION_VM
                                 ? (struct origin){.source = vm_config_source(config)}
                                 : section->origin;
    struct claim *item;

    if (*value == '\0')
        return 0;
    if (claims->count == claims->room) {
        size_t room = claims->room > 0 ? claims->room * 2 : 64;
        struct claim *items = reallocarray(claims->items, room, sizeof(*items));

        if (!items)
            return -ENOMEM;
        claims->items = items;
        claims->room = room;
    }
    item = &claims->items[claims->count++];
    *item = (struct claim){.kind = kind,
                           .config = config,
                           .origin = said.source ? said : fallback,
                           .derived = !said.source};
    (void)snprintf(item->value, sizeof(item->value), "%s", value);
    return 0;
}

/* An address is one VM's on each bridge. What bridges there are beyond, is not known here. */
static int claim_ipv4(struct claims *claims, struct vm_config *config,
                      struct network_section *network)
{
    char value[INET_ADDRSTRLEN + sizeof(" on ") + IFNAME_LENGTH_MAX], address[INET_ADDRSTRLEN];

    if (network->ipv4.prefix == 0 || network->ipv4.automatic || network->bridge[0] == '\0')
        return 0;
    ipv4_format(ntohl(network->ipv4.address.s_addr), address);
    (void)snprintf(value, sizeof(value), "%s on %s", address, network->bridge);
    return claim(claims, CLAIM_IPV4, value, config, &network->section);
}

/* auto is whatever is free. */
static int claim_cid(struct claims *claims, struct vm_config *config)
{
    char value[sizeof("4294967295")];

    if (config->vsock.cid == 0)
        return 0;
    (void)snprintf(value, sizeof(value), "%u", config->vsock.cid);
    return claim(claims, CLAIM_CID, value, config, &config->vsock.section);
}

static int claim_all(struct claims *claims, struct vm_config *config)
{
    int r;

    r = claim(claims, CLAIM_UUID, config->vm.uuid, config, &config->vm.section);
    if (r >= 0)
        r = claim(claims, CLAIM_NAME, config->vm.name, config, &config->vm.section);
    if (r >= 0)
        r = claim_cid(claims, config);
    for (size_t i = 0; i < config->networks_count && r >= 0; i++) {
        struct network_section *network = config->networks[i];
        char mac[MAC_TEXT_SIZE];

        r = claim_ipv4(claims, config, network);
        if (network->tap[0] == '\0' || r < 0) /* no UUID, so nothing was derived */
            continue;
        mac_format(&network->mac, mac);
        r = claim(claims, CLAIM_TAP, network->tap, config, &network->section);
        if (r >= 0)
            r = claim(claims, CLAIM_MAC, mac, config, &network->section);
    }
    return r;
}

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int r;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    r = strcmp(x->value, y->value);
    if (r == 0)
        r = strcmp(vm_config_source(x->config)->path, vm_config_source(y->config)->path);
    if (r == 0)
        r = (x->origin.line > y->origin.line) - (x->origin.line < y->origin.line);
    return r;
}

/* Tells CLAIM's VM about OTHER, which wants the same. */
static void report(const struct claim *claim, const struct claim *other, size_t more)
{
    struct problems *problems = &claim->config->problems;
    char others[sizeof(" (and NNNNNNNNNNNNNNNNNNNN more)")] = "", line[sizeof(":4294967295")] = "";
    const char *hint = "";

    if (other->origin.line > 0)
        (void)snprintf(line, sizeof(line), ":%u", other->origin.line);
    if (more > 0)
        (void)snprintf(others, sizeof(others), " (and %zu more)", more);
    if (claim->kind == CLAIM_TAP && claim->derived)
        hint = "; give one of them another name: tap = NAME";
    if (claim->kind == CLAIM_UUID) {
        claim->config->uuid_clash = true;
        problems_add_first(problems, claim->origin,
                           "uuid %s is also that of %s%s%s; make a new one "
                           "for one of them with uuidgen",
                           claim->value, other->origin.source->label, line, others);
        return;
    }
    problems_add(problems, claim->origin, "%s %s is also that of %s%s%s%s",
                 claim_words[claim->kind], claim->value, other->origin.source->label, line, others,
                 hint);
}

/* Of VMs with one UUID, names and addresses that were derived from it are no news. */
static bool is_noise(const struct claim *claim)
{
    return claim->kind != CLAIM_UUID && claim->derived && claim->config->uuid_clash;
}

static void report_group(struct claim *claims, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (!is_noise(&claims[i]))
            claims[kept++] = claims[i];
    for (size_t i = 0; i < kept && kept > 1; i++)
        report(&claims[i], &claims[i == 0 ? 1 : 0], kept - 2);
}

int conflicts_find(struct vm_config *const *configs, size_t count)
{
    struct claims claims = {0};
    int r = macs_settle(configs, count);

    for (size_t i = 0; i < count && r >= 0; i++)
        r = claim_all(&claims, configs[i]);
    if (r >= 0 && claims.count > 0) {
        qsort(claims.items, claims.count, sizeof(*claims.items), compare_claims);
        for (size_t i = 0, n; i < claims.count; i += n) {
            for (n = 1; i + n < claims.count; n++)
                if (claims.items[i].kind != claims.items[i + n].kind ||
                    strcmp(claims.items[i].value, claims.items[i + n].value) != 0)
                    break;
            report_group(&claims.items[i], n);
        }
    }
    free(claims.items);
    for (size_t i = 0; i < count && r >= 0; i++)
        if (configs[i]->problems.no_memory)
            r = -ENOMEM;
    return r;
}
