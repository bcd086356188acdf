/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main thread's life after READY=1. */
#include "vmm/supervisor.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "vmm/clock.h"

/* What systemd gives beyond the guest's time, before it ends the process itself. */
enum { STOP_MARGIN_SEC = 15 };

void supervisor_status(struct supervisor *supervisor)
{
    char line[STATUS_SIZE];

    if (supervisor->done)
        return;
    status_compose(&supervisor->status_line, line, sizeof(line));
    (void)notify_send(supervisor->notify, "STATUS=%s", line);
}

void supervisor_end(struct supervisor *supervisor, int status, enum log_level level,
                    const char *text)
{
    if (supervisor->done)
        return;
    supervisor->done = true;
    supervisor->status = status;
    log_message(level, "%s", text);
    (void)notify_send(supervisor->notify, "STOPPING=1\nSTATUS=%s", text);
}

/* As `systemctl exit` in the guest wants it. */
static void end_with_status(struct supervisor *supervisor)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "The guest powered off with exit status %u",
                   supervisor->guest_exit);
    supervisor_end(supervisor, supervisor->guest_exit, LOG_LEVEL_WARNING, text);
}

static void machine_ended(struct event_source *source, uint32_t events)
{
    static const struct {
        int status;
        enum log_level level;
        const char *text;
    } ends[] = {
        [MACHINE_POWERED_OFF] = {0, LOG_LEVEL_INFO, "The guest powered off"},
        [MACHINE_REBOOTED] = {EXIT_GUEST_REBOOT, LOG_LEVEL_INFO, "The guest rebooted"},
        [MACHINE_PANICKED] =
            {EXIT_GUEST_PANIC, LOG_LEVEL_ERROR,
             "The guest's kernel panicked (exit status 100); its console has the reason"},
        [MACHINE_TRIPLE_FAULT] = {EXIT_TRIPLE_FAULT, LOG_LEVEL_ERROR,
                                  "The guest's CPU ended in a triple fault (exit status 101)"},
        [MACHINE_KVM_ERROR] = {EXIT_KVM_ERROR, LOG_LEVEL_ERROR,
                               "KVM could not go on with the guest (exit status 102)"},
    };
    struct supervisor *supervisor = container_of(source, struct supervisor, ended);
    enum machine_end how = atomic_load(&supervisor->machine->how);

    (void)events;
    if (how == MACHINE_POWERED_OFF && !supervisor->stopping &&
        clock_now_ns() < supervisor->restart_until_ns)
        supervisor_end(supervisor, EXIT_GUEST_REBOOT, LOG_LEVEL_INFO,
                       "The guest powered off, and is to be started again");
    else if (how == MACHINE_POWERED_OFF && supervisor->guest_exit > 0)
        end_with_status(supervisor);
    else if (how != MACHINE_RUNNING)
        supervisor_end(supervisor, ends[how].status, ends[how].level, ends[how].text);
}

/* The first request presses the power button; the second one means it. */
static void stop(struct supervisor *supervisor)
{
    static const struct itimerspec second = {.it_value.tv_sec = 1, .it_interval.tv_sec = 1};

    if (supervisor->stopping) {
        supervisor_end(
            supervisor, EXIT_STOP_TIMEOUT, LOG_LEVEL_WARNING,
            "The VM was asked to stop a second time and was ended without the guest's consent "
            "(exit status 103)");
        return;
    }
    supervisor->stopping = true;
    unsigned timeout = supervisor->options->stop_timeout_sec;
    log_info("Pressing the guest's power button; it has %u s to power off", timeout);
    /* The unit's own limit may be the template's, where the VM's description is gone or broken by
     * now. */
    (void)notify_send(supervisor->notify, "EXTEND_TIMEOUT_USEC=%llu",
                      (timeout + STOP_MARGIN_SEC) * 1000000ULL);
    (void)status_set(&supervisor->status_line, STATUS_REMARKS, "%s", "");
    (void)status_set(&supervisor->status_line, STATUS_BOOT, "%s", "");
    (void)status_set(&supervisor->status_line, STATUS_STATE,
                     "Power button pressed; the guest has %u s to power off", timeout);
    supervisor_status(supervisor);
    supervisor->stop_ticks_left = timeout;
    (void)timerfd_settime(supervisor->stop_timer.fd, 0, &second, NULL);
    machine_press_power_button(supervisor->machine);
}

