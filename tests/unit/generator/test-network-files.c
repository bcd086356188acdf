// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files in networkd's directory and what is written down about a VM's interfaces. */
#include "generator/net-state.h"
#include "generator/network-files.h"
#include "generator/run-dir.h"

#include "temporary-dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UUID  "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define OTHER "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static const struct nic nics[] = {
    {.id = "eth0", .tap = "tap-6ba7b810", .bridge = "br0", .queues = 1},
    {.id = "eth1",
     .tap = "tap-6ba7b810-1",
     .queues = 4,
     .bridge = "br1",
     .has_mac = true,
     .mac_is_derived = true,
     .mac = {2, 0, 0, 0, 0, 1},
     .zone = "lab",
     .ipv4 = 0x0a2a0002,
     .prefix = 24,
     .ipv4_is_auto = true,
     .antispoof = true,
     .rate = 100},
};

static void test_write_and_remove(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = run_dir_open(dir.path, false);
    char path[PATH_MAX];
    struct stat st;

    assert_true(fd >= 0);
    (void)umask(0077);
    for (size_t i = 0; i < ELEMENTSOF(nics); i++)
        assert_int_equal(network_files_write(fd, UUID, &nics[i], NETWORK_PORT_NETWORKD), 0);
    assert_int_equal(network_files_write(fd, OTHER, &nics[0], NETWORK_PORT_NETWORKD), 0);
    /* networkd, which is not root, has to read them, whatever the umask. */
    assert_int_equal(stat(temporary_path(&dir, "50-vm-" UUID "-eth0.netdev", path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_false(temporary_exists(&dir, "50-vm-" UUID "-eth0.netdev.tmp"));

    assert_int_equal(network_files_drop_netdev(fd, UUID, &nics[0]), 0);
    assert_int_equal(network_files_drop_netdev(fd, UUID, &nics[0]), 0);
    assert_false(temporary_exists(&dir, "50-vm-" UUID "-eth0.netdev"));
    assert_int_equal(network_files_remove(fd, UUID), 3);
    assert_int_equal(network_files_remove(fd, UUID), 0);
    assert_true(temporary_exists(&dir, "50-vm-" OTHER "-eth0.netdev"));
    assert_true(temporary_exists(&dir, "50-vm-" OTHER "-eth0.network"));
}

/* A link that somebody planted is replaced, not followed. */
static void test_planted_link(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = run_dir_open(dir.path, false);
    char path[PATH_MAX], target[PATH_MAX];
    struct stat st;

    temporary_write(&dir, "target", "precious");
    assert_int_equal(symlink(temporary_path(&dir, "target", target),
                             temporary_path(&dir, "50-vm-" UUID "-eth0.netdev.tmp", path)),
                     0);
    assert_int_equal(symlink(target, temporary_path(&dir, "50-vm-" UUID "-eth0.netdev", path)), 0);
    assert_int_equal(network_files_write(fd, UUID, &nics[0], NETWORK_PORT_NETWORKD), 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, 8);
}

static void test_directories(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = -EBADF;
    char path[PATH_MAX], link[PATH_MAX];
    struct stat st;

    assert_int_equal(run_dir_open(temporary_path(&dir, "a/b", path), false), -ENOENT);
    fd = run_dir_open(path, true);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(symlink(path, temporary_path(&dir, "link", link)), 0);
    assert_true(run_dir_open(link, true) < 0);
}

static void test_bridges(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir strong = temporary_dir_new();
    _cleanup_temporary_dir_ struct temporary_dir weak = temporary_dir_new();
    const char *const dirs[] = {strong.path, "/nonexistent", weak.path, NULL};
    char path[PATH_MAX];

    temporary_write(&weak, "10-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n");
    temporary_write(&weak, "11-br1.netdev", "[NetDev]\n Kind = bridge \n Name = br1 \n");
    temporary_write(&weak, "12-bond.netdev", "[NetDev]\nName=bond0\nKind=bond\n");
    temporary_write(&weak, "13-br2.netdev~", "[NetDev]\nName=br2\nKind=bridge\n");
    assert_true(network_files_make_bridge(dirs, "br0"));
    assert_true(network_files_make_bridge(dirs, "br1"));
    assert_false(network_files_make_bridge(dirs, "bond0"));
    assert_false(network_files_make_bridge(dirs, "br2"));
    assert_false(network_files_make_bridge(dirs, "br"));

    temporary_write(&strong, "11-br1.netdev", "[NetDev]\nName=lan0\nKind=bridge\n");
    assert_int_equal(symlink("/dev/null", temporary_path(&strong, "10-br0.netdev", path)), 0);
    assert_false(network_files_make_bridge(dirs, "br0"));
    assert_false(network_files_make_bridge(dirs, "br1"));
    assert_true(network_files_make_bridge(dirs, "lan0"));
}

static void test_overridden(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir strong = temporary_dir_new();
    _cleanup_temporary_dir_ struct temporary_dir weak = temporary_dir_new();
    _cleanup_temporary_dir_ struct temporary_dir shipped = temporary_dir_new();
    const char *const dirs[] = {strong.path, weak.path, shipped.path, NULL};
    char found[PATH_MAX], path[PATH_MAX];

    assert_false(network_files_overridden(dirs, 2, "10-br0.netdev", found));
    temporary_write(&shipped, "10-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n");
    assert_false(network_files_overridden(dirs, 2, "10-br0.netdev", found));
    temporary_write(&weak, "10-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\nMTUBytes=9000\n");
    assert_true(network_files_overridden(dirs, 2, "10-br0.netdev", found));
    assert_string_equal(found, temporary_path(&weak, "10-br0.netdev", path));
    assert_int_equal(symlink("/dev/null", temporary_path(&strong, "10-br0.netdev", path)), 0);
    assert_true(network_files_overridden(dirs, 2, "10-br0.netdev", found));
    assert_string_equal(found, path);
    /* A package's own mask counts, too. */
    assert_int_equal(symlink("/dev/null", temporary_path(&shipped, "11-br1.netdev", path)), 0);
    assert_true(network_files_overridden(dirs, 2, "11-br1.netdev", found));
    assert_string_equal(found, path);
}

static void test_state(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct nic loaded[NIC_MAX];
    char path[PATH_MAX];
    size_t n = 99;

    (void)temporary_path(&dir, "vm", path);
    assert_int_equal(net_state_load(path, UUID, loaded, &n), -ENOENT);
    assert_int_equal(net_state_remove(path, UUID), 0);
    assert_int_equal(net_state_save(path, UUID, nics, ELEMENTSOF(nics)), 0);
    assert_int_equal(net_state_load(path, UUID, loaded, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(loaded[0].id, "eth0");
    assert_string_equal(loaded[1].tap, "tap-6ba7b810-1");
    assert_int_equal(loaded[1].queues, 4);
    assert_string_equal(loaded[1].bridge, "br1");
    assert_memory_equal(loaded[1].mac, nics[1].mac, 6);
    assert_string_equal(loaded[1].zone, "lab");
    assert_int_equal(loaded[1].ipv4, 0x0a2a0002);
    assert_true(loaded[1].ipv4_is_auto);
    assert_true(loaded[1].antispoof);
    assert_int_equal(loaded[1].rate, 100);
    assert_int_equal(net_state_remove(path, UUID), 0);
    assert_false(temporary_exists(&dir, "vm/" UUID));
    assert_int_equal(net_state_remove(path, UUID), 0);
}

/* What is looked for is there in the words in which it is looked for. */
static void test_state_is_searched(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_close_ int fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static char many[5000];
    char text[64];

    assert_int_equal(net_state_save(dir.path, UUID, nics, ELEMENTSOF(nics)), 0);
    for (size_t i = 0; i < ELEMENTSOF(nics); i++) {
        assert_true(net_state_mentions(fd, UUID, nics[i].tap));
        if (nics[i].has_mac)
            assert_true(net_state_mentions(fd, UUID, mac_text(nics[i].mac, text)));
        if (nics[i].ipv4)
            assert_true(net_state_mentions(fd, UUID, ipv4_text(nics[i].ipv4, text)));
    }
    assert_false(net_state_mentions(fd, UUID, "10.42.0.77"));
    assert_false(net_state_mentions(fd, "6ba7b810-9dad-11d1-80b4-00c04fd430c9", "tap"));
    memset(many, '#', sizeof(many) - 1);
    temporary_write(&dir, UUID "/taps", many);
    assert_true(net_state_mentions(fd, UUID, "10.42.0.77")); /* who knows */
    assert_int_equal(net_state_remove(dir.path, UUID), 0);
}

static void test_damaged_state(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    struct nic loaded[NIC_MAX];
    size_t n = 99;

    assert_int_equal(net_state_save(dir.path, UUID, nics, 1), 0);
    temporary_write(&dir, UUID "/taps", "garbage\neth0,tap=../x\neth1,tap=good,queues=2\n");
    assert_int_equal(net_state_load(dir.path, UUID, loaded, &n), -EBADMSG);
    assert_int_equal(n, 1);
    assert_string_equal(loaded[0].tap, "good");
    assert_int_equal(net_state_remove(dir.path, UUID), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_remove),  cmocka_unit_test(test_planted_link),
        cmocka_unit_test(test_directories),       cmocka_unit_test(test_bridges),
        cmocka_unit_test(test_overridden),        cmocka_unit_test(test_state),
        cmocka_unit_test(test_state_is_searched), cmocka_unit_test(test_damaged_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
