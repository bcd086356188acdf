/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds the machine in the order in which its parts need each other. */
#include "vmm/machine.h"

#include <string.h>
#include <sys/eventfd.h>

#include "vmm/boot/acpi.h"
#include "vmm/boot/kernel.h"
#include "vmm/boot/layout.h"
#include "vmm/boot/zeropage.h"
#include "vmm/bus/platform.h"
#include "vmm/filters.h"
#include "vmm/huge-pages.h"
#include "vmm/log.h"

enum { WARM_BOOT = 0x1234 };

/* The first end counts: what the other vCPUs see while the process goes down is of no interest. */
static void machine_end(struct machine *machine, enum machine_end how)
{
    enum machine_end running = MACHINE_RUNNING;

    if (atomic_compare_exchange_strong(&machine->how, &running, how))
        (void)eventfd_write(machine->ended, 1);
}

/*
 * A panicking Linux restarts like any other, but `reboot=panic_warm` on its command line makes it
 * leave the BIOS's warm-boot word behind.
 */
static enum machine_end reset_reason(const struct machine *machine)
{
    uint16_t flag = 0;

    (void)guest_memory_read(&machine->memory, LAYOUT_WARM_BOOT_FLAG, &flag, sizeof(flag));
    return flag == WARM_BOOT ? MACHINE_PANICKED : MACHINE_REBOOTED;
}

static void on_power(void *context, enum power_event event)
{
    struct machine *machine = context;

    switch (event) {
    case POWER_OFF:
        machine_end(machine, MACHINE_POWERED_OFF);
        break;
    case POWER_RESET:
        machine_end(machine, reset_reason(machine));
        break;
    case POWER_PANIC:
        machine_end(machine, MACHINE_PANICKED);
        break;
    case POWER_NONE:
        break;
    }
}

static void on_vcpu_end(void *context, enum vcpu_end end)
{
    machine_end(context, end == VCPU_END_TRIPLE_FAULT ? MACHINE_TRIPLE_FAULT : MACHINE_KVM_ERROR);
}

static int make_eventfds(struct machine *machine)
{
    int *fds[] = {&machine->serial_irq,    &machine->power_button_irq,
                  &machine->serial_output, &machine->boot_reached,
                  &machine->ended,         &machine->news};

    for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
        *fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (*fds[i] < 0)
            return log_errno(-errno, "Cannot make an eventfd: %m");
    }
    return 0;
}

/* Serial port, power, boot timer and PCI on their buses, and the pins that two of them pull. */
static int build_platform(struct machine *machine)
{
    serial_init(&machine->serial, machine->serial_irq, machine->serial_output);
    pci_host_init(&machine->pci);
    machine->power =
        (struct power){.off_type = ACPI_SLEEP_TYPE_S5, .report = on_power, .context = machine};
    machine->boot_timer.eventfd = machine->boot_reached;

    int r = serial_attach(&machine->serial, &machine->ports);
    if (r >= 0)
        r = power_attach(&machine->power, &machine->ports);
    if (r >= 0)
        r = boot_timer_attach(&machine->boot_timer, &machine->ports);
    if (r >= 0)
        r = pci_host_attach(&machine->pci, &machine->mmio);
    if (r >= 0)
        r = pci_ports_attach(&machine->pci_ports, &machine->pci, &machine->power, &machine->ports);
    if (r >= 0)
        r = irqfd_assign(machine->vm.fd, PLATFORM_GSI_SERIAL, machine->serial_irq);
    if (r >= 0)
        r = irqfd_assign(machine->vm.fd, PLATFORM_GSI_POWER_BUTTON, machine->power_button_irq);
    if (r < 0)
        log_error("Cannot build the platform: %s", strerror(-r));
    return r;
}

static int write_acpi(const struct machine *machine)
{
    const struct acpi_platform platform = {
        .n_vcpus = machine->n_vcpus,
        .ecam_base = (uint32_t)PLATFORM_ECAM,
        .ecam_size = (uint32_t)PLATFORM_ECAM_SIZE,
        .pci_window_base = (uint32_t)PLATFORM_PCI_WINDOW,
        .pci_window_size = (uint32_t)PLATFORM_PCI_WINDOW_SIZE,
        .sleep_control_port = PLATFORM_PORT_POWER + POWER_SLEEP_CONTROL,
        .sleep_status_port = PLATFORM_PORT_POWER + POWER_SLEEP_STATUS,
        .reset_port = PLATFORM_PORT_POWER + POWER_RESET_REGISTER,
        .reset_value = POWER_RESET_VALUE,
        .serial_port = PLATFORM_PORT_SERIAL,
        .serial_gsi = PLATFORM_GSI_SERIAL,
        .power_button_gsi = PLATFORM_GSI_POWER_BUTTON,
        .pvpanic_port = PLATFORM_PORT_PVPANIC,
    };
    int r = acpi_write(&machine->memory, &platform);

    if (r < 0)
        log_error("Cannot write the ACPI tables: %s", strerror(-r));
    return r;
}

