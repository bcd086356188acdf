/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client at a time, and one device at a time for it. */
#include "vmm/control.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "vmm/log.h"
#include "vmm/reload.h"

enum { PATIENCE_SEC = 10 };

static void set_timer(struct control *control, time_t seconds)
{
    const struct itimerspec when = {.it_value.tv_sec = seconds};

    (void)timerfd_settime(control->timer.fd, 0, &when, NULL);
}

/* Makes way for the next client. The answer to an inquiry that still runs will be nobody's. */
static void hang_up(struct control *control)
{
    control->waiting = false;
    set_timer(control, 0);
    if (control->client.fd < 0)
        return;
    event_loop_remove(control->loop, &control->client);
    control->client.fd = close_fd(control->client.fd);
    (void)event_loop_change(control->loop, &control->listener, EPOLLIN);
}

/* One packet, which an empty socket always has room for: nothing to wait for. */
static void answer(struct control *control, const char *verdict)
{
    size_t length = strlen(verdict), rest = strlen(control->reply);

    memmove(control->reply + length + 1, control->reply, rest);
    memcpy(control->reply, verdict, length);
    control->reply[length] = '\n';
    ssize_t n _unused_ = write(control->client.fd, control->reply, length + 1 + rest);
    hang_up(control);
}

/* Room for the verdict in front. */
#define REPLY_ROOM (CONTROL_REPLY_SIZE - sizeof("refused\n"))

static void add_lines(struct control *control, const char *label, char *lines)
{
    for (char *rest = lines, *line; (line = strsep(&rest, "\n"));)
        if (*line)
            reply_add(control->reply, REPLY_ROOM, "%s: %s", label, line);
}

static const char *option_of(const struct control *control, const struct virtio_device *device)
{
    for (unsigned i = 0; i < control->options->n_devices; i++)
        if (control->options->devices[i].argument == device->argument)
            return control->options->devices[i].kind->option;
    return "device";
}

/* Asks DEVICE, whose new argument is ARGUMENT (NULL: only what it is). Whether it has to be waited
 * for. */
static bool ask(struct control *control, struct virtio_device *device, const char *argument)
{
    struct virtio_inquiry *inquiry = &control->inquiry;

    if (argument ? !device->type->reconfigure : !device->type->describe) {
        inquiry->reply[0] = '\0';
        if (argument && device->argument)
            (void)reply_add_deferred(inquiry->reply, sizeof(inquiry->reply), device->argument,
                                     argument, NULL);
        return false;
    }
    inquiry->device = device;
    inquiry->argument = argument;
    control->waiting = true;
    virtio_inquiry_start(inquiry);
    return true;
}

static void take_answer(struct control *control, struct virtio_device *device)
{
    char label[RELOAD_LABEL_SIZE];

    reload_label(option_of(control, device), device->argument ? device->argument : device->id,
                 label);
    if (control->inquiry.result < 0)
        control->refused = true;
    add_lines(control, label, control->inquiry.reply);
}

/* Asks the devices that are left, as far as that goes without waiting. */
static void go_on(struct control *control)
{
    bool reload = strcmp(control->request, "reload") == 0;

    while (control->next < control->machine->n_devices) {
        struct virtio_device *device = control->machine->devices[control->next].device;
        const char *argument =
            reload && device->argument
                ? reload_find(&control->new_options, option_of(control, device), device->argument)
                : NULL;

        if (!reload || argument) {
            control->inquiry.result = 0;
            if (ask(control, device, argument))
                return;
            take_answer(control, device);
        }
        control->next++;
    }
    answer(control, control->refused ? "refused" : "ok");
}

static void begin_reload(struct control *control, size_t size)
{
    size_t used = strlen(control->request) + 1;

    int r = reload_parse(control->request + used, size - used, &control->new_options,
                         control->reply, REPLY_ROOM);
    if (r >= 0)
        r = reload_compare(control->options, &control->new_options, control->reply, REPLY_ROOM);
    if (r < 0) {
        answer(control, "refused");
        return;
    }
    control->options->stop_timeout_sec = control->new_options.stop_timeout_sec;
    go_on(control);
}

static void begin_status(struct control *control)
{
    const struct options *options = control->options;
    char line[STATUS_SIZE];

    reply_add(control->reply, REPLY_ROOM, "vm: name=%s uuid=%s vcpus=%u memory_mib=%llu",
              options->name, options->uuid ? options->uuid : "-", options->vcpus,
              (unsigned long long)options->memory_mib);
    status_compose(control->status_line, line, sizeof(line));
    reply_add(control->reply, REPLY_ROOM, "status: %s", line);
    go_on(control);
}

