/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listener, its few connections, and the second hand that bounds them all. */
#include "vmm/readiness.h"

#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "vmm/fd-store.h"
#include "vmm/log.h"

enum { PRIVILEGED_PORTS = 1024 };

bool readiness_peer_is_guest(const struct sockaddr *address, socklen_t size, uint32_t cid)
{
    struct sockaddr_vm peer;

    if (size < sizeof(peer) || address->sa_family != AF_VSOCK)
        return false;
    memcpy(&peer, address, sizeof(peer));
    return peer.svm_cid == cid && peer.svm_port < PRIVILEGED_PORTS;
}

/* The timer goes while somebody waits for it, so that an idle guest wakes nobody. */
static void set_ticking(struct readiness *readiness, bool ticking)
{
    const struct itimerspec second = {.it_value.tv_sec = ticking, .it_interval.tv_sec = ticking};

    if (readiness->ticking == ticking)
        return;
    readiness->ticking = ticking;
    (void)timerfd_settime(readiness->timer.fd, 0, &second, NULL);
}

static void set_paused(struct readiness *readiness, bool paused)
{
    if (readiness->paused != paused)
        (void)event_loop_change(readiness->loop, &readiness->listener, paused ? 0 : EPOLLIN);
    readiness->paused = paused;
}

static struct readiness_connection *find_free(struct readiness *readiness)
{
    for (size_t i = 0; i < READINESS_CONNECTIONS_MAX; i++)
        if (readiness->connections[i].source.fd < 0)
            return &readiness->connections[i];
    return NULL;
}

static void settle(struct readiness *readiness)
{
    set_paused(readiness, readiness->budget == 0 || !find_free(readiness));
}

static void hang_up(struct readiness_connection *connection)
{
    event_loop_remove(connection->readiness->loop, &connection->source);
    connection->source.fd = close_fd(connection->source.fd);
    settle(connection->readiness);
}

static void deliver(struct readiness_connection *connection)
{
    struct readiness *readiness = connection->readiness;
    struct guest_word word;

    if (connection->size == 0)
        return;
    guest_word_parse(connection->text, connection->size, &word);
    connection->size = 0;
    readiness->calls->heard(readiness->context, &word);
}

static void tell_excess(struct readiness *readiness, const char *what)
{
    if (!readiness->excess_told)
        log_warning("The guest's word of its state %s; it is not heard", what);
    readiness->excess_told = true;
}

/* A stream is one message, up to its end; a packet is one by itself. */
static void connection_ready(struct event_source *source, uint32_t events)
{
    struct readiness_connection *connection =
        container_of(source, struct readiness_connection, source);

    (void)events;
    ssize_t n = read(source->fd, connection->text + connection->size,
                     sizeof(connection->text) - connection->size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        struct readiness *readiness = connection->readiness;

        /* Closed first: the guest's service manager waits for that. */
        hang_up(connection);
        deliver(connection);
        settle(readiness);
        return;
    }
    connection->size += (size_t)n;
    connection->silent_sec = 0;
    if (connection->size > READINESS_MESSAGE_MAX) {
        tell_excess(connection->readiness, "is longer than 4096 bytes");
        hang_up(connection);
    } else if (connection->readiness->packets) {
        deliver(connection);
    }
}

static void tell_stranger(struct readiness *readiness, const struct sockaddr_storage *address)
{
    struct sockaddr_vm peer = {0};

    memcpy(&peer, address, sizeof(peer));
    /* Once for the guest's own programs, and once for others. */
    bool *told = peer.svm_cid == readiness->cid ? &readiness->port_told : &readiness->stranger_told;
    if (!*told)
        log_warning("Port %u of CID %u is refused: ports below %d of CID %u tell how the guest is",
                    peer.svm_port, peer.svm_cid, PRIVILEGED_PORTS, readiness->cid);
    *told = true;
}

static void listener_ready(struct event_source *source, uint32_t events)
{
    struct readiness *readiness = container_of(source, struct readiness, listener);
    struct readiness_connection *connection = find_free(readiness);
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);

    (void)events;
    if (!connection || readiness->budget == 0)
        return;
    _cleanup_close_ int fd =
        accept4(source->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        log_warning("The guest cannot be listened to any more: %m");
        event_loop_remove(readiness->loop, source);
        return;
    }
    if (!readiness->check((const struct sockaddr *)&address, size, readiness->cid)) {
        tell_stranger(readiness, &address);
    } else {
        connection->source.fd = fd;
        if (event_loop_add(readiness->loop, &connection->source, EPOLLIN) < 0) {
            connection->source.fd = -EBADF;
        } else {
            TAKE_FD(fd);
            readiness->budget--;
            set_ticking(readiness, true);
            connection->size = 0;
            connection->silent_sec = 0;
        }
    }
    settle(readiness);
}

static bool count_down(unsigned *ticks, uint64_t seconds)
{
    *ticks = seconds < *ticks ? *ticks - (unsigned)seconds : 0;
    return *ticks == 0;
}

/*
 * A slow guest may take its time with a message, and harms nobody but itself by connections that
 * it leaves open. Only where these keep others waiting have they to go soon.
 */
