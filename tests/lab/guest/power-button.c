// SPDX-License-Identifier: LGPL-2.1-or-later
// Powers the guest off when its power button is pressed. Returns, and goes on in the background,
// once the button is being watched; so a press after that is never lost.
#include <fcntl.h>
#include <glob.h>
#include <linux/input.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <unistd.h>

enum { BUTTONS_MAX = 8, TRIES = 50, TRY_USEC = 100000 };

static bool has_power_key(int fd)
{
    unsigned char keys[KEY_MAX / 8 + 1] = {0};

    return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0 &&
           (keys[KEY_POWER / 8] & 1 << KEY_POWER % 8) != 0;
}

static nfds_t open_buttons(struct pollfd buttons[BUTTONS_MAX])
{
    nfds_t n = 0;
    glob_t found;

    if (glob("/dev/input/event*", 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc && n < BUTTONS_MAX; i++) {
        int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);

        if (fd >= 0 && has_power_key(fd))
            buttons[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
        else if (fd >= 0)
            close(fd);
    }
    globfree(&found);
    return n;
}

static bool is_press(int fd)
{
    struct input_event event;

    return read(fd, &event, sizeof event) == (ssize_t)sizeof event && event.type == EV_KEY &&
           event.code == KEY_POWER && event.value == 1;
}

static void wait_for_press(struct pollfd *buttons, nfds_t n)
{
    for (;;) {
        if (poll(buttons, n, -1) < 0)
            continue;
        for (nfds_t i = 0; i < n; i++)
            if ((buttons[i].revents & POLLIN) && is_press(buttons[i].fd))
                return;
    }
}

int main(void)
{
    struct pollfd buttons[BUTTONS_MAX];
    nfds_t n = 0;

    for (int try = 0; try < TRIES; try++) {
        n = open_buttons(buttons);
        if (n > 0)
            break;
        usleep(TRY_USEC);
    }
    if (n == 0) {
        puts("VOLT-GUEST NO POWER BUTTON");
        return 1;
    }
    if (fork() != 0)
        return 0;
    wait_for_press(buttons, n);
    puts("VOLT-GUEST POWER BUTTON");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    perror("poweroff");
    return 1;
}
