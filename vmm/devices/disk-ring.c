/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ring by liburing, with all that it must not do forbidden before its first use. */
#include "vmm/devices/disk-ring.h"

#include <assert.h>
#include <liburing.h>

struct disk_ring {
    struct io_uring uring;
};

static const uint8_t operations[] = {
    [DISK_CALL_READ] = IORING_OP_READV,
    [DISK_CALL_WRITE] = IORING_OP_WRITEV,
    [DISK_CALL_FLUSH] = IORING_OP_FSYNC,
    [DISK_CALL_ALLOCATE] = IORING_OP_FALLOCATE,
};

/*
 * What is done by way of a ring passes by the system call filter: the ring has to have its own.
 * Each operation must name a registered file, of which there is one; what is registered stays.
 */
static int restrict_ring(struct io_uring *uring)
{
    struct io_uring_restriction restrictions[ELEMENTSOF(operations) + 2] = {
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE},
    };

    for (unsigned i = 0; i < ELEMENTSOF(operations); i++) {
        restrictions[i + 2].opcode = IORING_RESTRICTION_SQE_OP;
        restrictions[i + 2].sqe_op = operations[i];
    }
    return io_uring_register_restrictions(uring, restrictions, ELEMENTSOF(restrictions));
}

int disk_ring_new(int fd, unsigned n, struct disk_ring **ret)
{
    unsigned workers[] = {DISK_RING_WORKERS, 1}; /* of files and disks; of all else */
    struct disk_ring *ring = calloc(1, sizeof(*ring));

    if (!ring)
        return -ENOMEM;
    /* Answers wait until the thread enters the kernel, which it does anyway; Linux 5.19. */
    int r =
        io_uring_queue_init(n, &ring->uring, IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN);
    if (r == -EINVAL)
        r = io_uring_queue_init(n, &ring->uring, IORING_SETUP_R_DISABLED);
    if (r < 0) {
        free(ring);
        return r;
    }
    r = io_uring_register_files(&ring->uring, &fd, 1);
    if (r >= 0) {
        (void)io_uring_register_iowq_max_workers(&ring->uring, workers); /* Linux 5.15 */
        r = restrict_ring(&ring->uring);
    }
    if (r >= 0)
        r = io_uring_enable_rings(&ring->uring);
    if (r < 0) {
        disk_ring_free(ring);
        return r;
    }
    *ret = ring;
    return 0;
}

void disk_ring_free(struct disk_ring *ring)
{
    if (!ring)
        return;
    io_uring_queue_exit(&ring->uring);
    free(ring);
}

int disk_ring_fd(const struct disk_ring *ring)
{
    return ring->uring.ring_fd;
}

void disk_ring_add(struct disk_ring *ring, const struct disk_call *call, void *tag)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

    assert(sqe && !call->here);
    switch (call->kind) {
    case DISK_CALL_READ:
        io_uring_prep_readv(sqe, 0, call->iov, call->n, call->offset);
        break;
    case DISK_CALL_WRITE:
        io_uring_prep_writev(sqe, 0, call->iov, call->n, call->offset);
        break;
    case DISK_CALL_FLUSH:
        io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
        break;
    case DISK_CALL_ALLOCATE:
        io_uring_prep_fallocate(sqe, 0, call->mode, (off_t)call->offset, (off_t)call->length);
        break;
    case DISK_CALL_DISCARD: /* always made by the thread */
        break;
    }
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    io_uring_sqe_set_data(sqe, tag);
}

int disk_ring_submit(struct disk_ring *ring, bool wait)
{
    int r = 0;

    /* One bad entry makes the kernel take no more of them at once. */
    while (io_uring_sq_ready(&ring->uring) > 0 && r >= 0) {
        r = io_uring_submit(&ring->uring);
        if (r == -EINTR)
            r = 0;
    }
    if (wait && r >= 0 && io_uring_cq_ready(&ring->uring) == 0)
        r = io_uring_submit_and_wait(&ring->uring, 1);
    return r < 0 && r != -EINTR ? r : 0;
}

bool disk_ring_take(struct disk_ring *ring, void **ret_tag, int64_t *ret_answer)
{
    struct io_uring_cqe *cqe;

    if (io_uring_peek_cqe(&ring->uring, &cqe) != 0 || !cqe)
        return false;
    *ret_tag = io_uring_cqe_get_data(cqe);
    *ret_answer = cqe->res;
    io_uring_cqe_seen(&ring->uring, cqe);
    return true;
}