/* A guest that still boots has no ears for the button yet: it is pressed every second until the
 * time is over. */
static void stop_tick(struct event_source *source, uint32_t events)
{
    struct supervisor *supervisor = container_of(source, struct supervisor, stop_timer);
    char text[160];
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
        return;
    if (count < supervisor->stop_ticks_left) {
        supervisor->stop_ticks_left -= (unsigned)count;
        machine_press_power_button(supervisor->machine);
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "The guest ignored the power button for %u s and was ended (exit status 103)",
                   supervisor->options->stop_timeout_sec);
    supervisor_end(supervisor, EXIT_STOP_TIMEOUT, LOG_LEVEL_WARNING, text);
}

/* machinectl asks the guest and forces nothing: neither its own second request nor a stop after it
 * ends a guest that is on its way. */
static void ask(struct supervisor *supervisor, bool restart)
{
    if (supervisor->stopping)
        return;
    supervisor->restart_until_ns =
        restart ? clock_now_ns() + supervisor->options->stop_timeout_sec * CLOCK_NS_PER_SEC : 0;
    log_info("Pressing the guest's power button, as was asked for by signal%s",
             restart ? "; once it has powered off it is to be started again" : "");
    machine_press_power_button(supervisor->machine);
}

static void signal_came(struct event_source *source, uint32_t events)
{
    struct supervisor *supervisor = container_of(source, struct supervisor, signals);
    struct signalfd_siginfo info;

    (void)events;
    if (read(source->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    bool is_service = supervisor->notify->fd >= 0;
    if (info.ssi_signo == (uint32_t)SIGRTMIN + 4)
        ask(supervisor, false);
    else if (info.ssi_signo == SIGINT && is_service)
        ask(supervisor, true);
    else
        stop(supervisor);
}

static void console_command(void *context, enum console_command command)
{
    struct supervisor *supervisor = context;

    if (command == CONSOLE_POWER_BUTTON)
        stop(supervisor);
    else
        supervisor_end(supervisor, 0, LOG_LEVEL_NOTICE, "The VM was ended from its console");
}

static void watchdog_due(struct event_source *source, uint32_t events)
{
    struct supervisor *supervisor = container_of(source, struct supervisor, watchdog);
    struct timespec now = {0};
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof(count)) <= 0)
        return;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* which goes on while the host sleeps */
    uint64_t now_ns = (uint64_t)now.tv_sec * CLOCK_NS_PER_SEC + (uint64_t)now.tv_nsec;
    unsigned n_live = machine_count_live_vcpus(supervisor->machine);
    if (watchdog_look(&supervisor->liveness, now_ns, n_live) &&
        supervisor->notify->watchdog_usec > 0)
        /* The limit, too: it is another one after the unit was frozen. */
        (void)notify_send(supervisor->notify, "WATCHDOG=1\nWATCHDOG_USEC=%llu",
                          (unsigned long long)supervisor->notify->watchdog_usec);
}

static void guest_booted(struct event_source *source, uint32_t events)
{
    struct supervisor *supervisor = container_of(source, struct supervisor, boot_reached);
    uint64_t count, reached = atomic_load(&supervisor->machine->boot_timer.reached_ns);

    (void)events;
    if (read(source->fd, &count, sizeof(count)) <= 0)
        return;
    unsigned long long us = (reached - supervisor->start_ns) / 1000;
    log_info("The guest's init runs %llu.%03llu ms after the start", us / 1000, us % 1000);
    (void)status_set(&supervisor->status_line, STATUS_BOOT,
                     "the guest's init ran %llu ms after the start", us / 1000);
    supervisor_status(supervisor);
}

