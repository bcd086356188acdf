/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk whose driver asks for anything: the image is what a model of it says, and nothing is
 * written outside of the buffers that are the device's to write. */
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vmm/driver.h"
#include "vmm/devices/disk-request.h"

enum {
    IMAGE_SIZE = 64 * 1024,
    REQUESTS_MAX = 32,
    PIECES_MAX = 8,
    WINDOW = 0x80000, /* from DESCRIPTORS on: all that requests are made of */
};

static int image = -EBADF;
static uint8_t *on_disk, model[IMAGE_SIZE];
static struct disk *disk;
static struct driver *driver;

static int take_fd(void *context _unused_, const char *name _unused_)
{
    return fcntl(image, F_DUPFD_CLOEXEC, 3);
}

static void make_world(void)
{
    struct virtio_device *device;

    MUST((driver = driver_new(256)));
    image = memfd_create("image", MFD_CLOEXEC);
    MUST(image >= 0 && ftruncate(image, IMAGE_SIZE) == 0);
    on_disk = mmap(NULL, IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, image, 0);
    MUST(on_disk != MAP_FAILED);
    const struct device_environment environment = {.memory = &driver->memory, .take_fd = take_fd};
    MUST(disk_create("root,file=fd:disk,engine=sync", &environment, &device) == 0);
    disk = disk_of(device);
}

/* One chain: a header, which may be cut, pieces either way, and most often a status. */
static void describe(struct input *input)
{
    static const uint32_t types[] = {VIRTIO_BLK_T_IN,      VIRTIO_BLK_T_OUT,
                                     VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
                                     VIRTIO_BLK_T_FLUSH,   VIRTIO_BLK_T_GET_ID};
    uint8_t kind = input_8(input), shape = input_8(input);
    struct virtio_blk_outhdr header = {
        .type = kind < 0xf0 ? types[kind % ELEMENTSOF(types)] : input_32(input),
        .sector = shape & 1 ? input_64(input) : input_8(input),
    };
    uint16_t n = 0;
    unsigned pieces = (shape >> 1) % PIECES_MAX;

    (void)guest_memory_write(&driver->memory, TABLE, &header, sizeof(header));
    driver_describe(driver, n++, TABLE, shape & 0x80 ? input_8(input) % 40u + 1 : 16,
                    VRING_DESC_F_NEXT, 1);
    for (unsigned i = 0; i < pieces; i++) {
        uint8_t size = input_8(input), where = input_8(input);
        struct virtio_blk_discard_write_zeroes range = {
            .sector = where & 1 ? input_64(input) : input_8(input) % 140u,
            .num_sectors = where & 2 ? input_32(input) : input_8(input),
            .flags = where & 4 ? input_8(input) : 0};
        uint64_t address = DATA + where * 256u;

        (void)guest_memory_write(&driver->memory, address, &range, sizeof(range));
        driver_describe(driver, n, address, size & 1 ? (size >> 1) * 512u + 1u : size * 8u + 16u,
                        (uint16_t)(VRING_DESC_F_NEXT | (size & 2 ? VRING_DESC_F_WRITE : 0)),
                        (uint16_t)(n + 1));
        n++;
    }
    driver_describe(driver, n, TABLE + 64, (shape & 0x40) ? 1 + input_8(input) * 4u : 1,
                    shape & 0x20 ? 0 : VRING_DESC_F_WRITE, 0);
    driver_offer(driver, 0);
}

/* What the chain has for the device to read, behind the header. */
static size_t gather(const struct virtqueue_chain *chain, struct virtio_blk_outhdr *ret_header,
                     uint8_t *ret, size_t size)
{
    static uint8_t all[1 << 20];
    size_t length = 0;

    for (unsigned i = 0; i < chain->n_out && length + chain->iov[i].iov_len <= sizeof(all); i++) {
        memcpy(all + length, chain->iov[i].iov_base, chain->iov[i].iov_len);
        length += chain->iov[i].iov_len;
    }
    if (length < sizeof(*ret_header))
        return 0;
    memcpy(ret_header, all, sizeof(*ret_header));
    length -= sizeof(*ret_header);
    memcpy(ret, all + sizeof(*ret_header), length < size ? length : size);
    return length;
}

