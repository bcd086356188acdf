/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mergeable receive buffers and offloads (virtio 1.2, 5.1.6), with packets through a real TAP
 * interface. Without TAP interfaces this exits 77: not run, which is not passed.
 */
#include "net-world.h"

enum { FRAME = 3000 };

#define MERGING_FEATURES  (PLAIN_FEATURES | NET_FEATURE(VIRTIO_NET_F_MRG_RXBUF))
#define OFFLOADS_FEATURES (MERGING_FEATURES | NET_FEATURES_GUEST | NET_FEATURES_HOST)

static int setup_merging(void **state)
{
    return world_new(state, 1, MERGING_FEATURES);
}

static int setup_offloads(void **state)
{
    return world_new(state, 1, OFFLOADS_FEATURES);
}

/* The packet that fills used elements FIRST to FIRST + N - 1, put together; its length. */
static size_t gather(struct world *world, uint16_t first, unsigned n, uint8_t *ret)
{
    size_t length = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct vring_used_elem *element = &world->receive->used->ring[first + i];
        const struct vring_desc *descriptor = &world->receive->descriptors[element->id];

        assert_true(element->len <= descriptor->len);
        assert_int_equal(
            guest_memory_read(&world->memory, descriptor->addr, ret + length, element->len), 0);
        length += element->len;
    }
    return length;
}

static void offer_many(struct world *world, uint16_t first, uint16_t n, uint32_t size)
{
    for (uint16_t i = 0; i < n; i++)
        (void)offer_to(world, 0, (uint16_t)(first + i), size);
    kick(world, 0);
}

static void check_packet(struct world *world, uint16_t first, uint16_t n, size_t length,
                         uint8_t mark)
{
    uint8_t packet[8192], expected[4096];
    struct virtio_net_hdr_v1 header;

    assert_int_equal(gather(world, first, n, packet), HEADER + length);
    memcpy(&header, packet, sizeof(header));
    assert_int_equal(header.num_buffers, n);
    assert_int_equal(header.flags, 0);
    tap_host_frame(expected, length, mark);
    assert_memory_equal(packet + HEADER, expected, length);
}

static void test_frame_fills_several_buffers(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, 200, 700);
    assert_int_equal(tap_host_send(&world->host, FRAME, 1), 0); /* five buffers */
    assert_true(wait_used(world->receive, 5));
    check_packet(world, 0, 5, FRAME, 1);
    assert_int_equal(tap_host_send(&world->host, 60, 2), 0);
    assert_true(wait_used(world->receive, 6));
    check_packet(world, 5, 1, 60, 2);
    assert_int_equal(tap_host_send(&world->host, 688, 3), 0); /* exactly one */
    assert_true(wait_used(world->receive, 7));
    check_packet(world, 6, 1, 688, 3);
    assert_int_equal(tap_host_send(&world->host, 689, 4), 0); /* a byte more */
    assert_true(wait_used(world->receive, 9));
    check_packet(world, 7, 2, 689, 4);
}

/* A header that lies across buffers is written all the same. */
static void test_buffers_smaller_than_the_header(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, 100, 5);
    assert_int_equal(tap_host_send(&world->host, 60, 7), 0);
    assert_true(wait_used(world->receive, (HEADER + 60 + 4) / 5));
    check_packet(world, 0, (HEADER + 60 + 4) / 5, 60, 7);
}

/* A packet that has begun to fill too few buffers goes on when there are more. */
static void test_packet_waits_for_more_buffers(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, 2, 700);
    assert_int_equal(tap_host_send(&world->host, FRAME, 1), 0);
    assert_int_equal(tap_host_send(&world->host, 100, 2), 0);
    (void)usleep(20000);
    assert_int_equal(world->receive->used->idx, 0);
    offer_many(world, 2, 1, 700);
    (void)usleep(20000);
    assert_int_equal(world->receive->used->idx, 0);
    offer_many(world, 3, 2, 700);
    assert_true(wait_used(world->receive, 5));
    check_packet(world, 0, 5, FRAME, 1);
    offer_many(world, 5, 1, 700);
    assert_true(wait_used(world->receive, 6));
    check_packet(world, 5, 1, 100, 2);
}

/* Also when no other packet comes after it. */
static void test_last_packet_waits_for_more_buffers(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, 2, 700);
    (void)usleep(20000);
    assert_int_equal(tap_host_send(&world->host, FRAME, 1), 0);
    (void)usleep(20000);
    offer_many(world, 2, 18, 700);
    assert_true(wait_used(world->receive, 5));
    check_packet(world, 0, 5, FRAME, 1);
}

/* What the whole ring cannot hold is lost, and what comes after it is not. */
static void test_packet_larger_than_the_ring_is_lost(void **state)
{
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, NET_QUEUE_SIZE, 8);
    assert_int_equal(tap_host_send(&world->host, FRAME, 1), 0);
    assert_int_equal(tap_host_send(&world->host, 60, 2), 0);
    assert_true(wait_used(world->receive, (HEADER + 60) / 8));
    check_packet(world, 0, (HEADER + 60) / 8, 60, 2);
}

