/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration space (PCI Local Bus 3.0, chapter 6; PCI Express Base 5.0, 7.2.2 for ECAM). */
#include "vmm/bus/pci.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vmm/bus/platform.h"

enum {
    ECAM_SLOT_SHIFT = 15,
    ECAM_FUNCTION_SHIFT = 12,
    PCI_CLASS_HOST_BRIDGE = 0x060000,
    PCI_VENDOR_REDHAT = 0x1b36,
    PCI_DEVICE_HOST_BRIDGE = 0x0008,
};

static void put_config(struct pci_function *function, unsigned offset, unsigned length,
                       uint32_t value)
{
    bus_put(function->config + offset, length, value);
}

static uint32_t get_config(const struct pci_function *function, unsigned offset, unsigned length)
{
    return (uint32_t)bus_get(function->config + offset, length);
}

void pci_function_init(struct pci_function *function, uint16_t vendor, uint16_t device,
                       uint16_t subsystem, uint32_t class, uint8_t revision,
                       const struct pci_ops *ops)
{
    static const struct pci_ops no_ops;

    memset(function, 0, sizeof(*function));
    put_config(function, PCI_VENDOR_ID, 2, vendor);
    put_config(function, PCI_DEVICE_ID, 2, device);
    put_config(function, PCI_CLASS_REVISION, 4, class << 8 | revision);
    put_config(function, PCI_SUBSYSTEM_VENDOR_ID, 2, vendor);
    put_config(function, PCI_SUBSYSTEM_ID, 2, subsystem);
    bus_put(function->writable + PCI_COMMAND, 2,
            PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                PCI_COMMAND_INTX_DISABLE);
    function->writable[PCI_CACHE_LINE_SIZE] = 0xff;
    function->writable[PCI_INTERRUPT_LINE] = 0xff;
    function->next_free = PCI_STD_HEADER_SIZEOF;
    function->ops = ops ? ops : &no_ops;
}

void pci_function_set_bar(struct pci_function *function, unsigned bar, uint32_t size)
{
    assert(bar < PCI_BARS && size >= 4096 && (size & (size - 1)) == 0);
    function->bar_size[bar] = size;
    /* The low bits stay zero (a 32-bit memory BAR), which is also how the guest finds the size. */
    bus_put(function->writable + PCI_BASE_ADDRESS_0 + 4 * bar, 4, ~(size - 1));
}

int pci_function_add_capability(struct pci_function *function, uint8_t id, const void *capability,
                                size_t length)
{
    unsigned at = (function->next_free + 3u) & ~3u;

    if (at > PCI_CONFIG_SIZE || length > PCI_CONFIG_SIZE - at)
        return -ENOSPC;
    memcpy(function->config + at, capability, length);
    function->config[at] = id;
    function->config[at + 1] = 0;
    if (function->last_capability) {
        function->config[function->last_capability + 1] = (uint8_t)at;
    } else {
        function->config[PCI_CAPABILITY_LIST] = (uint8_t)at;
        function->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    }
    function->last_capability = (uint8_t)at;
    function->next_free = (uint16_t)(at + length);
    return (int)at;
}

void pci_host_init(struct pci_host *host)
{
    memset(host, 0, sizeof(*host));
    pthread_mutex_init(&host->mutex, NULL);
    host->next_bar = PLATFORM_PCI_WINDOW;
    pci_function_init(&host->bridge, PCI_VENDOR_REDHAT, PCI_DEVICE_HOST_BRIDGE, 0,
                      PCI_CLASS_HOST_BRIDGE, 0, NULL);
    host->slots[0] = &host->bridge;
}

void pci_host_done(struct pci_host *host)
{
    pthread_mutex_destroy(&host->mutex);
}

int pci_host_add(struct pci_host *host, struct pci_function *function)
{
    for (int slot = 0; slot < PCI_SLOTS; slot++) {
        if (host->slots[slot])
            continue;
        for (unsigned bar = 0; bar < PCI_BARS; bar++) {
            uint64_t size = function->bar_size[bar];
            if (size == 0)
                continue;
            uint64_t address = (host->next_bar + size - 1) & ~(size - 1);
            if (address + size > PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE)
                return -ENOSPC;
            put_config(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4, (uint32_t)address);
            host->next_bar = address + size;
        }
        host->slots[slot] = function;
        return slot;
    }
    return -ENOSPC;
}

