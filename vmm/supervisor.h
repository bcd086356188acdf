/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event loop of the main thread: signals, console, watchdog, and the machine's end. */
#pragma once

#include "vmm/console-server.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/machine.h"
#include "vmm/notify.h"
#include "vmm/readiness.h"
#include "vmm/status.h"
#include "vmm/watchdog.h"

/* Exit statuses beside 0 (powered off) and 1 (an error before the guest ran). */
enum {
    EXIT_GUEST_PANIC = 100,
    EXIT_TRIPLE_FAULT = 101,
    EXIT_KVM_ERROR = 102,
    EXIT_STOP_TIMEOUT = 103,
    EXIT_GUEST_NOT_READY = 104,
    EXIT_GUEST_REBOOT = 133, /* as systemd-nspawn */
};

struct supervisor {
    struct machine *machine;     /* borrowed */
    const struct notify *notify; /* borrowed */
    struct options *options;     /* borrowed */
    struct event_loop loop;
    struct console console;
    struct console_server console_server;
    struct control control;
    struct event_source signals, watchdog, stop_timer, ended, boot_reached, news;
    struct watchdog liveness;
    uint64_t start_ns;        /* CLOCK_MONOTONIC when the program started */
    unsigned stop_ticks_left; /* of a second each, until the guest's time is over */
    struct status status_line;
    uint64_t restart_until_ns;  /* a guest that powers off before is to be started again */
    struct readiness readiness; /* the guest's word; waiting: READY=1 is not sent yet */
    unsigned ready_timeout_sec;
    bool ready_optional, guest_spoke, status_changed;
    uint8_t guest_exit; /* the last EXIT_STATUS= */
    enum guest_shutdown shutdown;
    unsigned shutdowns_told;
    bool stopping, done;
    int status; /* once done */
};

/*
 * Makes all that the loop needs; blocks the signals that it handles. SUPERVISOR is zeroed, as
 * static memory is: it is large, and most of it stays untouched. CONTROL_FD is the control socket,
 * taken over, or -EBADF. 0 or -errno; logs.
 */
int supervisor_init(struct supervisor *supervisor, struct options *options, struct machine *machine,
                    const struct notify *notify, int control_fd, uint64_t start_ns);

/*
 * Tells systemd the status line, STATUS=. To say something there, set a part of the line and call
 * this: `if (status_set(&supervisor->status_line, STATUS_GUEST, …)) supervisor_status(supervisor);`
 * Nothing is told any more once the machine has ended, which has the last word.
 */
void supervisor_status(struct supervisor *supervisor);

/*
 * READY=1 is the guest's to say, within TIMEOUT_SEC, by way of FD, a listening socket that becomes
 * the supervisor's, from CID. OPTIONAL: of a guest that has said nothing at all by then, none is
 * expected. Before supervisor_start(). 0 or -errno; logs.
 */
int supervisor_wait_for_guest(struct supervisor *supervisor, int fd, uint32_t cid,
                              unsigned timeout_sec, bool optional);

/* The machine is about to run: tells systemd READY=1, or what it waits for. */
void supervisor_start(struct supervisor *supervisor);

/* Sends READY=1 and the status line. */
void supervisor_ready(struct supervisor *supervisor);

/* Ends the loop: STATUS becomes the exit status, TEXT the last word in journal and STATUS=. */
void supervisor_end(struct supervisor *supervisor, int status, enum log_level level,
                    const char *text);

/* Runs until the machine's end. Returns the exit status; says why in journal and STATUS=. */
int supervisor_run(struct supervisor *supervisor);
