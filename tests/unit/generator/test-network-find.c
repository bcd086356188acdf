// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which .network file is about a bridge, and the leases that are written beside it. */
#include "generator/network-find.h"
#include "generator/network-lease.h"
#include "generator/run-dir.h"

#include "temporary-dir.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UUID  "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static void check(const char *const *dirs, const char *file, bool dhcp_server)
{
    struct network_found found;

    assert_int_equal(network_find(dirs, "br0", &found), 1);
    assert_string_equal(found.file, file);
    assert_int_equal(found.dhcp_server, dhcp_server);
}

static void test_order_and_hiding(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir strong = temporary_dir_new();
    _cleanup_temporary_dir_ struct temporary_dir weak = temporary_dir_new();
    const char *const dirs[] = {strong.path, "/nonexistent", weak.path, NULL};
    struct network_found found;
    char path[PATH_MAX];

    assert_int_equal(network_find(dirs, "br0", &found), 0);
    temporary_write(&weak, "30-br0.network", "[Match]\nName=br0\n[Network]\nDHCPServer=yes\n");
    check(dirs, "30-br0.network", true);
    /* By name, not by directory. */
    temporary_write(&strong, "40-br0.network", "[Match]\nName=br0\n");
    check(dirs, "30-br0.network", true);
    temporary_write(&weak, "20-br0.network", "[Match]\n Name = eth* br? \n");
    check(dirs, "20-br0.network", false);
    /* A link to /dev/null hides, a file replaces. */
    assert_int_equal(symlink("/dev/null", temporary_path(&strong, "20-br0.network", path)), 0);
    check(dirs, "30-br0.network", true);
    temporary_write(&strong, "30-br0.network", "[Match]\nName=br1\n");
    check(dirs, "40-br0.network", false);
}

static void test_match(void **state _unused_)
{
    static const struct {
        const char *match;
        bool fits;
    } cases[] = {
        {"Name=br0", true},
        {"Name=br1 br0", true},
        {"Name=br1", false},
        {"Name=!br0", false},
        {"Name=!lo tap*", true},
        {"Name=*", true},
        {"Kind=bridge", true},
        {"Kind=bond", false},
        {"Type=bridge", true},
        {"Type=ether", true},
        {"Type=wlan", false},
        {"Name=br0\nKind=bond", false},
        {"Name=br0\nHost=x", true},
        {"Host=x", false},
        {"Driver=virtio_net", false},
        {"Name=br0\nMACAddress=00:11:22:33:44:55", false},
        {"", false},
        {"#Name=br0", false},
        {"Name=", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
        const char *const dirs[] = {dir.path, NULL};
        struct network_found found;
        char text[256];

        (void)snprintf(text, sizeof(text), "[Match]\n%s\n[Link]\nName=br0\n", cases[i].match);
        temporary_write(&dir, "10.network", text);
        if (network_find(dirs, "br0", &found) != cases[i].fits)
            fail_msg("%s", cases[i].match);
    }
}

static void test_drop_ins(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir strong = temporary_dir_new();
    _cleanup_temporary_dir_ struct temporary_dir weak = temporary_dir_new();
    const char *const dirs[] = {strong.path, weak.path, NULL};
    struct network_found found;
    char path[PATH_MAX];

    temporary_write(&weak, "30-br0.network", "[Match]\nName=br0\n");
    assert_int_equal(mkdir(temporary_path(&weak, "30-br0.network.d", path), 0755), 0);
    assert_int_equal(mkdir(temporary_path(&strong, "30-br0.network.d", path), 0755), 0);
    check(dirs, "30-br0.network", false);
    temporary_write(&weak, "30-br0.network.d/50.conf", "[Network]\nDHCPServer=true\n");
    check(dirs, "30-br0.network", true);
    temporary_write(&strong, "30-br0.network.d/60.conf", "[Network]\nDHCPServer = no\n");
    check(dirs, "30-br0.network", false);
    temporary_write(&strong, "30-br0.network.d/60.conf", "[DHCPServer]\nDNS=9.9.9.9\n");
    check(dirs, "30-br0.network", true);
    assert_int_equal(network_find(dirs, "br0", &found), 1);
    assert_true(found.has_dns);
    assert_false(found.has_router);
    /* What volt-net wrote itself is nobody's word. */
    temporary_write(&strong, "30-br0.network.d/40-volt-zone.conf",
                    "[DHCPServer]\nRouter=10.0.0.1\n");
    assert_int_equal(network_find(dirs, "br0", &found), 1);
    assert_false(found.has_router);
}

static bool keep_other(const struct network_lease *lease, void *data)
{
    unsigned *seen = data;

    (*seen)++;
    assert_string_equal(lease->file, "30-br0.network");
    assert_non_null(strstr(lease->text, "\nAddress=10.42.0.9\n"));
    return !strcmp(lease->uuid, OTHER);
}

static void test_leases(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = run_dir_open(dir.path, false);
    const struct nic nic = {.id = "eth-0",
                            .has_mac = true,
                            .mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
                            .ipv4 = 0x0a2a0009};
    const char *lease = "30-br0.network.d/50-vm-" UUID "-eth-0.conf";
    char path[PATH_MAX];
    unsigned seen = 0;
    struct stat st;

    (void)umask(0077);
    assert_int_equal(network_lease_write(fd, "30-br0.network", UUID, &nic), 1);
    assert_int_equal(stat(temporary_path(&dir, lease, path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(stat(temporary_path(&dir, "30-br0.network.d", path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    /* networkd looks at times: a file that says the same is not written again. */
    assert_int_equal(network_lease_write(fd, "30-br0.network", UUID, &nic), 0);
    assert_int_equal(network_lease_write(fd, "30-br0.network", OTHER, &nic), 1);
    temporary_write(&dir, "30-br0.network.d/admin.conf", "[Network]\n");
    temporary_write(&dir, "50-vm-" UUID "-eth0.network", "[Match]\n");

    assert_int_equal(network_lease_clean(fd, keep_other, &seen), 1);
    assert_int_equal(seen, 2);
    assert_false(temporary_exists(&dir, lease));
    assert_true(temporary_exists(&dir, "30-br0.network.d/50-vm-" OTHER "-eth-0.conf"));
    assert_true(temporary_exists(&dir, "30-br0.network.d/admin.conf"));
    assert_true(temporary_exists(&dir, "50-vm-" UUID "-eth0.network"));
}

static void test_zone(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = run_dir_open(dir.path, false);
    struct network_found found = {.file = "30-br0.network"};
    struct nic nic = {.id = "eth0", .zone = "lab"};

    assert_int_equal(network_zone_write(fd, &found, &nic), 0);
    nic.gateway = 0x0a2a0001;
    found.has_router = true;
    assert_int_equal(network_zone_write(fd, &found, &nic), 0);
    nic.dns[0] = 0x0a2a0001;
    nic.dns_count = 1;
    assert_int_equal(network_zone_write(fd, &found, &nic), 1);
    assert_int_equal(network_zone_write(fd, &found, &nic), 0);
    assert_true(temporary_exists(&dir, "30-br0.network.d/" NETWORK_ZONE_DROP_IN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_hiding),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_drop_ins),
        cmocka_unit_test(test_leases),
        cmocka_unit_test(test_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
