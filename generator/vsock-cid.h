/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's address for sockets with the host, its CID: one VM's alone on the host, and the same at
 * each start. Files /var/lib/volt/vsock/CID with the UUID of the VM that had it last. */
#pragma once

#include "vmm/cleanup.h"

#define VSOCK_STATE_DIR   "/var/lib/volt/vsock"
#define VSOCK_CID_MIN     3u
#define VSOCK_CID_MAX     4294967294u
#define VSOCK_FDNAME      "vhost-vsock"
#define VSOCK_NOTIFY_NAME "notify"

struct vsock_request {
    char uuid[37];
    uint32_t cid; /* 0: any, but always the same */
    bool notify;  /* a socket for the guest's word that it is ready, too */
};

/* Reads `uuid=UUID,cid=auto|N[,notify]`, the argument of --vsock. Returns 0 or -EINVAL. */
int vsock_request_parse(const char *text, struct vsock_request *ret);

/* The CID that is derived from UUID at ATTEMPT, from 0. */
uint32_t vsock_derive_cid(const char *uuid, unsigned attempt);

/* Gives FD, an open /dev/vhost-vsock, the VM's CID, and writes it down in DIR. What is asked for
 * and cannot be had is an error, *ret_why being the whole sentence (free it; may be NULL). */
int vsock_take_cid(int fd, const struct vsock_request *request, const char *dir, uint32_t *ret_cid,
                   char **ret_why);

/* A socket that listens to guests at a port of the kernel's choice. Returns a fd. */
int vsock_listen(void);
