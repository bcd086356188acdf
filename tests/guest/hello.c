/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says hello on the console, ticks the boot timer, and powers off. */
#include "guest.h"

void guest_main(void)
{
    print("hello from the guest\n");
    out8(PORT_BOOT_TIMER, 1);
    power_off();
}
