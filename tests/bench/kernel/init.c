// SPDX-License-Identifier: LGPL-2.1-or-later
// The first and only process of a guest that is measured: tells the boot timer that it runs, waits
// until the kernel has nothing left to do, prints what memory there is, and powers off. It needs no
// driver.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { BOOT_TIMER_PORT = 0x610, BOOT_TIMER_USER_SPACE = 0x01, SETTLE_SECONDS = 2 };

static sigjmp_buf refused;

static void refuse(int signal)
{
    (void)signal;
    siglongjmp(refused, 1);
}

// An emulated CPU may refuse the access although the kernel has granted it.
static void tell_boot_timer(void)
{
    signal(SIGSEGV, refuse);
    if (ioperm(BOOT_TIMER_PORT, 1, 1) == 0 && sigsetjmp(refused, 1) == 0)
        outb(BOOT_TIMER_USER_SPACE, BOOT_TIMER_PORT);
    else
        puts("BENCH no boot timer");
    signal(SIGSEGV, SIG_DFL);
}

static void print_memory(void)
{
    char line[256];
    FILE *f = fopen("/proc/meminfo", "r");

    while (f && fgets(line, sizeof(line), f))
        printf("BENCH %s", line);
    if (f)
        (void)fclose(f);
}

int main(void)
{
    tell_boot_timer();
    (void)mkdir("/proc", 0755);
    if (mount("proc", "/proc", "proc", 0, NULL) < 0)
        perror("/proc");
    sleep(SETTLE_SECONDS);
    print_memory();
    puts("BENCH end");
    fflush(stdout);
    (void)tcdrain(STDOUT_FILENO);
    (void)reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
