/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings of the Volt guest kernel: how they are read, and that those that ship are good. */
#include "tests/unit/tools/kernel-command.h"
#include "tools/kernel/build-settings.h"
#include "tools/kernel/config-check.h"

#define VERSION(major, minor) ((major) << 16 | (minor))

static void parse(struct build_settings *settings, const char *text)
{
    _cleanup_free_ char *why = NULL;

    *settings = (struct build_settings){0};
    if (build_settings_parse(settings, "f", text, &why) < 0)
        fail_msg("%s", why);
}

#define TEXT(text, version, expected)                                                              \
    do {                                                                                           \
        _cleanup_build_settings_ struct build_settings settings_;                                  \
        unsigned count_;                                                                           \
        parse(&settings_, text);                                                                   \
        _cleanup_free_ char *found_ = build_settings_text(&settings_, version, &count_);           \
        assert_string_equal(found_, expected);                                                     \
        assert_int_equal(count_, count_lines(expected));                                           \
    } while (0)

static void test_lines(void **state _unused_)
{
    TEXT("", VERSION(6, 1), "");
    TEXT("# x\n\nCONFIG_A=y\nCONFIG_B_1=n # off", VERSION(6, 1), "CONFIG_A=y\nCONFIG_B_1=n\n");
    TEXT("CONFIG_A=\"a # b\"\t# why\nCONFIG_X=0x1F\nCONFIG_N=254  #\n", VERSION(6, 1),
         "CONFIG_A=\"a # b\"\nCONFIG_X=0x1F\nCONFIG_N=254\n");
    TEXT("CONFIG_x86_B=y\n", VERSION(6, 1), "CONFIG_x86_B=y\n");
    /* The last one counts. */
    TEXT("CONFIG_A=y\nCONFIG_AB=y\nCONFIG_A=n\n", VERSION(6, 1), "CONFIG_AB=y\nCONFIG_A=n\n");
}

static void test_versions(void **state _unused_)
{
    static const char lines[] = "CONFIG_A=y # before 6.9: old\nCONFIG_B=y # since 6.9: new\n"
                                "CONFIG_C=y # since 6.2: before 6.10: between\n"
                                "CONFIG_D=y # since then\n";

    TEXT(lines, VERSION(6, 1), "CONFIG_A=y\nCONFIG_D=y\n");
    TEXT(lines, VERSION(6, 2), "CONFIG_A=y\nCONFIG_C=y\nCONFIG_D=y\n");
    TEXT(lines, VERSION(6, 9), "CONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\n");
    TEXT(lines, VERSION(6, 10), "CONFIG_B=y\nCONFIG_D=y\n");
    TEXT(lines, VERSION(7, 0), "CONFIG_B=y\nCONFIG_D=y\n");
}

static void test_what_is_no_setting(void **state _unused_)
{
    static const char *const lines[] = {
        "CONFIG_A",          "CONFIG_=y",       "CONFIG_A=m",        "CONFIG_A=yes", "CONFIG_A = y",
        " CONFIG_A=y",       "CONFIG_A=\"x",    "CONFIG_A=0x",       "CONFIG_A=-1",  "A=y",
        "CONFIG_A=y\r",      "CONFIG_A=y why",  "CONFIG_A=\"\\\"",   "CONFIG_A=",    "include x",
        "CONFIG_A=y\x1b[2J", "# a\x07 comment", "CONFIG_\xc3\x84=y",
    };

    for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
        _cleanup_build_settings_ struct build_settings settings = {0};
        _cleanup_free_ char *why = NULL;

        if (build_settings_parse(&settings, "f", lines[i], &why) != -EINVAL)
            fail_msg("%s", lines[i]);
        assert_ptr_equal(strstr(why, "f:1: "), why);
    }
}

static void test_what_has_no_effect(void **state _unused_)
{
    _cleanup_build_settings_ struct build_settings settings;
    _cleanup_free_ char *missing = NULL;

    parse(&settings, "CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=\"x\"\nCONFIG_D=7 # since 6.9:\n");
    assert_int_equal(build_settings_check(&settings, VERSION(6, 1),
                                          "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x\"\n",
                                          &missing),
                     0);
    assert_null(missing);
    assert_int_equal(build_settings_check(&settings, VERSION(6, 9),
                                          "CONFIG_AA=y\nCONFIG_B=y\nCONFIG_C=\"xy\"\nCONFIG_D=70\n",
                                          &missing),
                     0);
    assert_string_equal(missing, "CONFIG_A=y (f:1), it is n\nCONFIG_B=n (f:2), it is y\n"
                                 "CONFIG_C=\"x\" (f:3), it is \"xy\"\n"
                                 "CONFIG_D=7 (f:4), it is 70\n");
}

/* What ships: each line says why, and all that a Volt guest needs and wants is there. */
static void test_what_ships(void **state _unused_)
{
    _cleanup_temporary_dir_ struct temporary_dir dir = temporary_dir_new();
    _cleanup_build_settings_ struct build_settings settings = {0};
    _cleanup_free_ char *why = NULL, *missing = NULL, *text = NULL;
    char path[PATH_MAX];
    unsigned count;

    make_dirs(&dir, "usr/lib/volt");
    assert_int_equal(symlink(VOLT_SOURCE_ROOT "/units/kernel-config.d",
                             temporary_path(&dir, "usr/lib/volt/kernel-config.d", path)),
                     0);
    if (build_settings_read(dir.path, &settings, &why) < 0)
        fail_msg("%s", why);
    assert_int_equal(settings.n_files, 6);
    text = build_settings_text(&settings, VERSION(6, 12), &count);
    assert_true(count > 200);
    assert_int_equal(kernel_config_check(text, false, &missing), 0);
    /* VIRTIO_PCI selects it, and it cannot be set. */
    assert_string_equal(missing, "CONFIG_VIRTIO: all of Volt's devices are virtio devices");
    cleanup_free(&missing);
    missing = NULL;
    assert_int_equal(kernel_config_wanted(text, false, &missing), 0);
    assert_null(missing);
}

static void test_each_line_that_ships_says_why(void **state _unused_)
{
    static const char command[] =
        "! grep -HnvE '^#|^$|^CONFIG_[A-Za-z0-9_]+=[^ ]+ +# .' " VOLT_SOURCE_ROOT
        "/units/kernel-config.d/*.config";

    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_what_is_no_setting),
        cmocka_unit_test(test_what_has_no_effect),
        cmocka_unit_test(test_what_ships),
        cmocka_unit_test(test_each_line_that_ships_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
