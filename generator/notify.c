// SPDX-License-Identifier: LGPL-2.1-or-later
/* The service manager's notification socket. */
#include "generator/notify.h"
#include "generator/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

bool notify_available(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

static int make_address(const char *path, struct sockaddr_un *ret, socklen_t *ret_size)
{
    size_t length = strlen(path);

    if (path[0] != '/' && path[0] != '@')
        return -EAFNOSUPPORT;
    if (length < 2 || length >= sizeof(ret->sun_path))
        return -EINVAL;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, length);
    if (path[0] == '@') /* an abstract one */
        ret->sun_path[0] = '\0';
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

/* The kernel adds the sender's credentials, by which the manager knows whose message it is. */
static ssize_t send_with(int socket_fd, struct msghdr *message, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};

    if (fd >= 0) {
        message->msg_control = &control;
        message->msg_controllen = sizeof(control.space);
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
            .cmsg_len = CMSG_LEN(sizeof(int)),
        };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    return sendmsg(socket_fd, message, MSG_NOSIGNAL);
}

int notify_send(const char *state, int fd)
{
    const char *path = getenv("NOTIFY_SOCKET");
    _cleanup_close_ int socket_fd = -EBADF;
    struct iovec text = {.iov_base = (char *)state, .iov_len = strlen(state)};
    struct sockaddr_un address;
    struct msghdr message = {.msg_name = &address, .msg_iov = &text, .msg_iovlen = 1};
    int r;

    if (!path)
        return 0;
    r = make_address(path, &address, &message.msg_namelen);
    if (r < 0)
        return r;
    socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return -errno;
    return send_with(socket_fd, &message, fd) < 0 ? -errno : 0;
}

int notify_barrier(unsigned timeout_ms)
{
    _cleanup_close_ int end = -EBADF, managers_end = -EBADF;
    uint64_t deadline = clock_now_usec() + timeout_ms * UINT64_C(1000);
    struct pollfd p = {0};
    int fds[2], r;

    if (!notify_available())
        return 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    end = fds[0];
    managers_end = fds[1];
    r = notify_send("BARRIER=1", managers_end);
    if (r < 0)
        return r;
    /* The manager closes its copy when it comes to this message. */
    managers_end = close_fd(managers_end);
    p.fd = end;
    do {
        uint64_t now = clock_now_usec();

        r = poll(&p, 1, now < deadline ? (int)((deadline - now) / 1000) : 0);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}
