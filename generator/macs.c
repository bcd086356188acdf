/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MAC addresses that were derived give way to others. */
#include "generator/macs.h"

#include <string.h>

#include "generator/schema.h"

struct user {
    struct mac_address mac;
    bool derived;
    struct vm_config *config;
    struct network_section *network;
};

static int compare_macs(const struct mac_address *a, const struct mac_address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Who comes first keeps the address. */
static int compare_users(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    int r = compare_macs(&x->mac, &y->mac);

    if (r == 0)
        r = x->derived - y->derived;
    if (r == 0)
        r = strcmp(x->config->vm.uuid, y->config->vm.uuid);
    if (r == 0)
        r = strcmp(vm_config_source(x->config)->path, vm_config_source(y->config)->path);
    return r != 0 ? r : strcmp(x->network->section.id, y->network->section.id);
}

/* VMs with one UUID derive the same, and are refused for the UUID. */
static bool is_twin(const struct user *x, const struct user *y)
{
    return strcmp(x->config->vm.uuid, y->config->vm.uuid) == 0 &&
           strcmp(x->network->section.id, y->network->section.id) == 0;
}

static bool is_taken(const struct user *users, size_t count, const struct user *user)
{
    for (size_t i = 0; i < count; i++)
        if (&users[i] != user && compare_macs(&users[i].mac, &user->mac) == 0)
            return true;
    return false;
}

static void give_way(struct user *users, size_t count, struct user *user, const struct user *other)
{
    struct network_section *network = user->network;
    struct origin origin = other->network->section.origin;
    char before[MAC_TEXT_SIZE], after[MAC_TEXT_SIZE];

    if (!other->derived)
        origin = other->network->section.set[schema_find(SECTION_NETWORK, "mac") - schema];
    mac_format(&user->mac, before);
    do {
        network_derive_mac(user->config, network);
        user->mac = network->mac;
    } while (is_taken(users, count, user));
    mac_format(&user->mac, after);
    problems_add(&user->config->notes, network->section.origin,
                 "the MAC address of %s would be %s, which is also that of %s:%u; it is %s",
                 network->section.id, before, origin.source->label, origin.line, after);
}

/* The users of all networks with a MAC. */
static int collect(struct vm_config *const *configs, size_t count, struct user **ret_users,
                   size_t *ret_count)
{
    struct user *users;
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += configs[i]->networks_count;
    users = calloc(n + 1, sizeof(*users));
    if (!users)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < configs[i]->networks_count; j++) {
            struct network_section *network = configs[i]->networks[j];

            if (network->tap[0] == '\0') /* no UUID, so nothing was derived */
                continue;
            users[n++] = (struct user){.mac = network->mac,
                                       .derived = !network_says(network, "mac"),
                                       .config = configs[i],
                                       .network = network};
        }
    *ret_users = users;
    *ret_count = n;
    return 0;
}

int macs_settle(struct vm_config *const *configs, size_t count)
{
    _cleanup_free_ struct user *users = NULL;
    size_t n, first = 0;
    int r = collect(configs, count, &users, &n);

    if (r < 0)
        return r;
    qsort(users, n, sizeof(*users), compare_users);
    /* Changed ones stay where they are: what follows compares with the first of the old group. */
    for (size_t i = 1; i < n; i++) {
        if (compare_macs(&users[first].mac, &users[i].mac) != 0)
            first = i;
        else if (users[i].derived && !is_twin(&users[first], &users[i]))
            give_way(users, n, &users[i], &users[first]);
    }
    return 0;
}
