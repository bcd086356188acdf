/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new command line for a running machine: whatever it is, the answer is lines of text, and
 * nothing of the machine has changed. */
#include <string.h>

#include "tests/fuzz/input.h"
#include "vmm/log.h"
#include "vmm/reload.h"
#include "vmm/virtio/reply.h"

static void check(const char *reply, size_t size)
{
    size_t length = strnlen(reply, size);

    MUST(length < size);
    MUST(length == 0 || reply[length - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct options old = {
        .uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        .name = "web",
        .vcpus = 2,
        .memory_mib = 64,
        .kvm = "fd:kvm",
        .kernel = "fd:kernel",
        .cmdline = "",
    };
    char reply[REPLY_SIZE] = "", label[RELOAD_LABEL_SIZE];
    /* A copy that ends where it ends, so that reading on is noticed. */
    _cleanup_free_ char *text = malloc(size + 1);
    struct options new;

    log_setup((enum log_level)0);
    MUST(text);
    memcpy(text, data, size);
    if (size > 0)
        text[size - 1] = '\0';
    int r = reload_parse(text, size, &new, reply, sizeof(reply));
    check(reply, sizeof(reply));
    MUST((r == 0) == (reply[0] == '\0'));
    if (r < 0)
        return 0;
    MUST(new.vcpus >= 1 && new.n_devices <= OPTIONS_DEVICES_MAX);
    (void)reload_compare(&old, &new, reply, sizeof(reply));
    check(reply, sizeof(reply));
    /* Against itself there is nothing to tell, and each device is found. */
    reply[0] = '\0';
    MUST(reload_compare(&new, &new, reply, sizeof(reply)) == 0 && reply[0] == '\0');
    for (unsigned i = 0; i < new.n_devices; i++) {
        const char *option = new.devices[i].kind->option, *argument = new.devices[i].argument;

        MUST(reload_find(&new, option, argument));
        reload_label(option, argument, label);
        (void)reply_add_deferred(reply, sizeof(reply), new.devices[0].argument, argument, NULL);
        check(reply, sizeof(reply));
    }
    return 0;
}
