/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line. */
#include "vmm/options.h"

#include "test.h"

enum { ARGUMENTS_MAX = 40 };

/* Parses TEXT, split at blanks. */
static int parse(const char *text, struct options *ret)
{
    static char copy[4096];
    char *argv[ARGUMENTS_MAX + 1], *rest = copy;
    int argc = 0;

    (void)snprintf(copy, sizeof(copy), "volt-vmm %s", text);
    for (char *word; argc < ARGUMENTS_MAX && (word = strsep(&rest, " "));)
        argv[argc++] = word;
    argv[argc] = NULL;
    return options_parse(argc, argv, ret);
}

static void test_defaults(void **state _unused_)
{
    struct options options;

    assert_int_equal(parse("--kernel=/boot/vmlinux", &options), 0);
    assert_string_equal(options.kernel, "/boot/vmlinux");
    assert_string_equal(options.kvm, "/dev/kvm");
    assert_string_equal(options.cmdline, "");
    assert_null(options.initrd);
    assert_int_equal(options.vcpus, 1);
    assert_int_equal(options.memory_mib, 256);
    assert_int_equal(options.stop_timeout_sec, 30);
    assert_int_equal(options.n_devices, 0);
    assert_false(options.debug);
    assert_int_equal(parse("--kernel=k --try-initrd=fd:initrd", &options), 0);
    assert_string_equal(options.initrd, "fd:initrd");
    assert_true(options.initrd_optional);
}

static void test_all(void **state _unused_)
{
    struct options options;

    assert_int_equal(parse("--uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8 --name=web --vcpus=254 "
                           "--memory=1048576 --hugepages=thp --kvm=fd:kvm --kernel=fd:kernel "
                           "--initrd=fd:initrd --cmdline=root=/dev/vda --net=eth0,tap=fd:net.eth0 "
                           "--net=eth1,tap=t1 --credential=a,text=x --credential=b,file=fd:b "
                           "--stop-timeout=86400 --debug",
                           &options),
                     0);
    assert_string_equal(options.uuid, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    assert_int_equal(options.uuid_bytes[0], 0x6b);
    assert_int_equal(options.n_credentials, 2);
    assert_string_equal(options.credentials[1], "b,file=fd:b");
    assert_string_equal(options.name, "web");
    assert_int_equal(options.vcpus, 254);
    assert_int_equal(options.memory_mib, 1048576);
    assert_int_equal(options.memory_pages, GUEST_MEMORY_TRANSPARENT);
    assert_string_equal(options.kvm, "fd:kvm");
    assert_string_equal(options.initrd, "fd:initrd");
    assert_string_equal(options.cmdline, "root=/dev/vda");
    assert_int_equal(options.n_devices, 2);
    assert_string_equal(options.devices[0].kind->option, "net");
    assert_string_equal(options.devices[0].argument, "eth0,tap=fd:net.eth0");
    assert_string_equal(options.devices[1].argument, "eth1,tap=t1");
    assert_int_equal(options.stop_timeout_sec, 86400);
    assert_true(options.debug);
}

static void test_refused(void **state _unused_)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"--vcpus=1", "--kernel=FILE is missing"},
        {"--kernel=k --try-initrd=/initrd", "--try-initrd=/initrd is not fd:NAME"},
        {"--kernel=k --vcpus=0", "--vcpus=0 is not a number from 1 to 254"},
        {"--kernel=k --vcpus=255", "--vcpus=255 is not"},
        {"--kernel=k --vcpus=-1", "--vcpus=-1 is not"},
        {"--kernel=k --vcpus=2x", "--vcpus=2x is not"},
        {"--kernel=k --vcpus=", "--vcpus= is not"},
        {"--kernel=k --hugepages=1G", "--hugepages=1G is neither no, yes nor thp"},
        {"--kernel=k --memory=15", "--memory=15 is not a number from 16 to 1048576"},
        {"--kernel=k --memory=1048577", "--memory=1048577 is not"},
        {"--kernel=k --memory=18446744073709551616", "is not a number"},
        {"--kernel=k --stop-timeout=0", "--stop-timeout=0 is not a number from 1 to 86400"},
        {"--kernel=k --uuid=u", "--uuid=u is no UUID"},
        {"--kernel=k --colour=red", "colour"},
        {"--kernel", "kernel"},
        {"--kernel=k web", "'web' is no option"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct capture capture = capture_start();
        struct options options = {.vcpus = 42};
        int r = parse(cases[i].text, &options);
        _cleanup_free_ char *text = capture_end(&capture);

        if (r != -EINVAL || !strstr(text, cases[i].message))
            fail_msg("'%s': %d, %s", cases[i].text, r, text);
        assert_int_equal(count_lines(text), 1);
        assert_int_equal(options.vcpus, 42);
    }
}

static void test_too_many_devices(void **state _unused_)
{
    struct options options;
    char text[1024] = "--kernel=k";

    for (unsigned i = 0; i < OPTIONS_DEVICES_MAX; i++)
        strcat(text, " --net=x");
    assert_int_equal(parse(text, &options), 0);
    assert_int_equal(options.n_devices, OPTIONS_DEVICES_MAX);
    strcat(text, " --net=x");
    assert_int_equal(parse(text, &options), -EINVAL);
}

static void test_map_kernel(void **state _unused_)
{
    struct options options;

    assert_int_equal(parse("--kernel=x", &options), 0);
    assert_false(options.map_kernel);
    assert_int_equal(parse("--kernel=x --map-kernel=yes", &options), 0);
    assert_true(options.map_kernel);
    assert_int_equal(parse("--kernel=x --map-kernel=yes --map-kernel=no", &options), 0);
    assert_false(options.map_kernel);
    /* A unit's variable that nobody set. */
    assert_int_equal(parse("--kernel=x --map-kernel=", &options), 0);
    assert_false(options.map_kernel);
    assert_int_equal(parse("--kernel=x --map-kernel=1", &options), -EINVAL);
}

static void test_require_landlock(void **state _unused_)
{
    struct options options;

    assert_int_equal(parse("--kernel=x", &options), 0);
    assert_false(options.require_landlock);
    assert_int_equal(parse("--kernel=x --require-landlock", &options), 0);
    assert_true(options.require_landlock);
}

/* --help and --version print and are enough by themselves. */
static void test_help(void **state _unused_)
{
    struct options options;
    char text[8192] = {0};
    _cleanup_close_ int file = memfd_create("stdout", MFD_CLOEXEC);
    _cleanup_close_ int saved = dup(STDOUT_FILENO);

    (void)fflush(stdout);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
    int help = parse("--help", &options), version = parse("--version", &options);
    int shown = parse("--show-filters", &options);
    (void)fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    assert_int_equal(help, OPTIONS_HANDLED);
    assert_int_equal(shown, OPTIONS_HANDLED);
    assert_int_equal(version, OPTIONS_HANDLED);
    assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
    static const char *const words[] = {"--kernel=FILE", "--vcpus=N", "--net=ID",
                                        "--stop-timeout=SECONDS", "volt " VOLT_VERSION "\n"};
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        assert_non_null(strstr(text, words[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_many_devices),
        cmocka_unit_test(test_require_landlock),
        cmocka_unit_test(test_map_kernel),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
