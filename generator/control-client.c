// SPDX-License-Identifier: LGPL-2.1-or-later
/* One request to a running volt-vmm; vmm/control.h has the words. */
#include "generator/control-client.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* As vmm/control.h's. */
#define REQUEST_MAX (32 * 1024 - 1)

/* Longer than volt-vmm waits for its devices. */
#define PATIENCE_SEC 30

static int connect_to(const char *path)
{
    const struct timeval limit = {.tv_sec = PATIENCE_SEC};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -EBADF;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    return TAKE_FD(fd);
}

static int add(char *request, size_t *length, const char *text)
{
    size_t size = strlen(text) + 1;

    if (size > REQUEST_MAX - *length)
        return -E2BIG;
    memcpy(request + *length, text, size);
    *length += size;
    return 0;
}

int control_ask(const char *path, const char *word, char *const *arguments,
                char answer[static CONTROL_ANSWER_SIZE])
{
    _cleanup_close_ int fd = -EBADF;
    char request[REQUEST_MAX];
    size_t length = 0;
    ssize_t n;
    int r = add(request, &length, word);

    for (; arguments && *arguments && r >= 0; arguments++)
        r = add(request, &length, *arguments);
    if (r < 0)
        return r;
    fd = connect_to(path);
    if (fd < 0)
        return fd;
    if (send(fd, request, length, MSG_NOSIGNAL) < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    n = recv(fd, answer, CONTROL_ANSWER_SIZE - 1, 0);
    if (n < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    answer[n] = '\0';
    return n == 0 ? -ECONNRESET : 0;
}
