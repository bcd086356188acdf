// SPDX-License-Identifier: LGPL-2.1-or-later
/* Running nftables commands by libnftables, which is loaded when it is needed. */
#include "generator/nftables.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libnftables.so.1"

/* What of nftables/libnftables.h is used: few VMs need the library, and no build does. */
struct nft_ctx;
struct library {
    struct nft_ctx *(*ctx_new)(uint32_t flags);
    void (*ctx_free)(struct nft_ctx *ctx);
    int (*buffer_error)(struct nft_ctx *ctx);
    const char *(*error)(struct nft_ctx *ctx);
    int (*run)(struct nft_ctx *ctx, const char *commands);
};

static bool library_load(void *handle, struct library *ret)
{
    const struct {
        void *function;
        const char *name;
    } symbols[] = {
        {&ret->ctx_new, "nft_ctx_new"},
        {&ret->ctx_free, "nft_ctx_free"},
        {&ret->buffer_error, "nft_ctx_buffer_error"},
        {&ret->error, "nft_ctx_get_error_buffer"},
        {&ret->run, "nft_run_cmd_from_buffer"},
    };

    for (size_t i = 0; i < ELEMENTSOF(symbols); i++) {
        void *address = dlsym(handle, symbols[i].name);

        if (!address)
            return false;
        memcpy(symbols[i].function, &address, sizeof(address));
    }
    return true;
}

static int explain(char **ret_why, int r, const char *text)
{
    *ret_why = strdup(text);
    return r;
}

int nftables_run(const char *commands, char **ret_why)
{
    /* It is not unloaded: what else it brought along may not take that well. */
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    struct library library;
    struct nft_ctx *ctx;
    int r = 0;

    if (!handle || !library_load(handle, &library))
        return explain(ret_why, -EOPNOTSUPP,
                       LIBRARY " cannot be loaded: install nftables (libnftables1 on Debian)");
    ctx = library.ctx_new(0);
    if (!ctx)
        return -ENOMEM;
    if (library.buffer_error(ctx) != 0)
        r = -ENOMEM;
    else if (library.run(ctx, commands) != 0)
        r = explain(ret_why, -EINVAL, library.error(ctx));
    library.ctx_free(ctx);
    return r;
}
