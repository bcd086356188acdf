/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VM has which address of a zone: files /var/lib/volt/zones/ZONE/ADDRESS with the line
 * `UUID NIC`. They outlive VMs and host, so that an address that was chosen for a VM stays its own.
 */
#pragma once

#include "generator/nic.h"

#define ZONE_STATE_DIR "/var/lib/volt/zones"
#define UUID_SIZE      37

/* Opens the zone's directory below DIR, which may be a link (to a larger disk, say). */
int zone_address_open(const char *dir, const char *zone, bool create);

struct zone_owner {
    char uuid[UUID_SIZE];
    char nic[NIC_ID_SIZE];
};

bool zone_owner_equal(const struct zone_owner *a, const struct zone_owner *b);

/* Whose ADDRESS is. Returns 1; 0 where it is nobody's, or its file makes no sense (as a crash may
 * leave it); -errno. */
int zone_address_owner(int dir_fd, uint32_t address, struct zone_owner *ret);

/* Makes it OWNER's. Returns -EEXIST when there is a file that makes sense; of two that take one
 * address one gets it. What was taken is on the disk. */
int zone_address_take(int dir_fd, uint32_t address, const struct zone_owner *owner);

/* Makes it nobody's; that it is so already is no error. */
int zone_address_drop(int dir_fd, uint32_t address);

/* Finds an address of OWNER: the lowest in POOL, or, where POOL is NULL, any. Returns 1, 0, -errno.
 */
int zone_address_find(int dir_fd, const struct zone_owner *owner, const char *pool,
                      uint32_t *ret_address);