static void news_came(struct event_source *source, uint32_t events)
{
    struct supervisor *supervisor = container_of(source, struct supervisor, news);
    char news[STATUS_PART_SIZE];
    uint64_t count;

    (void)events;
    (void)!read(source->fd, &count, sizeof(count));
    machine_news(supervisor->machine, news, sizeof(news));
    if (status_set(&supervisor->status_line, STATUS_BALLOON, "%s", news))
        supervisor_status(supervisor);
}

static int make_timer(struct event_source *source, uint64_t interval_usec,
                      void (*ready)(struct event_source *, uint32_t))
{
    const struct timespec interval = {
        .tv_sec = (time_t)(interval_usec / 1000000),
        .tv_nsec = (long)(interval_usec % 1000000) * 1000,
    };
    const struct itimerspec when = {.it_value = interval, .it_interval = interval};

    source->ready = ready;
    source->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (source->fd < 0 || timerfd_settime(source->fd, 0, &when, NULL) < 0)
        return -errno;
    return 0;
}

static int make_signals(struct event_source *source)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT); /* of a service: machinectl reboot */
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGRTMIN + 4); /* machinectl poweroff */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    (void)signal(SIGPIPE, SIG_IGN);
    source->ready = signal_came;
    source->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return source->fd < 0 ? -errno : 0;
}

int supervisor_init(struct supervisor *supervisor, struct options *options, struct machine *machine,
                    const struct notify *notify, int control_fd, uint64_t start_ns)
{
    supervisor->readiness.listener.fd = -EBADF;
    supervisor->machine = machine;
    supervisor->notify = notify;
    supervisor->options = options;
    supervisor->start_ns = start_ns;
    watchdog_init(&supervisor->liveness, notify->watchdog_usec);
    char remarks[STATUS_PART_SIZE];
    machine_remarks(machine, remarks, sizeof(remarks));
    (void)status_set(&supervisor->status_line, STATUS_REMARKS, "%s", remarks);
    (void)status_set(&supervisor->status_line, STATUS_STATE, "Running");
    machine_news(machine, remarks, sizeof(remarks));
    (void)status_set(&supervisor->status_line, STATUS_BALLOON, "%s", remarks);
    supervisor->ended = (struct event_source){.fd = machine->ended, .ready = machine_ended};
    supervisor->boot_reached =
        (struct event_source){.fd = machine->boot_reached, .ready = guest_booted};

    supervisor->news = (struct event_source){.fd = machine->news, .ready = news_came};

    int r = event_loop_init(&supervisor->loop);
    if (r >= 0)
        r = make_signals(&supervisor->signals);
    if (r >= 0)
        r = make_timer(&supervisor->stop_timer, 0, stop_tick);
    if (r >= 0)
        r = make_timer(&supervisor->watchdog, supervisor->liveness.interval_ns / 1000,
                       watchdog_due);
    struct event_source *sources[] = {&supervisor->signals,      &supervisor->stop_timer,
                                      &supervisor->watchdog,     &supervisor->ended,
                                      &supervisor->boot_reached, &supervisor->news};
    for (size_t i = 0; i < ELEMENTSOF(sources) && r >= 0; i++)
        r = event_loop_add(&supervisor->loop, sources[i], EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot set up the event loop: %s", strerror(-r));
    r = control_init(&supervisor->control, control_fd, machine, options, &supervisor->status_line,
                     &supervisor->loop);
    if (r < 0)
        return r;
    r = console_server_init_machine(&supervisor->console_server, machine, &supervisor->loop);
    if (r < 0)
        return r;
    return console_init(&supervisor->console, options->name, &machine->serial,
                        machine->serial_output, &supervisor->loop, console_command, supervisor);
}

int supervisor_run(struct supervisor *supervisor)
{
    while (!supervisor->done) {
        if (event_loop_wait(&supervisor->loop) < 0)
            supervisor_end(supervisor, EXIT_FAILURE, LOG_LEVEL_ERROR, "Cannot wait for events");
    }
    console_server_finish(&supervisor->console_server);
    console_finish(&supervisor->console);
    return supervisor->status;
}
