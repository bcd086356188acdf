/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal's stream protocol: a header of seven lines, then the text (sd_journal_stream_fd(3)).
 */
#include "vmm/journal.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_STREAM_SOCKET "/run/systemd/journal/stdout"

enum {
    JOURNAL_INFO = 6,
    JOURNAL_SEND_BUFFER = 1 << 20,
};

int journal_open_stream(const char *identifier)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX,
                                               .sun_path = JOURNAL_STREAM_SOCKET};
    char header[256];
    int size = JOURNAL_SEND_BUFFER;

    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        shutdown(fd, SHUT_RD) < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* the default will do */

    /* Identifier, unit (journald knows), priority, "<N>" counts: no, syslog, kmsg, console: no. */
    int n = snprintf(header, sizeof(header), "%s\n\n%d\n0\n0\n0\n0\n", identifier, JOURNAL_INFO);
    if (n < 0 || (size_t)n >= sizeof(header))
        return -ENAMETOOLONG;
    if (send(fd, header, (size_t)n, MSG_NOSIGNAL) != n)
        return errno ? -errno : -EIO;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    return TAKE_FD(fd);
}