/* Does to the model what was acknowledged. */
static void apply(const struct virtio_blk_outhdr *header, const uint8_t *data, size_t length)
{
    const struct virtio_blk_discard_write_zeroes *ranges = (const void *)data;

    if (header->type == VIRTIO_BLK_T_OUT) {
        MUST(header->sector * 512 <= IMAGE_SIZE && length <= IMAGE_SIZE - header->sector * 512);
        memcpy(model + header->sector * 512, data, length);
    }
    for (size_t i = 0;
         (header->type == VIRTIO_BLK_T_DISCARD || header->type == VIRTIO_BLK_T_WRITE_ZEROES) &&
         i < length / sizeof(*ranges);
         i++) {
        MUST(ranges[i].sector <= IMAGE_SIZE / 512 &&
             ranges[i].num_sectors <= IMAGE_SIZE / 512 - ranges[i].sector);
        memset(model + ranges[i].sector * 512, 0, ranges[i].num_sectors * 512);
    }
}

static bool may_write(const struct virtqueue_chain *chain, const uint8_t *p)
{
    for (unsigned i = chain->n_out; i < chain->n_out + chain->n_in; i++) {
        const uint8_t *begin = chain->iov[i].iov_base;

        if (p >= begin && p < begin + chain->iov[i].iov_len)
            return true;
    }
    return false;
}

static void check_window(const struct virtqueue_chain *chain, const uint8_t *before,
                         const uint8_t *now)
{
    for (size_t page = 0; page < WINDOW; page += 4096)
        if (memcmp(before + page, now + page, 4096) != 0)
            for (size_t i = page; i < page + 4096; i++)
                MUST(before[i] == now[i] || may_write(chain, now + i));
}

/* What the host answers to a call: most often that it is done, but it may do less, or fail. */
static int64_t answer(struct input *input, const struct disk_call *call, bool *failed, bool *partly)
{
    static const int errors[] = {EIO, ENOSPC, EOPNOTSUPP, ECANCELED};
    uint8_t how = input_8(input);
    struct disk_call less = *call;
    struct iovec first;

    if (how < 0xc0)
        return disk_call_make(call, &disk->image);
    if (how >= 0xf0) {
        *partly = true;
        *failed = *failed || call->kind != DISK_CALL_ALLOCATE || how % 4 != 2;
        return -errors[how % 4];
    }
    if (call->kind == DISK_CALL_READ || call->kind == DISK_CALL_WRITE) {
        first = (struct iovec){call->iov->iov_base, 1 + how * 3u % call->iov->iov_len};
        less.iov = &first;
        less.n = 1;
    }
    return disk_call_make(&less, &disk->image);
}

static void serve(struct input *input)
{
    static struct disk_request request;
    static struct virtqueue_chain before;
    static uint8_t window[WINDOW], data[IMAGE_SIZE] __attribute__((aligned(8)));
    struct virtio_blk_outhdr header = {0};
    bool failed = false, partly = false;

    if (virtqueue_pop(&driver->queue, &request.chain) != 1)
        return;
    before = request.chain;
    size_t length = gather(&before, &header, data, sizeof(data));
    const uint8_t *memory = guest_memory_at(&driver->memory, DESCRIPTORS, WINDOW);
    memcpy(window, memory, WINDOW);
    int r = disk_request_begin(&request, disk, NULL);
    while (r > 0)
        r = disk_request_next(&request, disk,
                              answer(input, &request.transfer.call, &failed, &partly));
    MUST(r == 0 || (r == -EPROTO && (before.out_bytes < 16 || before.in_bytes < 1)));
    MUST(r < 0 || request.length <= before.in_bytes);
    check_window(&before, window, memory);
    const struct iovec *last = &before.iov[before.n_out + before.n_in - 1];
    uint8_t status = r == 0 ? ((uint8_t *)last->iov_base)[last->iov_len - 1] : VIRTIO_BLK_S_IOERR;
    MUST(!failed || status != VIRTIO_BLK_S_OK);
    if (status == VIRTIO_BLK_S_OK)
        apply(&header, data, length);
    else if (partly) /* how far it came is nobody's business */
        memcpy(model, on_disk, IMAGE_SIZE);
    MUST(memcmp(model, on_disk, IMAGE_SIZE) == 0);
    MUST(lseek(image, 0, SEEK_END) == IMAGE_SIZE);
    if (r == 0)
        virtqueue_push(&driver->queue, request.chain.head, request.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};

    if (!driver)
        make_world();
    memset(on_disk, 0x5a, IMAGE_SIZE);
    memset(model, 0x5a, IMAGE_SIZE);
    memset(driver->descriptors, 0, 4096);
    memset(driver->available, 0, 4096);
    memset(driver->used, 0, 4096);
    driver->queue.state.last_available = driver->queue.state.next_used = 0;
    MUST(virtqueue_start(&driver->queue, false) == 0);
    disk->device.state.accepted = UINT64_C(1) << VIRTIO_BLK_F_FLUSH;
    for (unsigned i = 0; i < REQUESTS_MAX && input.size > 0; i++) {
        describe(&input);
        serve(&input);
    }
    return 0;
}
