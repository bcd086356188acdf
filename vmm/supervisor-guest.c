/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest says of itself, and what becomes of it: word to systemd, the journal, an exit
 * status. */
#include "vmm/clock.h"
#include "vmm/log.h"
#include "vmm/supervisor.h"

enum { SHUTDOWNS_TOLD_MAX = 8 /* lines in the journal, however often a guest changes its mind */ };

void supervisor_ready(struct supervisor *supervisor)
{
    char status[STATUS_SIZE];

    status_compose(&supervisor->status_line, status, sizeof(status));
    /* This word must arrive. How long a start may take is systemd's to say. */
    while (notify_send(supervisor->notify, "READY=1\nSTATUS=%s", status) == -EAGAIN)
        ;
}

static void guest_is_ready(struct supervisor *supervisor)
{
    readiness_done_waiting(&supervisor->readiness);
    if (!supervisor->stopping)
        (void)status_set(&supervisor->status_line, STATUS_STATE, "Running");
    supervisor_ready(supervisor);
}

/* A status is told by and by: a guest sets the pace of its own word, and not of systemd's. */
static void guest_set_status(struct supervisor *supervisor, const char *text)
{
    if (!status_set(&supervisor->status_line, STATUS_GUEST, text[0] ? "guest: %s" : "%s", text))
        return;
    supervisor->status_changed = true;
    readiness_want_tick(&supervisor->readiness);
}

static void guest_shuts_down(struct supervisor *supervisor, enum guest_shutdown shutdown)
{
    if (supervisor->shutdown == shutdown || supervisor->shutdowns_told == SHUTDOWNS_TOLD_MAX)
        return;
    supervisor->shutdown = shutdown;
    supervisor->shutdowns_told++;
    log_info("The guest says that it %s%s", guest_shutdown_text(shutdown),
             shutdown == GUEST_SHUTDOWN_HALT ? ", which is no power-off: it has to be stopped"
                                             : "");
}

static void guest_said(void *context, const struct guest_word *word)
{
    struct supervisor *supervisor = context;

    supervisor->guest_spoke = true;
    if (word->active[0])
        log_debug("The guest says that %s is active", word->active);
    if (word->has_status)
        guest_set_status(supervisor, word->status);
    if (word->has_exit)
        supervisor->guest_exit = word->exit_status;
    if (word->shutdown != GUEST_SHUTDOWN_NONE)
        guest_shuts_down(supervisor, word->shutdown);
    if (word->ready && supervisor->readiness.waiting) {
        unsigned long long ms = (clock_now_ns() - supervisor->start_ns) / 1000000;

        log_info("The guest says that it is ready, %llu ms after the start", ms);
        guest_is_ready(supervisor);
    }
}

static void guest_is_late(void *context)
{
    struct supervisor *supervisor = context;
    unsigned seconds = supervisor->ready_timeout_sec;
    char text[256];

    if (supervisor->ready_optional && !supervisor->guest_spoke) {
        log_notice(
            "The guest did not report readiness within %u s, nor anything else; it counts as "
            "started. One that never does (systemd 254 and newer would) has to wait no more "
            "with readiness = vmm",
            seconds);
        guest_is_ready(supervisor);
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "The guest did not report readiness within %u s and was ended (exit status "
                   "104); %s",
                   seconds,
                   supervisor->guest_spoke ? "more time is a matter of ready_timeout_sec"
                                           : "it needs systemd 254 or newer, and virtio-vsock");
    supervisor_end(supervisor, EXIT_GUEST_NOT_READY, LOG_LEVEL_ERROR, text);
}

static void second_passed(void *context)
{
    struct supervisor *supervisor = context;

    if (!supervisor->status_changed)
        return;
    supervisor->status_changed = false;
    supervisor_status(supervisor);
}

int supervisor_wait_for_guest(struct supervisor *supervisor, int fd, uint32_t cid,
                              unsigned timeout_sec, bool optional)
{
    static const struct readiness_calls calls = {
        .heard = guest_said,
        .late = guest_is_late,
        .tick = second_passed,
    };

    supervisor->ready_timeout_sec = timeout_sec;
    supervisor->ready_optional = optional;
    (void)status_set(&supervisor->status_line, STATUS_STATE,
                     "Booting; waiting for the guest's READY=1");
    return readiness_init(&supervisor->readiness, fd, cid, timeout_sec, readiness_peer_is_guest,
                          &supervisor->loop, &calls, supervisor);
}

void supervisor_start(struct supervisor *supervisor)
{
    if (supervisor->readiness.waiting) {
        supervisor_status(supervisor);
        readiness_start(&supervisor->readiness);
    } else {
        supervisor_ready(supervisor);
    }
}
