// SPDX-License-Identifier: LGPL-2.1-or-later
/* What volt-net tells volt-vmm's command line. */
#include "generator/host-dns.h"
#include "generator/net-environment.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

static void check(const char *const *arguments, size_t n, const char *expected)
{
    _cleanup_free_ char *text = NULL;
    struct nic nics[4];
    size_t size;
    FILE *f;

    for (size_t i = 0; i < n; i++) {
        _cleanup_free_ char *error = NULL;

        assert_int_equal(nic_parse(arguments[i], &nics[i], &error), 0);
    }
    f = open_memstream(&text, &size);
    assert_int_equal(net_environment_write(f, nics, n), *expected != '\0');
    (void)fclose(f);
    assert_string_equal(text, expected);
}

static void test_nothing_to_tell(void **state _unused_)
{
    const char *const nics[] = {
        "eth0,tap=t,bridge=br0,mac=52:54:00:12:34:56,ipv4=10.42.0.10/24,address=dhcp"};

    check(nics, 1, "");
}

static void test_one_nic(void **state _unused_)
{
    const char *const all[] = {"eth0,tap=t,derived-mac=02:00:00:00:00:0a,ipv4=10.42.0.10/24,"
                               "gateway=10.42.0.1,dns=10.42.0.1+9.9.9.9+1.1.1.1,address=cmdline"};
    const char *const little[] = {"eth0,tap=t,ipv4=10.42.0.10/32,address=cmdline"};

    check(all, 1,
          "VOLT_MAC_0=02:00:00:00:00:0a\n"
          "VOLT_IP=\"ip=10.42.0.10::10.42.0.1:255.255.255.0:::off:10.42.0.1:9.9.9.9\"\n");
    check(little, 1, "VOLT_IP=\"ip=10.42.0.10:::255.255.255.255:::off::\"\n");
}

static void test_three_nics(void **state _unused_)
{
    const char *const nics[] = {
        "mgmt,tap=a,mac=52:54:00:12:34:56,ipv4=10.42.0.10/24,address=cmdline",
        "data,tap=b,derived-mac=02:00:00:00:00:0b",
        "more,tap=c,derived-mac=02:00:00:00:00:0c,ipv4=10.1.2.3/8,gateway=10.0.0.1,address=cmdline",
    };

    check(nics, 3,
          "VOLT_MAC_1=02:00:00:00:00:0b\n"
          "VOLT_MAC_2=02:00:00:00:00:0c\n"
          "VOLT_IP=\"ip=10.42.0.10:::255.255.255.0::eth0:off:: "
          "ip=10.1.2.3::10.0.0.1:255.0.0.0::eth2:off::\"\n");
}

static void test_file(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct nic nic = {.id = "eth0", .has_mac = true, .mac_is_derived = true, .mac = {2}};

    assert_int_equal(net_environment_save(dir.path, UUID, &nic, 1), 0);
    assert_true(temporary_exists(&dir, UUID "/environment"));
    /* What an earlier start said does not hold any more. */
    nic.mac_is_derived = false;
    assert_int_equal(net_environment_save(dir.path, UUID, &nic, 1), 0);
    assert_false(temporary_exists(&dir, UUID "/environment"));
}

static void test_host_dns(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    char first[PATH_MAX], second[PATH_MAX];
    const char *const files[] = {"/nonexistent", temporary_path(&dir, "first", first),
                                 temporary_path(&dir, "second", second), NULL};
    uint32_t servers[2];

    assert_int_equal(host_dns_find(files, servers, 2), 0);
    temporary_write(&dir, "first", "# stub\nnameserver 127.0.0.53\noptions edns0\n");
    assert_int_equal(host_dns_find(files, servers, 2), 0);
    temporary_write(&dir, "second",
                    "search lan\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\n"
                    "  nameserver\t192.0.2.1\nnameserver 0.0.0.0\nnameserver 192.0.2.2\n"
                    "nameserver 192.0.2.3\n");
    assert_int_equal(host_dns_find(files, servers, 2), 2);
    assert_int_equal(servers[0], 0xc0000201);
    assert_int_equal(servers[1], 0xc0000202);

    assert_false(host_dns_is_networkds("/nonexistent"));
    temporary_write(&dir, "first", "OPER_STATE=routable\nDNS=\nNTP=x\n");
    assert_false(host_dns_is_networkds(first));
    temporary_write(&dir, "first", "OPER_STATE=routable\nDNS=192.0.2.1\n");
    assert_true(host_dns_is_networkds(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_tell), cmocka_unit_test(test_one_nic),
        cmocka_unit_test(test_three_nics),      cmocka_unit_test(test_file),
        cmocka_unit_test(test_host_dns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
