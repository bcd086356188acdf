/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens an image or a block device, for one writer or several readers, and learns its shape. */
#include "vmm/devices/disk-image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/log.h"

enum {
    FILE_PHYSICAL_SIZE = 4096, /* what file systems allocate */
    PROBE_ALIGNMENT = 4096,
    LOCK_TRIES = 15,
    LOCK_WAIT_USEC = 20000,
};

static int open_file(const struct disk_settings *settings,
                     const struct device_environment *environment)
{
    if (strncmp(settings->file, "fd:", 3) == 0)
        return environment->take_fd(environment->context, settings->file + 3);
    /* On a block device, and only there, O_EXCL keeps mounts and other exclusive users away. */
    int flags = settings->readonly ? O_RDONLY : O_RDWR | O_EXCL;
    int fd = open(settings->file, flags | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return log_errno(-errno, "Cannot open the disk '%s': %s%m", settings->file,
                         errno == EBUSY ? "the host or another VM uses it: " : "");
    return fd;
}

/*
 * A lock of the open file description: it goes where the descriptor goes. An io_uring is taken
 * apart a moment after its process has ended, when all that it began is done; the lock is held
 * until then.
 */
static int lock_file(const struct disk_image *image, const struct disk_settings *settings)
{
    struct flock lock = {.l_type = settings->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    int r;

    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        if (i > 0)
            (void)usleep(LOCK_WAIT_USEC);
        r = fcntl(image->fd, F_OFD_SETLK, &lock);
        if (r == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            break;
    }
    if (errno == EAGAIN || errno == EACCES)
        return log_errno(-EBUSY, "Disk '%s': '%s' is in use by another VM or program: it is locked",
                         settings->id, settings->file);
    log_warning("Disk '%s': '%s' cannot be locked (%m): nothing keeps a second VM from it",
                settings->id, settings->file);
    return 0;
}

static int check_access(const struct disk_image *image, const struct disk_settings *settings)
{
    int flags = fcntl(image->fd, F_GETFL);

    if (flags < 0)
        return log_errno(-errno, "Disk '%s': '%s' cannot be used: %m", settings->id,
                         settings->file);
    int mode = flags & O_ACCMODE;
    if (mode != O_RDWR && (mode != O_RDONLY || !settings->readonly))
        return log_errno(-EBADF, "Disk '%s': '%s' is not open for %s", settings->id, settings->file,
                         settings->readonly ? "reading" : "reading and writing");
    return 0;
}

static int measure_device(struct disk_image *image, uint64_t *ret_size)
{
    unsigned physical = 0, min = 0, best = 0;
    unsigned short at_once = 0; /* sectors */
    int logical = 0;

    if (ioctl(image->fd, BLKGETSIZE64, ret_size) < 0 || ioctl(image->fd, BLKSSZGET, &logical) < 0)
        return -errno;
    (void)ioctl(image->fd, BLKPBSZGET, &physical);
    (void)ioctl(image->fd, BLKIOMIN, &min);
    (void)ioctl(image->fd, BLKIOOPT, &best);
    (void)ioctl(image->fd, BLKSECTGET, &at_once);
    if (logical < DISK_SECTOR_SIZE || logical > 65536 || (logical & (logical - 1)) != 0)
        return -EINVAL;
    image->block_device = true;
    image->block_size = (uint32_t)logical;
    image->physical_size = physical;
    image->min_io = min;
    image->best_io = best;
    image->at_once = (uint32_t)at_once << DISK_SECTOR_SHIFT;
    return 0;
}

static uint64_t sectors_of(const struct disk_image *image, uint64_t size)
{
    return size / image->block_size * (image->block_size >> DISK_SECTOR_SHIFT);
}

static int measure(struct disk_image *image, const struct disk_settings *settings)
{
    struct stat st;
    uint64_t size = 0;
    int r = fstat(image->fd, &st) < 0 ? -errno : 0;

    if (r >= 0 && S_ISBLK(st.st_mode)) {
        r = measure_device(image, &size);
    } else if (r >= 0 && S_ISREG(st.st_mode)) {
        size = (uint64_t)st.st_size;
        image->block_size = DISK_SECTOR_SIZE;
        image->physical_size = FILE_PHYSICAL_SIZE;
    } else if (r >= 0) {
        return log_errno(-EINVAL, "Disk '%s': '%s' is neither a file nor a block device",
                         settings->id, settings->file);
    }
    if (r < 0)
        return log_errno(r, "Disk '%s': '%s' cannot be measured: %s", settings->id, settings->file,
                         strerror(-r));
    image->sectors = sectors_of(image, size);
    if (image->sectors == 0)
        return log_errno(-EINVAL,
                         "Disk '%s': '%s' is empty; give it a size: truncate --size=10G FILE",
                         settings->id, settings->file);
    if (size % image->block_size != 0)
        log_notice("Disk '%s': the size of '%s' is no multiple of %u: the guest does not see the "
                   "last %u bytes",
                   settings->id, settings->file, image->block_size,
                   (unsigned)(size % image->block_size));
    return 0;
}

/* A trial: kernels before 6.1 do not tell what O_DIRECT wants. */
static int try_direct(const struct disk_image *image)
{
    _cleanup_free_ void *buffer = aligned_alloc(PROBE_ALIGNMENT, 65536);
    int flags = fcntl(image->fd, F_GETFL);

    if (!buffer)
        return -ENOMEM;
    if (flags < 0 || fcntl(image->fd, F_SETFL, flags | O_DIRECT) < 0)
        return -errno;
    if (pread(image->fd, (uint8_t *)buffer + image->block_size, image->block_size, 0) >= 0)
        return 0;
    int r = -errno;
    (void)fcntl(image->fd, F_SETFL, flags);
    return r;
}

int disk_image_init(struct disk_image *image, const struct disk_settings *settings,
                    const struct device_environment *environment)
{
    *image =
        (struct disk_image){.fd = open_file(settings, environment), .readonly = settings->readonly};
    int r = image->fd < 0 ? image->fd : check_access(image, settings);

    if (r >= 0)
        r = measure(image, settings);
    if (r >= 0)
        r = lock_file(image, settings);
    if (r >= 0 && settings->cache == DISK_CACHE_NONE) {
        int no = try_direct(image);

        image->direct = no >= 0;
        if (no < 0)
            log_notice("Disk '%s': '%s' cannot be used without the host's page cache: %s; falling "
                       "back to cache=writeback",
                       settings->id, settings->file, strerror(-no));
    }
    if (!image->direct)
        image->at_once = 0;
    if (r < 0)
        disk_image_done(image);
    return r;
}

void disk_image_done(struct disk_image *image)
{
    image->fd = close_fd(image->fd);
}

int disk_image_measure_again(const struct disk_image *image, uint64_t *ret_sectors)
{
    /* For files and devices alike; nothing here goes by the file position. */
    off_t size = lseek(image->fd, 0, SEEK_END);

    if (size < 0)
        return -errno;
    *ret_sectors = sectors_of(image, (uint64_t)size);
    return 0;
}

bool disk_image_covers(const struct disk_image *image, uint64_t sector, uint64_t length)
{
    uint64_t sectors = length >> DISK_SECTOR_SHIFT, all = atomic_load(&image->sectors);
    uint32_t sectors_per_block = image->block_size >> DISK_SECTOR_SHIFT;

    return length % image->block_size == 0 && sector % sectors_per_block == 0 && sectors <= all &&
           sector <= all - sectors;
}
