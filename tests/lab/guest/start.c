// SPDX-License-Identifier: LGPL-2.1-or-later
// The guest's first process: tells the boot timer that user space runs, then becomes the script.
#include <stdio.h>
#include <sys/io.h>
#include <unistd.h>

enum { BOOT_TIMER_PORT = 0x610, BOOT_TIMER_USER_SPACE = 0x01 };

int main(void)
{
    if (ioperm(BOOT_TIMER_PORT, 1, 1) == 0)
        outb(BOOT_TIMER_USER_SPACE, BOOT_TIMER_PORT);
    execl("/bin/busybox", "sh", "/rc", (char *)NULL);
    perror("/bin/busybox");
    return 1;
}
