/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's sockets with the host, and what its start waits for, as text for systemd. */
#include "generator/unit-vsock.h"

#include "generator/schema.h"
#include "generator/unit-escape.h"

/* volt-vmm ends a guest that is late; systemd's own limit, of the helpers too, is beyond that. */
#define START_TIMEOUT_SPARE_SEC 90u

bool unit_has_vsock(const struct vm_config *config)
{
    return config->vsock.section.origin.source != NULL;
}

/* Whether somebody wrote it down: then a guest that does not know how to is an error. */
static bool is_asked_for(const struct vm_config *config)
{
    return config->vm.section.set[schema_find(SECTION_VM, "readiness") - schema].source != NULL;
}

void unit_write_readiness(FILE *f, const struct vm_config *config)
{
    switch (config->vm.readiness) {
    case READINESS_NONE:
        (void)fputs("\n# The start waits for nothing but the files\nType=exec\n", f);
        break;
    case READINESS_VMM:
        break;
    case READINESS_GUEST:
        (void)fprintf(f, "\n# The start waits for the guest\nTimeoutStartSec=%u\n",
                      config->vm.ready_timeout_sec + START_TIMEOUT_SPARE_SEC);
        break;
    }
}

void unit_write_vsock_files(FILE *f, const struct vm_config *config)
{
    char cid[sizeof("4294967295")] = "auto";

    if (!unit_has_vsock(config))
        return;
    if (config->vsock.cid > 0)
        (void)snprintf(cid, sizeof(cid), "%u", config->vsock.cid);
    unit_write_argument(f, "--read-write=vhost-vsock=/dev/vhost-vsock");
    unit_write_argument(f, "--vsock=uuid=%s,cid=%s%s", config->vm.uuid, cid,
                        config->vm.readiness == READINESS_GUEST ? ",notify" : "");
}

void unit_write_vsock(FILE *f, const struct vm_config *config)
{
    if (unit_has_vsock(config))
        unit_write_argument_and(f, "VOLT_CID", "--vsock=vhost=fd:vhost-vsock,cid=");
    if (config->vm.readiness == READINESS_GUEST)
        unit_write_argument(f, "--readiness=guest,listen=fd:notify,timeout=%u%s",
                            config->vm.ready_timeout_sec, is_asked_for(config) ? "" : ",optional");
}
