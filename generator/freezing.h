/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watchdog of a unit that is frozen. systemd before version 258 counts the time as one without
 * a sign of life, and ends the VM. There a path unit watches the control group, and has the
 * watchdog switched off for as long as it is frozen: in the name of the VMM, which cannot say so
 * itself. */
#pragma once

#include <systemd/sd-bus.h>

#include "vmm/cleanup.h"

/* Starts the path unit of the VM called UUID, where systemd needs it. *BUS is the connection to
 * systemd, or NULL until one is needed. Returns 0 or -errno, with *ret_text (free it; may be NULL).
 */
int freezing_watch(sd_bus **bus, const char *uuid, char **ret_text);

/* Stops it, where it runs. */
int freezing_unwatch(sd_bus **bus, const char *uuid, char **ret_text);

/* Looks whether the VM is frozen, and tells its watchdog. Thaws the unit where the VMM has ended.
 */
int freezing_tell(const char *uuid, char **ret_text);

/* Whether a systemd of this VERSION ("252.39-1~deb12u1") has to be told. */
bool freezing_is_not_heeded(const char *version);

/* Whether TEXT, that of a cgroup.events, says that the group is frozen. */
bool freezing_is_frozen(const char *text);