/* Where BAR answers by its register and the command register; 0 for nowhere. */
static uint64_t decoded_address(const struct pci_function *function, unsigned bar)
{
    uint64_t address = get_config(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4) & ~UINT64_C(0xf);

    if (function->bar_size[bar] == 0 ||
        !(get_config(function, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
        return 0;
    if (address < PLATFORM_PCI_WINDOW ||
        address + function->bar_size[bar] > PLATFORM_PCI_WINDOW + PLATFORM_PCI_WINDOW_SIZE)
        return 0;
    return address;
}

static void update_bars(struct pci_function *function)
{
    for (unsigned bar = 0; bar < PCI_BARS; bar++) {
        uint64_t address = decoded_address(function, bar);

        if (address == function->bar_address[bar])
            continue;
        function->bar_address[bar] = address;
        if (function->ops->bar_mapped)
            function->ops->bar_mapped(function, bar, address);
    }
}

/* The function and register that an ECAM offset names. NULL where there is none. */
static struct pci_function *ecam_function(struct pci_host *host, uint64_t offset)
{
    if (offset >> ECAM_FUNCTION_SHIFT & 7)
        return NULL;
    return host->slots[offset >> ECAM_SLOT_SHIFT & (PCI_SLOTS - 1)];
}

void pci_host_config_read(struct pci_host *host, uint64_t offset, void *ret_data, unsigned length)
{
    struct pci_function *function = ecam_function(host, offset);
    unsigned at = offset & 0xfff;

    memset(ret_data, function ? 0 : 0xff, length);
    if (!function || at + length > PCI_CONFIG_SIZE)
        return; /* there are no extended capabilities */
    pthread_mutex_lock(&host->mutex);
    if (function->ops->config_read)
        function->ops->config_read(function, at, length);
    memcpy(ret_data, function->config + at, length);
    pthread_mutex_unlock(&host->mutex);
}

void pci_host_config_write(struct pci_host *host, uint64_t offset, const void *data,
                           unsigned length)
{
    struct pci_function *function = ecam_function(host, offset);
    const uint8_t *bytes = data;
    unsigned at = offset & 0xfff;

    if (!function || at + length > PCI_CONFIG_SIZE)
        return;
    pthread_mutex_lock(&host->mutex);
    for (unsigned i = 0; i < length; i++) {
        uint8_t writable = function->writable[at + i];
        uint8_t *byte = &function->config[at + i];

        *byte = (uint8_t)((*byte & ~writable) | (bytes[i] & writable));
    }
    update_bars(function);
    if (function->ops->config_written)
        function->ops->config_written(function, at, length);
    pthread_mutex_unlock(&host->mutex);
}

static void ecam_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    pci_host_config_read(context, offset, ret_data, length);
}

static void ecam_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    pci_host_config_write(context, offset, data, length);
}

/* The function whose BAR holds the whole access. The first slot wins where the guest let two
 * overlap. */
static struct pci_function *window_find(struct pci_host *host, uint64_t address, unsigned length,
                                        unsigned *ret_bar, uint64_t *ret_offset)
{
    struct pci_function *found = NULL;

    pthread_mutex_lock(&host->mutex);
    for (unsigned slot = 0; slot < PCI_SLOTS && !found; slot++) {
        struct pci_function *function = host->slots[slot];

        for (unsigned bar = 0; function && bar < PCI_BARS && !found; bar++) {
            uint64_t base = function->bar_address[bar], size = function->bar_size[bar];

            if (base == 0 || address < base || address - base >= size ||
                length > size - (address - base))
                continue;
            *ret_bar = bar;
            *ret_offset = address - base;
            found = function;
        }
    }
    pthread_mutex_unlock(&host->mutex);
    return found;
}

static void window_read(void *context, uint64_t offset, void *ret_data, unsigned length)
{
    unsigned bar;
    uint64_t at;
    struct pci_function *function =
        window_find(context, PLATFORM_PCI_WINDOW + offset, length, &bar, &at);

    if (function && function->ops->bar_read)
        function->ops->bar_read(function, bar, at, ret_data, length);
    else
        memset(ret_data, 0xff, length);
}

static void window_write(void *context, uint64_t offset, const void *data, unsigned length)
{
    unsigned bar;
    uint64_t at;
    struct pci_function *function =
        window_find(context, PLATFORM_PCI_WINDOW + offset, length, &bar, &at);

    if (function && function->ops->bar_write)
        function->ops->bar_write(function, bar, at, data, length);
}

int pci_host_attach(struct pci_host *host, struct bus *mmio)
{
    static const struct bus_ops ecam_ops = {.read = ecam_read, .write = ecam_write};
    static const struct bus_ops window_ops = {.read = window_read, .write = window_write};

    int r = bus_add(mmio, PLATFORM_ECAM, PLATFORM_ECAM_SIZE, &ecam_ops, host);
    if (r < 0)
        return r;
    return bus_add(mmio, PLATFORM_PCI_WINDOW, PLATFORM_PCI_WINDOW_SIZE, &window_ops, host);
}