/* A driver that is loaded anew gets none of what its predecessor was to get. */
static void test_reset_forgets_the_rest_of_a_packet(void **state)
{
    static const struct virtio_net_hdr_v1 none;
    struct world *world = *state;

    bring_up(world, 2);
    offer_many(world, 0, 2, 700);
    assert_int_equal(tap_host_send(&world->host, FRAME, 1), 0);
    /* The same thread sends; by the second time it has come to the frame, too. */
    for (uint16_t i = 1; i <= 2; i++) {
        transmit_on(world, 1, 60, (uint8_t)i, &none);
        kick(world, 1);
        assert_true(wait_used(world->transmit, i));
    }
    set_status(world, 0);
    assert_true(wait_status(world, 0));
    bring_up(world, 2);
    offer_many(world, 0, 8, 700);
    assert_int_equal(tap_host_send(&world->host, 100, 2), 0);
    assert_true(wait_used(world->receive, 1));
    check_packet(world, 0, 1, 100, 2);
}

/* The host takes a packet whose checksum the driver left to it. */
static void test_header_with_a_checksum_is_passed_on(void **state)
{
    struct world *world = *state;
    const struct virtio_net_hdr_v1 header = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    uint8_t frame[60], seen[4096];

    bring_up(world, 2);
    transmit_on(world, 1, sizeof(frame), 0, &header);
    assert_int_equal(guest_memory_read(&world->memory, data_of(1) + HEADER, frame, 60), 0);
    kick(world, 1);
    assert_true(wait_used(world->transmit, 1));
    ssize_t n = recv(world->host.socket, seen, sizeof(seen), 0);
    assert_true(n >= 60);
    /* Zeroes sum up to ffff, which a socket without PACKET_VNET_HDR may be spared to see. */
    assert_memory_equal(seen, frame, 14);
}

/* A header that makes no sense costs the packet, and nothing else. */
static void test_senseless_headers(void **state)
{
    static const struct virtio_net_hdr_v1 headers[] = {
        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535},
        {.gso_type = 0x77, .gso_size = 1},
        {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0},
        {.flags = 0xff, .gso_type = 0xff, .hdr_len = 0xffff, .gso_size = 0xffff},
    };
    static const struct virtio_net_hdr_v1 none;
    struct world *world = *state;

    bring_up(world, 2);
    for (uint16_t i = 0; i < ELEMENTSOF(headers); i++) {
        transmit_on(world, 1, 200, 1, &headers[i]);
        kick(world, 1);
        assert_true(wait_used(world->transmit, (uint16_t)(i + 1)));
    }
    transmit_on(world, 1, 90, 5, &none);
    kick(world, 1);
    assert_true(wait_used(world->transmit, ELEMENTSOF(headers) + 1));
    assert_true(tap_host_receive(&world->host, 90, 5));
}

/* A device that passes no header on: a driver cannot have the host write into its frames. */
static void test_without_offloads_no_header_is_passed_on(void **state _unused_)
{
    struct guest_memory memory;
    const struct device_environment environment = {.memory = &memory, .take_fd = world_no_fd};
    struct virtio_device *device;
    struct tap_host host;

    assert_int_equal(guest_memory_init(&memory, 16 * MIB), 0);
    assert_int_equal(tap_host_init(&host, "vtest3", false), 0);
    assert_int_equal(net_create("eth0,tap=vtest3,offloads=no", &environment, &device), 0);
    assert_int_equal(
        device->state.offered & (NET_FEATURES_HOST | NET_FEATURE(VIRTIO_NET_F_HOST_USO)), 0);
    assert_true(device->state.offered & NET_FEATURE(VIRTIO_NET_F_GUEST_CSUM));
    device->type->destroy(device);
    tap_host_done(&host);
    guest_memory_done(&memory);
}

int main(void)
{
#define MERGING(f)  cmocka_unit_test_setup_teardown(f, setup_merging, world_free)
#define OFFLOADS(f) cmocka_unit_test_setup_teardown(f, setup_offloads, world_free)
    static const struct CMUnitTest tests[] = {
        MERGING(test_frame_fills_several_buffers),
        MERGING(test_buffers_smaller_than_the_header),
        MERGING(test_packet_waits_for_more_buffers),
        MERGING(test_last_packet_waits_for_more_buffers),
        MERGING(test_packet_larger_than_the_ring_is_lost),
        MERGING(test_reset_forgets_the_rest_of_a_packet),
        OFFLOADS(test_header_with_a_checksum_is_passed_on),
        OFFLOADS(test_senseless_headers),
        cmocka_unit_test(test_without_offloads_no_header_is_passed_on),
    };

    if (tap_host_enter() < 0) {
        fprintf(stderr, "not run: cannot make TAP interfaces here: %m\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
