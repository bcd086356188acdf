/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volt-vmm: acquire, build, lock, run. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/clock.h"
#include "vmm/credentials.h"
#include "vmm/devices/vsock.h"
#include "vmm/fd-store.h"
#include "vmm/filters.h"
#include "vmm/hardening.h"
#include "vmm/landlock.h"
#include "vmm/lockdown.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/supervisor.h"

enum {
    EXIT_USAGE = 2,
    EXIT_IN_VAIN = 78, /* another try would end likewise */
};

/*
 * What the machine needs of any kernel: the serial console; and a restart at once after a panic,
 * which leaves a mark (see machine.c). And what spares it a hundred exits: no search for chipsets
 * with quirks, nor for serial ports that no machine of ours has. And two thirds of a distribution
 * kernel's way to init: its self-tests of ciphers and hashes, which are there to find bad drivers
 * of hardware that no machine of ours has, and which a kernel has by choice only (with fips=1
 * they run all the same). The INI's own words come after, and win.
 */
#define CMDLINE_BASE                                                                               \
    "console=ttyS0 panic=-1 reboot=panic_warm pci=noearly 8250.nr_uarts=1 cryptomgr.notests"

/* Everything that the VMM is given, until the machine has it. */
struct resources {
    struct fd_store store;
    struct notify notify;
    int kvm, kernel, initrd, control;
    struct credentials credentials;
    struct readiness_settings readiness;
    int listener; /* to the guest's word that it is ready */
    uint32_t cid; /* the guest's, for that */
};

static int find_cid(const struct options *options, uint32_t *ret)
{
    struct vsock_settings vsock;

    for (unsigned i = 0; i < options->n_devices; i++) {
        if (options->devices[i].kind->create != vsock_create)
            continue;
        int r = vsock_settings_parse(options->devices[i].argument, &vsock);
        if (r >= 0)
            *ret = vsock.cid;
        return r;
    }
    return log_errno(-EINVAL, "--readiness=guest needs --vsock=, by which the guest says so");
}

/* The guest's service manager learns by a credential where to say how it is. */
static int acquire_readiness(struct resources *resources, const struct options *options)
{
    char address[READINESS_ADDRESS_SIZE];

    int r = options->readiness ? readiness_settings_parse(options->readiness, &resources->readiness)
                               : 0;
    if (r < 0 || !resources->readiness.guest)
        return r;
    r = find_cid(options, &resources->cid);
    if (r >= 0)
        r = resources->listener = fd_store_take(&resources->store, resources->readiness.listen);
    if (r >= 0)
        r = readiness_address(resources->listener, address);
    if (r >= 0)
        r = credentials_add(&resources->credentials, "vmm.notify_socket", address, strlen(address));
    return r;
}

static int acquire(struct resources *resources, const struct options *options)
{
    *resources = (struct resources){.notify.fd = -EBADF,
                                    .kvm = -EBADF,
                                    .kernel = -EBADF,
                                    .initrd = -EBADF,
                                    .control = -EBADF,
                                    .listener = -EBADF};

    int r = fd_store_init(&resources->store);
    hardening_close_inherited(resources->store.n);
    if (r >= 0)
        r = notify_init(&resources->notify);
    if (r >= 0)
        r = resources->kvm = fd_store_open(&resources->store, options->kvm, O_RDWR, "KVM device");
    if (r >= 0)
        r = resources->kernel = fd_store_open_image(&resources->store, options->kernel, "kernel");
    if (r >= 0 && options->initrd &&
        (!options->initrd_optional ||
         fd_store_has(&resources->store, options->initrd + strlen("fd:"))))
        r = resources->initrd = fd_store_open_image(&resources->store, options->initrd, "initrd");
    for (unsigned i = 0; i < options->n_credentials && r >= 0; i++)
        r = credentials_add_option(&resources->credentials, options->credentials[i],
                                   &resources->store);
    if (r >= 0)
        r = credentials_load(&resources->credentials);
    if (r >= 0 && options->control)
        r = resources->control =
            fd_store_listen(&resources->store, options->control, SOCK_SEQPACKET, "control socket");
    if (r >= 0)
        r = acquire_readiness(resources, options);
    return r < 0 ? r : 0;
}

static int take_fd(void *context, const char *name)
{
    struct resources *resources = context;

    return fd_store_take(&resources->store, name);
}

static bool has_fd(void *context, const char *name)
{
    struct resources *resources = context;

    return fd_store_has(&resources->store, name);
}

static void forget_fd(void *context, const char *name)
{
    struct resources *resources = context;

    /* As READY=1, this word must arrive. */
    while (notify_send(&resources->notify, "FDSTOREREMOVE=1\nFDNAME=%s", name) == -EAGAIN)
        ;
}

