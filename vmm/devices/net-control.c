/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control virtqueue (virtio 1.2, 5.1.6.5): number of pairs, offloads, announcements. */
#include <endian.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm/devices/net-device.h"
#include "vmm/devices/tap.h"

enum {
    CONTROL_BATCH = 32, /* commands, before other descriptors have their turn */
    CONTROL_LOOKS = 4,  /* at a ring that seems empty */
};

/* A command: class and number, then as much as any command that we know has. */
struct control_command {
    struct virtio_net_ctrl_hdr header;
    union {
        uint16_t le16;
        uint64_t le64;
        uint8_t bytes[8];
    } data;
    size_t length; /* of the data, which may be more than is copied here */
};

/* Copies the command, once, out of the chain's first LIMIT bytes. False where it is none. */
static bool copy_command(const struct virtqueue_chain *chain, struct control_command *ret)
{
    uint8_t bytes[sizeof(ret->header) + sizeof(ret->data)] = {0};
    size_t done = 0;

    for (unsigned i = 0; i < chain->n_out && done < sizeof(bytes); i++) {
        size_t length = chain->iov[i].iov_len, left = sizeof(bytes) - done;
        size_t n = length < left ? length : left;

        memcpy(bytes + done, chain->iov[i].iov_base, n);
        done += n;
    }
    if (done < sizeof(ret->header))
        return false;
    memcpy(&ret->header, bytes, sizeof(ret->header));
    memcpy(&ret->data, bytes + sizeof(ret->header), sizeof(ret->data));
    ret->length = chain->out_bytes - sizeof(ret->header);
    return true;
}

/* 5.1.6.5.5 */
static int set_pairs(struct net *net, const struct control_command *command)
{
    if (command->header.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
        !virtio_device_has(&net->device, VIRTIO_NET_F_MQ) || command->length != sizeof(uint16_t))
        return -EINVAL;
    uint16_t n = le16toh(command->data.le16);
    if (n == net->n_active)
        return 0;
    net->changes--;
    return net_set_pairs(net, n);
}

/* 5.1.6.5.6: a subset of what was negotiated. */
static int set_offloads(struct net *net, const struct control_command *command)
{
    uint64_t accepted = net->device.state.accepted;
    uint64_t offloads = le64toh(command->data.le64);

    if (command->header.cmd != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
        !virtio_device_has(&net->device, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ||
        command->length != sizeof(uint64_t) ||
        (offloads & ~(accepted & (NET_FEATURES_GUEST | NET_FEATURES_GUEST_USO))))
        return -EINVAL;
    if (offloads == net->offloads)
        return 0;
    net->changes--;
    int r = tap_set_offloads(net->pairs[0]->tap_fd, offloads);
    if (r >= 0)
        net->offloads = offloads;
    return r;
}

/* 5.1.6.5.4 */
static int acknowledge_announcement(struct net *net, const struct control_command *command)
{
    if (command->header.cmd != VIRTIO_NET_CTRL_ANNOUNCE_ACK ||
        !virtio_device_has(&net->device, VIRTIO_NET_F_GUEST_ANNOUNCE))
        return -EINVAL;
    net_set_status_bits(net, VIRTIO_NET_S_ANNOUNCE, false);
    return 0;
}

static int obey(struct net *net, const struct control_command *command)
{
    switch (command->header.class) {
    case VIRTIO_NET_CTRL_MQ:
        return set_pairs(net, command);
    case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
        return set_offloads(net, command);
    case VIRTIO_NET_CTRL_ANNOUNCE:
        return acknowledge_announcement(net, command);
    default:
        return -EOPNOTSUPP;
    }
}

/* One command and its answer, the byte after it. -EPROTO where there is no room for that. */
static int serve(struct net *net, struct virtqueue *queue)
{
    struct virtqueue_chain *chain = &net->command;
    struct control_command command;

    if (chain->in_bytes == 0)
        return -EPROTO;
    bool ok = copy_command(chain, &command) && obey(net, &command) >= 0;
    *(volatile uint8_t *)chain->iov[chain->n_out].iov_base = ok ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    virtqueue_push(queue, chain->head, 1);
    return 0;
}

static void control_kicked(struct event_source *source, uint32_t events)
{
    struct net *net = container_of(source, struct net, control_kick);
    struct virtio_device *device = &net->device;
    unsigned number = net_control_queue(net), served = 0, looks = 0;
    struct virtqueue *queue = &device->queues[number];
    eventfd_t count;
    int r;

    (void)events;
    (void)eventfd_read(source->fd, &count);
    if (!device->running)
        return;
    if (net->changes == 0) /* the next tick comes back to it */
        return;
    virtqueue_disable_notification(queue);
    do {
        while ((r = served < CONTROL_BATCH && net->changes > 0 ? virtqueue_pop(queue, &net->command)
                                                               : -EAGAIN) == 1) {
            r = serve(net, queue);
            if (r < 0)
                break;
            served++;
        }
    } while (r == 0 && virtqueue_enable_notification(queue) && ++looks < CONTROL_LOOKS);
    if (virtqueue_must_signal(queue))
        device->transport.signal_queue(device->transport.context, number);
    if (r == -EAGAIN || looks == CONTROL_LOOKS)
        (void)eventfd_write(source->fd, 1);
    else if (r < 0)
        virtio_device_fault(device, "a control command is broken");
}

int net_control_start(struct net *net)
{
    unsigned number = net_control_queue(net);

    if (!virtio_device_has(&net->device, VIRTIO_NET_F_CTRL_VQ) ||
        !net->device.queues[number].state.enabled)
        return 0;
    net->control_kick =
        (struct event_source){.fd = net->device.kick[number], .ready = control_kicked};
    return event_loop_add(&net->device.worker.loop, &net->control_kick, EPOLLIN);
}

void net_control_stop(struct net *net)
{
    if (net->control_kick.fd >= 0)
        event_loop_remove(&net->device.worker.loop, &net->control_kick);
    net->control_kick.fd = -EBADF;
}