static bool count_silence(struct readiness *readiness, uint64_t seconds)
{
    unsigned patience = find_free(readiness) ? READINESS_PATIENCE_SEC : READINESS_PATIENCE_FULL_SEC;
    bool busy = false;

    for (size_t i = 0; i < READINESS_CONNECTIONS_MAX; i++) {
        struct readiness_connection *connection = &readiness->connections[i];

        if (connection->source.fd < 0)
            continue;
        busy = true;
        /* What is silent for longer than that is gone: no overflow. */
        connection->silent_sec +=
            seconds < READINESS_PATIENCE_SEC ? (unsigned)seconds : READINESS_PATIENCE_SEC;
        if (connection->silent_sec >= patience) {
            tell_excess(readiness, "does not end");
            hang_up(connection);
        }
    }
    return busy;
}

void readiness_tick(struct readiness *readiness, uint64_t seconds)
{
    uint64_t room = READINESS_BUDGET_MAX - readiness->budget;

    if (seconds < room / READINESS_BUDGET_STEP)
        readiness->budget += (unsigned)seconds * READINESS_BUDGET_STEP;
    else
        readiness->budget = READINESS_BUDGET_MAX;
    bool busy = count_silence(readiness, seconds);
    settle(readiness);
    set_ticking(readiness, busy || readiness->waiting || readiness->budget < READINESS_BUDGET_MAX);
    readiness->calls->tick(readiness->context);
    if (readiness->waiting && count_down(&readiness->ticks_left, seconds)) {
        readiness->waiting = false;
        readiness->calls->late(readiness->context);
    }
}

static void timer_due(struct event_source *source, uint32_t events)
{
    uint64_t seconds;

    (void)events;
    if (read(source->fd, &seconds, sizeof(seconds)) == (ssize_t)sizeof(seconds))
        readiness_tick(container_of(source, struct readiness, timer), seconds);
}

static int socket_type(int fd)
{
    int type = fd_listening_type(fd);

    return type < 0 || type == SOCK_STREAM || type == SOCK_SEQPACKET ? type : -ENOTCONN;
}

int readiness_address(int fd, char ret[READINESS_ADDRESS_SIZE])
{
    struct sockaddr_vm address = {0};
    socklen_t size = sizeof(address);
    int type = socket_type(fd);

    if (type >= 0 && getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        type = -errno;
    else if (type >= 0 && address.svm_family != AF_VSOCK)
        type = -EAFNOSUPPORT;
    if (type < 0)
        return log_errno(type, "--readiness: this is no listening AF_VSOCK socket: %s",
                         strerror(-type));
    (void)snprintf(ret, READINESS_ADDRESS_SIZE, "%s:%u:%u",
                   type == SOCK_STREAM ? "vsock-stream" : "vsock", VMADDR_CID_HOST,
                   address.svm_port);
    return 0;
}

int readiness_init(struct readiness *readiness, int fd, uint32_t cid, unsigned timeout_sec,
                   readiness_peer_check check, struct event_loop *loop,
                   const struct readiness_calls *calls, void *context)
{
    memset(readiness, 0, sizeof(*readiness));
    readiness->loop = loop;
    readiness->cid = cid;
    readiness->check = check;
    readiness->calls = calls;
    readiness->context = context;
    readiness->waiting = true;
    readiness->ticks_left = timeout_sec;
    readiness->budget = READINESS_BUDGET_MAX;
    for (size_t i = 0; i < READINESS_CONNECTIONS_MAX; i++) {
        readiness->connections[i].source =
            (struct event_source){.fd = -EBADF, .ready = connection_ready};
        readiness->connections[i].readiness = readiness;
    }
    readiness->listener = (struct event_source){.fd = fd, .ready = listener_ready};
    readiness->timer = (struct event_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = timer_due};

    int r = readiness->timer.fd < 0 ? -errno : socket_type(fd);
    readiness->packets = r == SOCK_SEQPACKET;
    if (r >= 0)
        r = event_loop_add(loop, &readiness->timer, EPOLLIN);
    if (r >= 0)
        r = event_loop_add(loop, &readiness->listener, EPOLLIN);
    if (r < 0)
        return log_errno(r, "Cannot listen to the guest: %s", strerror(-r));
    return 0;
}

void readiness_done(struct readiness *readiness)
{
    if (!readiness->loop)
        return;
    for (size_t i = 0; i < READINESS_CONNECTIONS_MAX; i++)
        if (readiness->connections[i].source.fd >= 0)
            hang_up(&readiness->connections[i]);
    event_loop_remove(readiness->loop, &readiness->listener);
    event_loop_remove(readiness->loop, &readiness->timer);
    readiness->listener.fd = close_fd(readiness->listener.fd);
    readiness->timer.fd = close_fd(readiness->timer.fd);
    readiness->loop = NULL;
}

void readiness_start(struct readiness *readiness)
{
    set_ticking(readiness, true);
}

void readiness_done_waiting(struct readiness *readiness)
{
    readiness->waiting = false;
}

void readiness_want_tick(struct readiness *readiness)
{
    set_ticking(readiness, true);
}
