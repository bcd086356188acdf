/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw mode by termios(3). */
#include "tools/raw-terminal.h"

/* The cursor is seen and stays where it is while margins go; its keys and the keypad are plain,
 * lines wrap; no mouse or focus reports, no bracketed paste; no attributes. */
#define SANE                                                                                       \
    "\0337\033[r\0338\033[?25h\033[?1l\033>\033[?7h\033[?1000l\033[?1002l\033[?1003l\033[?1004l"   \
    "\033[?1006l\033[?2004l\033[0m"

int raw_terminal_enter(struct raw_terminal *terminal, bool signals)
{
    struct termios raw;

    if (!isatty(STDIN_FILENO))
        return 0;
    if (tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
        return -errno;
    raw = terminal->saved;
    cfmakeraw(&raw);
    if (signals)
        raw.c_lflag |= ISIG;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return -errno;
    terminal->raw = true;
    return 0;
}

void raw_terminal_leave(struct raw_terminal *terminal)
{
    if (!terminal->raw)
        return;
    /* Not TCSAFLUSH, which would wait for an output that may be stopped. */
    (void)tcflush(STDIN_FILENO, TCIFLUSH);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal->saved);
    terminal->raw = false;
    if (isatty(STDOUT_FILENO)) {
        ssize_t n _unused_ = write(STDOUT_FILENO, SANE, sizeof(SANE) - 1);
    }
}
