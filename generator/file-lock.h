/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks on disks: one writer or several readers, whoever they are. */
#pragma once

#include "vmm/cleanup.h"

/* Locks the file of FD, against all others where WRITABLE, else against writers. The lock is the
 * open file description's: it goes where copies of FD go, the fd store and the VMM, and ends with
 * the last of them, however that ends. 0; -EBUSY where somebody else has one; or -errno. */
int file_lock(int fd, bool writable);

/* Who has a lock on the file of FD (O_PATH does): "VM web (UUID)", or a process. NULL
 * where that cannot be told. To be freed. */
char *file_lock_holder(int fd);

/* Where the block device of FD is mounted, or NULL. To be freed. */
char *file_mount_point(int fd);
