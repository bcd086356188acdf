/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A BAR with any value in its registers, as a guest can write it: it is in the window, whole, or
 * nowhere; and an access to any address of the window that it answers lies inside of it.
 */
#include "model.h"

#include <pthread.h>
#define pthread_mutex_lock(mutex)   0
#define pthread_mutex_unlock(mutex) 0
#include "vmm/bus/bus.c"
#include "vmm/bus/pci.c"

static struct pci_host host;

/* What is writable has any value, and so has what is not, which is never looked at here. A local
 * that is given no value has any. */
static struct pci_function any_function(void)
{
    static const struct pci_ops no_ops;
    struct pci_function function;
    uint32_t size = nondet_u32();

    ASSUME(size >= 4096 && (size & (size - 1)) == 0);
    for (unsigned bar = 0; bar < PCI_BARS; bar++)
        function.bar_size[bar] = function.bar_address[bar] = 0;
    function.bar_size[0] = size;
    function.bar_address[0] = decoded_address(&function, 0);
    function.ops = &no_ops;
    return function;
}

static bool is_in_window(uint64_t address, uint64_t size)
{
    return address >= PLATFORM_PCI_WINDOW &&
           address + size <= PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE;
}

int main(void)
{
    unsigned length = 1u << nondet_u8() % 4, bar;
    uint64_t at;
    struct pci_function function = any_function();

    host.slots[1] = &function;
    SHOW(function.bar_address[0] == 0 ||
             is_in_window(function.bar_address[0], function.bar_size[0]),
         "a BAR is in the window, whole, or nowhere");
    uint64_t address = PLATFORM_PCI_WINDOW + (nondet_u32() & (PLATFORM_PCI_WINDOW_SIZE - 1));
    struct pci_function *found = window_find(&host, address, length, &bar, &at);
    if (found) {
        SHOW(found == &function && bar == 0, "who answers is there");
        SHOW(at < function.bar_size[0] && length <= function.bar_size[0] - at,
             "the access lies in the BAR");
    }
    return 0;
}
