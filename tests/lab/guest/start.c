// SPDX-License-Identifier: LGPL-2.1-or-later
// The guest's first process: tells the boot timer that user space runs, then becomes the script.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/io.h>
#include <unistd.h>

enum { BOOT_TIMER_PORT = 0x610, BOOT_TIMER_USER_SPACE = 0x01 };

static sigjmp_buf refused;

static void refuse(int signal)
{
    (void)signal;
    siglongjmp(refused, 1);
}

// An emulated CPU may refuse the access although the kernel has granted it.
static void tell_boot_timer(void)
{
    if (ioperm(BOOT_TIMER_PORT, 1, 1) < 0)
        return;
    signal(SIGSEGV, refuse);
    if (sigsetjmp(refused, 1) == 0)
        outb(BOOT_TIMER_USER_SPACE, BOOT_TIMER_PORT);
    else
        puts("VOLT-GUEST NO BOOT TIMER");
    signal(SIGSEGV, SIG_DFL);
}

int main(void)
{
    tell_boot_timer();
    fflush(stdout);
    execl("/bin/busybox", "sh", "/rc", (char *)NULL);
    perror("/bin/busybox");
    return 1;
}
