/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw mode by the kernel's own structure: which ioctl libc's tcsetattr() makes depends on its
 * version, and the system call filter has to know.
 */
#include "vmm/terminal.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert(sizeof(struct termios) <= TERMINAL_STATE_SIZE, "the kernel's termios fits");

int terminal_set_raw(struct terminal *terminal)
{
    struct termios raw;

    if (ioctl(STDIN_FILENO, TCGETS, &raw) < 0)
        return -errno;
    memcpy(terminal->saved, &raw, sizeof(raw));
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (ioctl(STDIN_FILENO, TCSETS, &raw) < 0)
        return -errno;
    terminal->raw = true;
    return 0;
}

void terminal_restore(struct terminal *terminal)
{
    if (terminal->raw)
        (void)ioctl(STDIN_FILENO, TCSETSF, terminal->saved);
    terminal->raw = false;
}
