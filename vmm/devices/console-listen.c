/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where clients of the console connect: systemd's socket, or, by hand, one of our own. */
#include "vmm/devices/console-listen.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "vmm/devices/device-option.h"
#include "vmm/log.h"

enum { CONSOLE_BACKLOG = 8 };

static int parse_setting(void *of, const char *setting, const char *value)
{
    struct console_settings *settings = of;

    if (!value || strcmp(setting, "listen") != 0)
        return log_errno(-EINVAL, "--console: unknown setting '%s%s%s': listen=… is known", setting,
                         value ? "=" : "", value ? value : "");
    if (value[0] == '\0' || strcmp(value, "fd:") == 0 || strlen(value) >= sizeof(settings->listen))
        return log_errno(-EINVAL, "--console: listen='%s' is neither fd:NAME nor a path", value);
    strcpy(settings->listen, value);
    return 0;
}

int console_settings_parse(const char *argument, struct console_settings *ret)
{
    struct console_settings settings = {0};

    int r = device_option_parse("console", argument, settings.id, parse_setting, &settings);
    if (r < 0)
        return r;
    *ret = settings;
    return 0;
}

/* By hand: for whoever runs volt-vmm alone. */
static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return log_errno(-ENAMETOOLONG, "The console's socket '%s' has too long a path", path);
    strcpy(address.sun_path, path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return log_errno(-errno, "Cannot make the console's socket: %m");
    mode_t before = umask(0177);
    int r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    (void)umask(before);
    if (r >= 0 && listen(fd, CONSOLE_BACKLOG) < 0)
        r = -errno;
    if (r < 0)
        return log_errno(r, "Cannot listen at '%s' for the console: %s", path, strerror(-r));
    return TAKE_FD(fd);
}

static int take_listener(const struct device_environment *environment, const char *name)
{
    int type = 0, listens = 0;
    socklen_t size = sizeof(int);

    _cleanup_close_ int fd = environment->take_fd(environment->context, name);
    if (fd < 0)
        return fd;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || type != SOCK_SEQPACKET ||
        !listens)
        return log_errno(-EINVAL, "'%s' is no listening socket of type SOCK_SEQPACKET", name);
    /* systemd hands sockets over as ones that block. */
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return log_errno(-errno, "Cannot make '%s' non-blocking: %m", name);
    return TAKE_FD(fd);
}

int console_listen(const struct console_settings *settings,
                   const struct device_environment *environment, int *ret)
{
    const char *name = settings->listen + 3;
    bool handed = strncmp(settings->listen, "fd:", 3) == 0;
    int fd = -EBADF;

    if (handed && !environment->has_fd(environment->context, name))
        log_warning("No socket called '%s' was handed over for the console; going on without, "
                    "nobody can attach to it (see systemctl status 'volt-console@*.socket')",
                    name);
    else if (settings->listen[0] != '\0') {
        fd = handed ? take_listener(environment, name) : listen_at(settings->listen);
        if (fd < 0)
            return fd;
    }
    *ret = fd;
    return 0;
}
