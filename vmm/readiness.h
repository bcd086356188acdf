/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hears from the guest whether it is ready, and what else its service manager says of itself: the
 * other end of the credential vmm.notify_socket (systemd.system-credentials(7)). A message is a
 * connection of its own over AF_VSOCK, from a port that root alone may use. On the main thread.
 */
#pragma once

#include <sys/socket.h>

#include "vmm/event.h"
#include "vmm/guest-word.h"

enum {
    READINESS_CONNECTIONS_MAX = 8, /* at a time; further ones wait in the socket's queue */
    READINESS_MESSAGE_MAX = 4096,
    READINESS_PATIENCE_SEC = 90,     /* with a connection on which nothing comes … */
    READINESS_PATIENCE_FULL_SEC = 5, /* … and while it keeps others waiting */
    READINESS_BUDGET_MAX = 256, /* connections in one go, lest a guest keeps the host busy … */
    READINESS_BUDGET_STEP = 16, /* … and in a second after that */
    READINESS_TIMEOUT_DEFAULT_SEC = 120,
    READINESS_TIMEOUT_MAX_SEC = 86400,
    READINESS_ADDRESS_SIZE = 64,
};

/* What --readiness= says. */
struct readiness_settings {
    bool guest; /* false: the machine is ready when it runs */
    char listen[64];
    unsigned timeout_sec;
    bool optional; /* from a guest that has said nothing at all nothing is expected */
};

/* Reads "vmm" or "guest,listen=fd:NAME[,timeout=N][,optional]". 0 or -EINVAL; logs. */
int readiness_settings_parse(const char *argument, struct readiness_settings *ret);

/* Whether what came from ADDRESS may be listened to. */
typedef bool (*readiness_peer_check)(const struct sockaddr *address, socklen_t size, uint32_t cid);

/* From the guest whose CID it is, and from a privileged port there. */
bool readiness_peer_is_guest(const struct sockaddr *address, socklen_t size, uint32_t cid);

/* What the one who waits is told, on its event loop. */
struct readiness_calls {
    /* A message; WORD is gone afterwards. */
    void (*heard)(void *context, const struct guest_word *word);
    /* The time is over; once, and not after readiness_done_waiting(). */
    void (*late)(void *context);
    /* A second has passed since something was heard or waited for. */
    void (*tick)(void *context);
};

struct readiness_connection {
    struct event_source source; /* -EBADF: free */
    struct readiness *readiness;
    unsigned silent_sec; /* since something came */
    size_t size;
    char text[READINESS_MESSAGE_MAX + 1];
};

struct readiness {
    struct event_loop *loop;
    struct event_source listener; /* owned, as is the timer; -EBADF: nothing is listened to */
    struct event_source timer;
    bool packets; /* each read is a message (SOCK_SEQPACKET) */
    uint32_t cid;
    readiness_peer_check check;
    const struct readiness_calls *calls;
    void *context;
    bool waiting;
    unsigned ticks_left; /* of a second each, while waiting */
    unsigned budget;     /* connections until the next tick */
    bool paused, ticking, stranger_told, port_told, excess_told;
    struct readiness_connection connections[READINESS_CONNECTIONS_MAX];
};

/*
 * What FD, a listening AF_VSOCK socket, is called in the credential: "vsock-stream:2:PORT", or
 * "vsock:2:PORT" for one of packets. 0 or -errno; logs.
 */
int readiness_address(int fd, char ret[READINESS_ADDRESS_SIZE]);

/*
 * Listens on FD, which becomes the readiness's, and waits TIMEOUT_SEC from readiness_start() on.
 * CHECK: readiness_peer_is_guest but in tests. 0 or -errno; logs. readiness_done() takes a zeroed
 * one with listener.fd = -EBADF.
 */
int readiness_init(struct readiness *readiness, int fd, uint32_t cid, unsigned timeout_sec,
                   readiness_peer_check check, struct event_loop *loop,
                   const struct readiness_calls *calls, void *context);
void readiness_done(struct readiness *readiness);

/* The guest runs from now on. */
void readiness_start(struct readiness *readiness);

/* Nobody waits any longer; what the guest says is heard all the same. */
void readiness_done_waiting(struct readiness *readiness);

/* Has tick() called within a second. */
void readiness_want_tick(struct readiness *readiness);

/* One second of the timer; in tests, whenever they like. */
void readiness_tick(struct readiness *readiness, uint64_t seconds);