static int build(struct machine *machine, struct resources *resources,
                 const struct options *options)
{
    char cmdline[8192];
    int n = snprintf(cmdline, sizeof(cmdline), "%s%s%s", CMDLINE_BASE,
                     options->cmdline[0] ? " " : "", options->cmdline);
    if (n < 0 || (size_t)n >= sizeof(cmdline))
        return log_errno(-E2BIG, "The kernel's command line is longer than %zu characters",
                         sizeof(cmdline) - 1);

    const struct machine_settings settings = {
        .kvm_fd = resources->kvm,
        .n_vcpus = options->vcpus,
        .n_devices = options->n_devices,
        .memory_size = options->memory_mib << 20,
        .memory_pages = options->memory_pages,
        .kernel_fd = resources->kernel,
        .map_kernel = options->map_kernel,
        .initrd_fd = resources->initrd,
        .cmdline = cmdline,
        .smbios = {.uuid = options->uuid ? options->uuid_bytes : NULL,
                   .credentials = resources->credentials.entries,
                   .n_credentials = resources->credentials.n},
    };
    int r = machine_init(machine, &settings);
    credentials_done(&resources->credentials);
    if (r < 0)
        return r;

    const struct device_environment environment = {
        .memory = &machine->memory,
        .take_fd = take_fd,
        .has_fd = has_fd,
        .forget_fd = forget_fd,
        .context = resources,
    };
    for (unsigned i = 0; i < options->n_devices; i++) {
        struct virtio_device *device;

        r = options->devices[i].kind->create(options->devices[i].argument, &environment, &device);
        if (r >= 0)
            device->argument = options->devices[i].argument;
        if (r >= 0)
            r = machine_add_device(machine, device);
        if (r < 0)
            return r;
    }
    /* The images are in guest memory, and the machine is made: nothing needs these again. */
    resources->kvm = close_fd(resources->kvm);
    resources->kernel = close_fd(resources->kernel);
    resources->initrd = close_fd(resources->initrd);
    return fd_store_check_empty(&resources->store);
}

/* No thread is made and nothing is opened after this. */
static int lock(struct machine *machine, const struct notify *notify)
{
    int r = hardening_apply();
    if (r >= 0)
        r = lockdown_process(notify->fd);
    if (r >= 0)
        r = machine_make_threads(machine, lockdown_thread, NULL);
    if (r >= 0)
        r = lockdown_thread(&filter_main, NULL);
    return r;
}

static _Noreturn void refuse_without_landlock(const struct notify *notify)
{
    log_error("This kernel has no Landlock, and the VM is not to run without: %m (exit status 78)");
    (void)notify_send(notify, "STATUS=%s", log_first_error());
    _exit(EXIT_IN_VAIN);
}

static int run(struct supervisor *supervisor, const struct options *options)
{
    log_info("Running '%s' (%s): %u vCPUs, %llu MiB, %u devices", options->name,
             options->uuid ? options->uuid : "no UUID", options->vcpus,
             (unsigned long long)options->memory_mib, options->n_devices);
    supervisor_start(supervisor);
    machine_run(supervisor->machine);
    return supervisor_run(supervisor);
}

int main(int argc, char **argv)
{
    static struct machine machine; /* with the serial port's buffers, too large for the stack */
    static struct supervisor supervisor;
    uint64_t start_ns = clock_now_ns();
    struct options options;
    struct resources resources;

    log_setup(LOG_LEVEL_INFO);
    int r = options_parse(argc, argv, &options);
    if (r != 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    if (options.debug)
        log_setup(LOG_LEVEL_DEBUG);

    r = acquire(&resources, &options);
    if (r >= 0 && options.require_landlock && !landlock_is_there())
        refuse_without_landlock(&resources.notify);
    if (r >= 0)
        r = build(&machine, &resources, &options);
    if (r >= 0)
        r = supervisor_init(&supervisor, &options, &machine, &resources.notify, resources.control,
                            start_ns);
    if (r >= 0 && resources.listener >= 0)
        r = supervisor_wait_for_guest(&supervisor, resources.listener, resources.cid,
                                      resources.readiness.timeout_sec,
                                      resources.readiness.optional);
    if (r >= 0)
        r = lock(&machine, &resources.notify);
    if (r < 0) {
        console_finish(&supervisor.console);
        (void)notify_send(&resources.notify, "STATUS=%s",
                          log_first_error() ? log_first_error() : strerror(-r));
        _exit(EXIT_FAILURE); /* the kernel takes everything back, also from a process half locked */
    }
    _exit(run(&supervisor, &options));
}
