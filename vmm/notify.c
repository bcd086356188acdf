/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notification socket. */
#include "vmm/notify.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "vmm/log.h"

static uint64_t watchdog_limit(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");

    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    uint64_t limit = strtoull(usec, NULL, 10);
    return limit == 1 ? 2 : limit; /* half of it is the interval, and 0 would be none */
}

int notify_init(struct notify *notify)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");

    *notify = (struct notify){.fd = -EBADF, .watchdog_usec = watchdog_limit()};
    if (!path)
        return 0;
    size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof(address.sun_path))
        return log_errno(-EINVAL, "NOTIFY_SOCKET=%s is no address of a socket", path);
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') /* an abstract one */
        address.sun_path[0] = '\0';

    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return log_errno(-errno, "Cannot make the notification socket: %m");
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (connect(fd, (const struct sockaddr *)&address, size) < 0)
        return log_errno(-errno, "Cannot connect to the notification socket '%s': %m", path);
    /* PID 1 may be busy, but its trouble must not stop the VM for good. */
    struct timeval limit = {.tv_sec = 5};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
        return log_errno(-errno, "Cannot limit the notification socket's patience: %m");
    notify->fd = TAKE_FD(fd);
    return 0;
}

void notify_done(struct notify *notify)
{
    notify->fd = close_fd(notify->fd);
}

int notify_send(const struct notify *notify, const char *format, ...)
{
    char message[1280]; /* the status line and another word */
    va_list ap;

    if (notify->fd < 0)
        return 0;
    va_start(ap, format);
    int n = vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    size_t length = (size_t)n < sizeof(message) ? (size_t)n : sizeof(message) - 1;
    return send(notify->fd, message, length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
