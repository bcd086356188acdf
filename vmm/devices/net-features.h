/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The feature bits of virtio-net that concern packets (virtio 1.2, 5.1.3), in groups. */
#pragma once

#include <linux/virtio_net.h>

/* In newer kernels' headers than Debian 12's (virtio 1.3, 5.1.3). */
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO   56
#endif

#define NET_FEATURE(bit) (UINT64_C(1) << (bit))

/* What the driver can take, which is what TAP may leave to it. */
#define NET_FEATURES_GUEST                                                                         \
    (NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | NET_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |                 \
     NET_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | NET_FEATURE(VIRTIO_NET_F_GUEST_ECN))
#define NET_FEATURES_GUEST_USO                                                                     \
    (NET_FEATURE(VIRTIO_NET_F_GUEST_USO4) | NET_FEATURE(VIRTIO_NET_F_GUEST_USO6))

/* What the driver may leave to us, which is to the host's kernel. */
#define NET_FEATURES_HOST                                                                          \
    (NET_FEATURE(VIRTIO_NET_F_CSUM) | NET_FEATURE(VIRTIO_NET_F_HOST_TSO4) |                        \
     NET_FEATURE(VIRTIO_NET_F_HOST_TSO6) | NET_FEATURE(VIRTIO_NET_F_HOST_ECN))
