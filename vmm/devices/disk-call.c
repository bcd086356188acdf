/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a call by the system call that is its own. */
#include "vmm/devices/disk-call.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

static int64_t make(const struct disk_call *call, int fd)
{
    uint64_t range[] = {call->offset, call->length};

    switch (call->kind) {
    case DISK_CALL_READ:
        return preadv(fd, call->iov, (int)call->n, (off_t)call->offset);
    case DISK_CALL_WRITE:
        return pwritev(fd, call->iov, (int)call->n, (off_t)call->offset);
    case DISK_CALL_FLUSH:
        return fdatasync(fd);
    case DISK_CALL_ALLOCATE:
        return fallocate(fd, call->mode, (off_t)call->offset, (off_t)call->length);
    case DISK_CALL_DISCARD:
        return ioctl(fd, BLKDISCARD, range);
    }
    errno = EINVAL;
    return -1;
}

int64_t disk_call_make(const struct disk_call *call, const struct disk_image *image)
{
    int64_t r;

    do {
        r = make(call, image->fd);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}
