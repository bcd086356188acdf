// SPDX-License-Identifier: LGPL-2.1-or-later
/* The text for systemd-networkd, against tests/golden/network. With VOLT_GOLDEN_UPDATE set the
 * files there are written anew: look at `git diff` then. */
#include "generator/filter-text.h"
#include "generator/network-lease.h"
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

static void test_bounded(void **state _unused_)
{
    check("bounded", "eth0,tap=tap-6ba7b810,bridge=br0,isolated=yes,rate=100",
          NETWORK_PORT_NETWORKD);
}

static void check_filter(const char *file, const char *const *arguments, size_t n)
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
    filter_text_add(f, UUID, nics, n);
    (void)fclose(f);
    compare(file, text);
}

static void test_filter(void **state _unused_)
{
    static const char *const all[] = {
        "eth0,tap=tap-6ba7b810,bridge=br0,mac=52:54:00:12:34:56,ipv4=10.42.0.10/24,antispoof=yes",
        "free,tap=tap-6ba7b810-1,bridge=br0",
        "lan,tap=tap-6ba7b810-2,bridge=br1,derived-mac=02:00:00:00:00:01,antispoof=yes,rate=100",
        "slow,tap=tap-6ba7b810-3,rate=1",
    };

    check_filter("filter.nft", all, ELEMENTSOF(all));
}

static void test_lease(void **state _unused_)
{
    _cleanup_free_ char *text = NULL, *error = NULL;
    struct nic nic;
    size_t size;
    FILE *f;

    assert_int_equal(nic_parse("eth0,tap=t,bridge=br0,mac=52:54:00:12:34:56,ipv4=10.42.0.10/24,"
                               "address=dhcp",
                               &nic, &error),
                     0);
    f = open_memstream(&text, &size);
    network_lease_text(f, UUID, &nic);
    (void)fclose(f);
    compare("lease.conf", text);
}

/* Each line is one that the writers write: no character of it could begin another, or end a path.
 */
static void check_lines(char *text)
{
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (line[strspn(line,
                        "[]=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] ||
            (line[0] == '[') == !!strchr(line, '='))
            fail_msg("a line of another's: %s", line);
    }
}

/* What names an interface is a word, or refused: nothing else stands in networkd's files. */
static void test_hostile_names(void **state _unused_)
{
    static const char *const formats[] = {
        "%s,tap=t",          "a,tap=%s",       "a,tap=t,bridge=%s", "a,tap=t,bridge=b,zone=%s",
        "a,tap=t,mtu=%s",    "a,tap=t,mac=%s", "a,tap=t,rate=%s",   "a,tap=t,mode=%s",
        "a,tap=t,queues=%s",
    };
    static const char *const nasty[] = {
        "..",
        ".",
        "/",
        "a/b",
        "../x",
        "%n",
        "%",
        "$HOME",
        "a b",
        "a\nb",
        "\n[Network]",
        "#a",
        ";a",
        "[Match]",
        "a=b",
        "a*",
        "!a",
        "a?",
        "\\",
        "a\\",
        "'",
        "\"",
        "\x01",
        "\xff",
        "\t",
        "",
        "-",
        "a@b",
        "12345678901234567890123456789012345678901234567890",
        "all",
        "good",
        "g-o_d",
        "1500",
        "52:54:00:12:34:56",
        "networkd",
        "direct",
    };
    unsigned taken = 0;

    for (size_t i = 0; i < ELEMENTSOF(formats); i++)
        for (size_t j = 0; j < ELEMENTSOF(nasty); j++) {
            _cleanup_free_ char *error = NULL, *argument = NULL, *text = NULL;
            struct nic nic;
            size_t size;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            assert_true(asprintf(&argument, formats[i], nasty[j]) > 0);
#pragma GCC diagnostic pop
            if (nic_parse(argument, &nic, &error) < 0) {
                assert_non_null(error);
                continue;
            }
            taken++;
            assert_null(strchr(nic.id, '/'));
            assert_null(strchr(nic.zone, '/'));
            assert_true(nic.id[0] != '.' && nic.zone[0] != '.');
            assert_true(strcmp(nic.tap, "..") && strcmp(nic.tap, "."));
            assert_true(strcmp(nic.bridge, "..") && strcmp(nic.bridge, "."));

            FILE *f = open_memstream(&text, &size);
            network_text_netdev(f, UUID, &nic);
            network_text_network(f, UUID, &nic, NETWORK_PORT_NETWORKD);
            network_text_network(f, UUID, &nic, NETWORK_PORT_FOREIGN);
            assert_int_equal(fclose(f), 0);
            check_lines(text);
        }
    assert_true(taken > ELEMENTSOF(formats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_bridged),
        cmocka_unit_test(test_multiqueue),    cmocka_unit_test(test_foreign_bridge),
        cmocka_unit_test(test_no_bridge),     cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_filter),        cmocka_unit_test(test_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
