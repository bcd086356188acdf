/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disk-check write DEVICE RUN : writes blocks all over DEVICE, several processes at a time, flushes
 * now and then, and says "PROCESS N" for each flush: what it wrote up to number N is stable. Never
 * ends. disk-check verify DEVICE RUN N… : N is the last that was heard of each process; says
 * "VERIFIED BLOCKS", or "LOST …" and fails.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

enum { PROCESSES = 4, BATCH = 8, BLOCK = 4096, BLOCKS_MAX = 4096 };

struct block {
    uint64_t run, process, number, index, check;
    uint64_t filling[BLOCK / 8 - 5];
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    return x * 0xbf58476d1ce4e5b9u;
}

/* Where a process puts its block of this number; each has a part of the disk to itself. */
static uint64_t place(uint64_t run, uint64_t process, uint64_t number, uint64_t blocks)
{
    return process * blocks + (mix(run * 1000003 + process * 8191 + number) >> 20) % blocks;
}

static void fill(struct block *block, uint64_t run, uint64_t process, uint64_t number,
                 uint64_t index)
{
    uint64_t value = mix(run ^ process << 8 ^ number << 16 ^ index << 40);

    *block = (struct block){run, process, number, index, value, {0}};
    for (unsigned i = 0; i < BLOCK / 8 - 5; i++)
        block->filling[i] = value = mix(value + i);
}

static int write_on(int fd, uint64_t run, uint64_t process, uint64_t blocks)
{
    static struct block block;
    char line[64];

    for (uint64_t number = 1;; number++) {
        uint64_t index = place(run, process, number, blocks);

        fill(&block, run, process, number, index);
        if (pwrite(fd, &block, BLOCK, (off_t)(index * BLOCK)) != BLOCK)
            return 1;
        if (number % BATCH != 0)
            continue;
        if (fsync(fd) < 0)
            return 1;
        int n = snprintf(line, sizeof(line), "%d %llu\n", (int)process, (unsigned long long)number);
        if (write(STDOUT_FILENO, line, (size_t)n) != n)
            return 1;
    }
}

static int write_all(int fd, uint64_t run, uint64_t blocks)
{
    for (unsigned process = 1; process < PROCESSES; process++)
        if (fork() == 0)
            return write_on(fd, run, process, blocks);
    return write_on(fd, run, 0, blocks);
}

/* One process's part. How many blocks are good; -1 where one is not. */
static long verify(int fd, uint64_t run, uint64_t process, uint64_t last, uint64_t blocks)
{
    static uint64_t newest[BLOCKS_MAX];
    static struct block block, wanted;
    long good = 0;

    memset(newest, 0, sizeof(newest));
    for (uint64_t number = 1; number <= last; number++)
        newest[place(run, process, number, blocks) - process * blocks] = number;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t index = process * blocks + i;

        if (newest[i] == 0)
            continue;
        if (pread(fd, &block, BLOCK, (off_t)(index * BLOCK)) != BLOCK)
            return -1;
        fill(&wanted, run, process, block.number, index);
        if (memcmp(&block, &wanted, BLOCK) != 0 || block.number < newest[i] ||
            place(run, process, block.number, blocks) != index) {
            printf("LOST process %u block %llu: number %llu, not %llu or later\n",
                   (unsigned)process, (unsigned long long)index, (unsigned long long)block.number,
                   (unsigned long long)newest[i]);
            return -1;
        }
        good++;
    }
    return good;
}

int main(int argc, char **argv)
{
    uint64_t size = 0, run;
    long good = 0;

    if (argc < 4)
        return 2;
    int writing = strcmp(argv[1], "write") == 0;
    int fd = open(argv[2], writing ? O_RDWR : O_RDONLY);
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0)
        return 1;
    uint64_t blocks = size / BLOCK / PROCESSES;
    if (blocks > BLOCKS_MAX)
        blocks = BLOCKS_MAX;
    run = strtoull(argv[3], NULL, 10);
    if (writing)
        return write_all(fd, run, blocks);
    for (int process = 0; process < PROCESSES && process + 4 < argc; process++) {
        long n = verify(fd, run, (uint64_t)process, strtoull(argv[process + 4], NULL, 10), blocks);

        if (n < 0)
            return 1;
        good += n;
    }
    printf("VERIFIED %ld\n", good);
    return 0;
}