static int build_vcpus(struct machine *machine, uint64_t entry)
{
    machine->vcpus = calloc(machine->n_vcpus, sizeof(*machine->vcpus));
    if (!machine->vcpus)
        return -ENOMEM;
    for (unsigned i = 0; i < machine->n_vcpus; i++) {
        struct machine_vcpu *v = &machine->vcpus[i];

        int r = vcpu_init(&v->vcpu, &machine->vm, i);
        if (r >= 0)
            r = cpu_set_cpuid(&machine->vm, &v->vcpu, machine->n_vcpus);
        if (r >= 0)
            r = cpu_set_msrs(&v->vcpu);
        if (r >= 0 && i == 0)
            r = cpu_set_boot_state(&v->vcpu, &machine->memory, entry);
        if (r < 0)
            return r;
        v->loop = (struct vcpu_loop){
            .vcpu = &v->vcpu,
            .ports = &machine->ports,
            .mmio = &machine->mmio,
            .ended = on_vcpu_end,
            .context = machine,
        };
    }
    return 0;
}

static int build_memory(struct machine *machine, uint64_t size, enum guest_memory_pages pages)
{
    int r = guest_memory_init_pages(&machine->memory, size, pages);

    if (r < 0 && pages == GUEST_MEMORY_HUGE)
        return huge_pages_missing(size, r);
    if (r == -EINVAL)
        return log_errno(r, "%llu MiB of memory cannot be given to a guest: 16 MiB to 1 TiB can",
                         (unsigned long long)size >> 20);
    if (r < 0)
        return log_errno(r, "Cannot make %llu MiB of guest memory: %s",
                         (unsigned long long)size >> 20, strerror(-r));
    if (pages == GUEST_MEMORY_TRANSPARENT)
        huge_pages_check_transparent();
    return vm_set_memory(&machine->vm, &machine->memory);
}

static int load(struct machine *machine, const struct machine_settings *settings,
                uint64_t *ret_entry)
{
    const struct boot_info info = {
        .cmdline = settings->cmdline,
        .initrd_fd = settings->initrd_fd,
        .reserved_base = PLATFORM_ECAM,
        .reserved_size = PLATFORM_ECAM_SIZE,
    };
    struct kernel kernel;

    int r = kernel_load(settings->kernel_fd, settings->map_kernel, &machine->memory, &kernel);
    if (r >= 0)
        r = zeropage_write(&machine->memory, &kernel, &info);
    if (r >= 0)
        r = write_acpi(machine);
    if (r >= 0)
        r = smbios_write(&machine->memory, &settings->smbios);
    if (r >= 0)
        *ret_entry = kernel.entry;
    return r;
}

int machine_init(struct machine *machine, const struct machine_settings *settings)
{
    uint64_t entry;

    machine->vm.fd = -EBADF;
    machine->serial_irq = machine->power_button_irq = machine->serial_output = -EBADF;
    machine->boot_reached = machine->ended = machine->news = -EBADF;
    machine->n_vcpus = settings->n_vcpus;
    thread_gate_init(&machine->gate, NULL, NULL);
    machine->devices_max =
        settings->n_devices < MACHINE_DEVICES_MAX ? settings->n_devices : MACHINE_DEVICES_MAX;
    machine->devices = calloc(machine->devices_max, sizeof(*machine->devices));
    if (!machine->devices && machine->devices_max > 0)
        return -ENOMEM;

    int r = vm_init(&machine->vm, settings->kvm_fd);
    if (r >= 0 && settings->n_vcpus > machine->vm.max_vcpus)
        r = log_errno(-EINVAL, "This host's KVM has %u vCPUs at most", machine->vm.max_vcpus);
    if (r >= 0)
        r = make_eventfds(machine);
    if (r >= 0)
        r = build_memory(machine, settings->memory_size, settings->memory_pages);
    if (r >= 0)
        r = vm_make_interrupt_controllers(&machine->vm);
    if (r >= 0)
        r = irq_router_init(&machine->router, machine->vm.fd);
    if (r >= 0)
        r = build_platform(machine);
    if (r >= 0)
        r = load(machine, settings, &entry);
    if (r >= 0)
        r = build_vcpus(machine, entry);
    return r;
}

