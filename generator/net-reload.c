// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking networkd to reload once for many VMs that start together. */
#include "generator/net-reload.h"

#include "generator/net-up.h"
#include "generator/networkd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

/* When the last reload began that was answered; 0 when nobody knows. */
static int64_t read_last(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtoll(text, NULL, 10);
}

static void write_last(int fd, int64_t ms)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%020" PRId64 "\n", ms);

    /* Not being remembered means one reload more. */
    if (pwrite(fd, text, (size_t)length, 0) < 0)
        (void)ftruncate(fd, 0);
}

int net_reload(const char *file, int64_t since_ms, unsigned timeout_ms, char **ret_why)
{
    /* Whoever could open it could lock it, too. */
    _cleanup_close_ int fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int64_t start;
    int r;

    if (fd < 0)
        return networkd_reload(timeout_ms, ret_why);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (read_last(fd) > since_ms)
        return 0;
    start = net_now_ms();
    r = networkd_reload(timeout_ms, ret_why);
    if (r >= 0)
        write_last(fd, start);
    return r;
}
