// SPDX-License-Identifier: LGPL-2.1-or-later
/* The text for systemd-networkd, against tests/golden/network. With VOLT_GOLDEN_UPDATE set the
 * files there are written anew: look at `git diff` then. */
#include "generator/network-text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

static char *read_all(const char *path)
{
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    char *text = calloc(1, 8192);

    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, 8191, f) < 8191);
    return text;
}

static void compare(const char *file, const char *text)
{
    _cleanup_free_ char *expected = NULL;
    char path[512];

    (void)snprintf(path, sizeof(path), GOLDEN_DIR "/%s", file);
    if (getenv("VOLT_GOLDEN_UPDATE")) {
        _cleanup_fclose_ FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        return;
    }
    expected = read_all(path);
    assert_string_equal(text, expected);
}

static void check(const char *name, const char *argument, enum network_port port)
{
    _cleanup_free_ char *error = NULL, *netdev = NULL, *network = NULL;
    char file[64];
    struct nic nic;
    size_t size;
    FILE *f;

    assert_int_equal(nic_parse(argument, &nic, &error), 0);
    f = open_memstream(&netdev, &size);
    network_text_netdev(f, UUID, &nic);
    (void)fclose(f);
    f = open_memstream(&network, &size);
    network_text_network(f, UUID, &nic, port);
    (void)fclose(f);
    (void)snprintf(file, sizeof(file), "%s.netdev", name);
    compare(file, netdev);
    (void)snprintf(file, sizeof(file), "%s.network", name);
    compare(file, network);
}

static void test_bridged(void **state _unused_)
{
    check("bridged", "eth0,tap=tap-6ba7b810,bridge=br0", NETWORK_PORT_NETWORKD);
}

static void test_multiqueue(void **state _unused_)
{
    check("multiqueue", "lan,tap=tap-6ba7b810-1,bridge=br0,mtu=9000,queues=4",
          NETWORK_PORT_NETWORKD);
}

static void test_foreign_bridge(void **state _unused_)
{
    check("foreign-bridge", "eth0,tap=tap-6ba7b810,bridge=virbr0,mtu=1500", NETWORK_PORT_FOREIGN);
}

static void test_no_bridge(void **state _unused_)
{
    check("no-bridge", "eth0,tap=tap-6ba7b810", NETWORK_PORT_NETWORKD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bridged),
        cmocka_unit_test(test_multiqueue),
        cmocka_unit_test(test_foreign_bridge),
        cmocka_unit_test(test_no_bridge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