void machine_done(struct machine *machine)
{
    thread_gate_abandon(&machine->gate);
    for (unsigned i = 0; machine->vcpus && i < machine->n_vcpus; i++)
        thread_join(&machine->vcpus[i].thread);
    for (unsigned i = 0; i < machine->n_devices; i++) {
        machine->devices[i].device->type->destroy(machine->devices[i].device);
        virtio_pci_done(&machine->devices[i].pci);
    }
    for (unsigned i = 0; machine->vcpus && i < machine->n_vcpus; i++)
        vcpu_done(&machine->vcpus[i].vcpu);
    free(machine->vcpus);
    free(machine->devices);
    machine->vcpus = NULL;
    machine->devices = NULL;
    machine->n_devices = 0;
    serial_done(&machine->serial);
    pci_host_done(&machine->pci);
    irq_router_done(&machine->router);
    vm_done(&machine->vm);
    guest_memory_done(&machine->memory);
    int *fds[] = {&machine->serial_irq,    &machine->power_button_irq,
                  &machine->serial_output, &machine->boot_reached,
                  &machine->ended,         &machine->news};
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        *fds[i] = close_fd(*fds[i]);
    thread_gate_done(&machine->gate);
}

int machine_add_device(struct machine *machine, struct virtio_device *device)
{
    if (machine->n_devices == machine->devices_max) {
        device->type->destroy(device);
        return log_errno(-ENOSPC, "A machine has %d devices at most", MACHINE_DEVICES_MAX);
    }
    struct machine_device *d = &machine->devices[machine->n_devices++];
    d->device = device;
    device->news_eventfd = machine->news;
    int r = virtio_pci_init(&d->pci, device, &machine->vm, &machine->router);
    if (r >= 0)
        r = pci_host_add(&machine->pci, &d->pci.function);
    if (r < 0)
        log_error("Cannot put '%s' on the PCI bus: %s", device->id, strerror(-r));
    return r;
}

int machine_make_threads(struct machine *machine, int (*lock)(const struct filter *, void *),
                         void *context)
{
    unsigned n = machine->n_vcpus;
    int r = 0;

    machine->gate.lock = lock;
    machine->gate.context = context;
    for (unsigned i = 0; i < machine->n_devices && r >= 0; i++) {
        r = virtio_device_start_threads(machine->devices[i].device, &machine->gate);
        n += r < 0 ? 0 : (unsigned)r;
    }
    for (unsigned i = 0; i < machine->n_vcpus && r >= 0; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "vcpu%u", i);
        r = thread_start(&machine->vcpus[i].thread, &filter_vcpu, name, &machine->gate,
                         vcpu_loop_run, &machine->vcpus[i].loop);
    }
    if (r < 0)
        return log_errno(r, "Cannot make a thread: %s", strerror(-r));
    return thread_gate_wait(&machine->gate, n);
}

void machine_run(struct machine *machine)
{
    thread_gate_open(&machine->gate);
}

void machine_remarks(const struct machine *machine, char *ret, size_t size)
{
    size_t length = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < machine->n_devices; i++) {
        const struct virtio_device *device = machine->devices[i].device;
        int n = device->remark ? snprintf(ret + length, size - length, "%s%s %s",
                                          length > 0 ? "; " : "", device->id, device->remark)
                               : 0;
        if (n < 0 || (size_t)n >= size - length) {
            ret[length] = '\0'; /* not by halves */
            return;
        }
        length += (size_t)n;
    }
}

void machine_news(const struct machine *machine, char *ret, size_t size)
{
    size_t length = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < machine->n_devices; i++) {
        struct virtio_device *device = machine->devices[i].device;
        char news[VIRTIO_NEWS_SIZE];

        pthread_mutex_lock(&device->mutex);
        memcpy(news, device->news, sizeof(news));
        pthread_mutex_unlock(&device->mutex);
        int n = news[0]
                    ? snprintf(ret + length, size - length, "%s%s", length > 0 ? ", " : "", news)
                    : 0;
        if (n < 0 || (size_t)n >= size - length) {
            ret[length] = '\0'; /* not by halves */
            return;
        }
        length += (size_t)n;
    }
}

unsigned machine_count_live_vcpus(struct machine *machine)
{
    unsigned n = 0;

    for (unsigned i = 0; i < machine->n_vcpus; i++)
        n += vcpu_loop_is_alive(&machine->vcpus[i].loop);
    return n;
}

void machine_press_power_button(struct machine *machine)
{
    (void)eventfd_write(machine->power_button_irq, 1);
}
