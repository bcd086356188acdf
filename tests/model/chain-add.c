/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One step of the walk, at the true sizes, from any chain that the steps before can have made: a
 * buffer is added whole or not at all; it is RAM, not empty, counted right, and the last one that
 * there is room for. By induction this holds for chains of every length.
 */
#include "virtqueue.h"

void model_stored(uint64_t offset, uint64_t size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    SHOW(false, "nothing is written");
}

/* What holds before the first step, and must hold after each: no counter can overflow. */
static bool is_sound(const struct virtqueue_chain *chain)
{
    return chain->n_out <= VIRTQUEUE_CHAIN_MAX && chain->n_in <= VIRTQUEUE_CHAIN_MAX &&
           chain->n_out + chain->n_in <= VIRTQUEUE_CHAIN_MAX &&
           chain->out_bytes <= chain->n_out * (uint64_t)UINT32_MAX &&
           chain->in_bytes <= chain->n_in * (uint64_t)UINT32_MAX &&
           chain->out_bytes >= chain->n_out && chain->in_bytes >= chain->n_in;
}

int main(void)
{
    static struct virtqueue_chain chain;
    struct vring_desc descriptor = {nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16()};
    bool writable = descriptor.flags & VRING_DESC_F_WRITE;

    any_memory();
    chain.n_out = nondet_u32();
    chain.n_in = nondet_u32();
    chain.out_bytes = nondet_u64();
    chain.in_bytes = nondet_u64();
    ASSUME(is_sound(&chain));
    unsigned n_out = chain.n_out, n_in = chain.n_in, n = n_out + n_in;
    uint64_t out = chain.out_bytes, in = chain.in_bytes;

    int r = chain_add(&chain, &memory, &descriptor);
    SHOW(r == 0 || r == -EPROTO, "a buffer is added, or the ring is broken");
    SHOW(is_sound(&chain), "the chain is sound after each step");
    if (r < 0) {
        SHOW(chain.n_out == n_out && chain.n_in == n_in && chain.out_bytes == out &&
                 chain.in_bytes == in,
             "nothing is added by halves");
        return 0;
    }
    SHOW(n < VIRTQUEUE_CHAIN_MAX, "there was room");
    SHOW(chain.n_out == n_out + (writable ? 0 : 1) && chain.n_in == n_in + (writable ? 1 : 0),
         "one buffer is counted, on its side");
    SHOW(chain.out_bytes == out + (writable ? 0 : descriptor.len) &&
             chain.in_bytes == in + (writable ? descriptor.len : 0),
         "its bytes are counted, on its side");
    SHOW(writable || n_in == 0, "what is read stands before what is written");
    SHOW(chain.iov[n].iov_len == descriptor.len && descriptor.len > 0, "it is not empty");
    SHOW(model_in_ram(chain.iov[n].iov_base, chain.iov[n].iov_len), "it is RAM, all of it");
    return 0;
}