static void begin(struct control *control, size_t size)
{
    control->reply[0] = '\0';
    control->refused = false;
    control->next = 0;
    if (!memchr(control->request, '\0', size)) {
        reply_add(control->reply, REPLY_ROOM, "the request has no end, or is too long");
        answer(control, "refused");
    } else if (strcmp(control->request, "reload") == 0) {
        begin_reload(control, size);
    } else if (strcmp(control->request, "status") == 0) {
        begin_status(control);
    } else {
        reply_add(control->reply, REPLY_ROOM, "there is reload and status, no '%.32s'",
                  control->request);
        answer(control, "refused");
    }
}

/* The request before still has the buffers. What is not read would keep the answer from the client.
 */
static void answer_busy(struct control *control)
{
    char ignored[16];
    ssize_t n _unused_ = read(control->client.fd, ignored, sizeof(ignored));

    control->reply[0] = '\0';
    reply_add(control->reply, REPLY_ROOM, "'%s' still works on what it was asked before",
              control->inquiry.device->id);
    answer(control, "busy");
}

static void client_ready(struct event_source *source, uint32_t events)
{
    struct control *control = container_of(source, struct control, client);

    if (control->waiting) { /* it can only have hung up, or said too much */
        if (events & (EPOLLHUP | EPOLLERR))
            hang_up(control);
        return;
    }
    if (atomic_load(&control->inquiry.pending)) {
        answer_busy(control);
        return;
    }
    ssize_t n = read(source->fd, control->request, sizeof(control->request));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        hang_up(control);
        return;
    }
    (void)event_loop_change(control->loop, source, 0);
    begin(control, (size_t)n == sizeof(control->request) ? 0 : (size_t)n);
}

static void listener_ready(struct event_source *source, uint32_t events)
{
    struct control *control = container_of(source, struct control, listener);

    (void)events;
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        log_warning("The control socket fails: %m; the VM goes on without it");
        event_loop_remove(control->loop, source);
        return;
    }
    control->client.fd = fd;
    if (event_loop_add(control->loop, &control->client, EPOLLIN) < 0) {
        control->client.fd = close_fd(fd);
        return;
    }
    /* The others wait in the socket's queue. */
    (void)event_loop_change(control->loop, source, 0);
    set_timer(control, control->patience_sec);
}

static void answer_ready(struct event_source *source, uint32_t events)
{
    struct control *control = container_of(source, struct control, answered);
    eventfd_t count;

    (void)events;
    (void)eventfd_read(source->fd, &count);
    if (!control->waiting || atomic_load(&control->inquiry.pending))
        return;
    control->waiting = false;
    take_answer(control, control->inquiry.device);
    control->next++;
    go_on(control);
}

static void time_is_over(struct event_source *source, uint32_t events)
{
    struct control *control = container_of(source, struct control, timer);
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof(count)) != (ssize_t)sizeof(count) || control->client.fd < 0)
        return;
    if (!control->waiting) {
        hang_up(control);
        return;
    }
    reply_add(control->reply, REPLY_ROOM, "'%s' does not answer", control->inquiry.device->id);
    log_warning("'%s' does not answer to its new configuration", control->inquiry.device->id);
    answer(control, "busy");
}

int control_init(struct control *control, int fd, struct machine *machine, struct options *options,
                 const struct status *status_line, struct event_loop *loop)
{
    memset(control, 0, offsetof(struct control, new_options));
    control->machine = machine;
    control->options = options;
    control->status_line = status_line;
    control->loop = loop;
    control->patience_sec = PATIENCE_SEC;
    control->listener = (struct event_source){.fd = fd, .ready = listener_ready};
    control->client = (struct event_source){.fd = -EBADF, .ready = client_ready};
    control->answered = (struct event_source){.fd = -EBADF, .ready = answer_ready};
    control->timer = (struct event_source){.fd = -EBADF, .ready = time_is_over};
    if (fd < 0)
        return 0;
    control->answered.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    control->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    control->inquiry.answered = control->answered.fd;

    int r = control->answered.fd < 0 || control->timer.fd < 0 ? -errno : 0;
    struct event_source *sources[] = {&control->listener, &control->answered, &control->timer};
    for (size_t i = 0; i < ELEMENTSOF(sources) && r >= 0; i++)
        r = event_loop_add(loop, sources[i], EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot listen on the control socket: %s", strerror(-r));
    return 0;
}

void control_done(struct control *control)
{
    struct event_source *sources[] = {&control->client, &control->listener, &control->answered,
                                      &control->timer};

    if (!control->loop)
        return;
    for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
        if (sources[i]->fd >= 0)
            event_loop_remove(control->loop, sources[i]);
        sources[i]->fd = close_fd(sources[i]->fd);
    }
}
