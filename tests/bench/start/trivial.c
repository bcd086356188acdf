/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The least that a service of Type=notify is: says READY=1, and sleeps. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void)
{
    static const char ready[] = "READY=1";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (!path || fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return 1;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    if (sendto(fd, ready, strlen(ready), 0, (struct sockaddr *)&address,
               (socklen_t)(sizeof(address.sun_family) + strlen(path))) < 0)
        return 1;
    (void)close(fd);
    for (;;)
        (void)pause();
}
