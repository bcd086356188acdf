/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's files in networkd's runtime directory: 50-vm-<uuid>-<nic>.netdev and .network. */
#pragma once

#include "generator/network-text.h"

#define NETWORK_RUN_DIR "/run/systemd/network"

/* Writes the files of one NIC to the directory DIR_FD, each by a temporary file and rename(), 0644.
 */
int network_files_write(int dir_fd, const char *uuid, const struct nic *nic,
                        enum network_port port);

/* Removes the .netdev of one NIC, so that networkd does not make a TAP which somebody else makes.
 */
int network_files_drop_netdev(int dir_fd, const char *uuid, const struct nic *nic);

/* Removes every file of the VM, whatever NICs it was about. Returns the number of removed files;
 * goes on after an error and returns the first. */
int network_files_remove(int dir_fd, const char *uuid);

/* Where networkd reads .netdev files, the strongest first; ends with NULL. */
extern const char *const network_config_dirs[];

/* The first so many of them are for the administrator; packages ship to those after. */
#define NETWORK_ADMIN_DIRS 3

/* Whether what is shipped as FILE does not hold: a file of that name is in one of the first ADMIN
 * of DIRS, or the strongest is a link to /dev/null. *ret_path, of PATH_MAX bytes, names it then. */
bool network_files_overridden(const char *const *dirs, size_t admin, const char *file,
                              char *ret_path);

/* Whether a .netdev in one of DIRS makes the bridge NAME, by the rules of systemd.netdev(5): a file
 * hides those of the same name in the directories after, and a link to /dev/null hides all. */
bool network_files_make_bridge(const char *const *dirs, const char *name);
