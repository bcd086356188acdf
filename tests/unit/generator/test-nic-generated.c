/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What volt-generator writes for volt-net, volt-net takes: each --nic= of the golden units. */
#include "generator/nic.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Checks the arguments in the units PATH; returns their number. */
static size_t check_units(const char *path)
{
    _cleanup_fclose_ FILE *f = fopen(path, "re");
    _cleanup_free_ char *line = NULL;
    size_t size = 0, n = 0;

    assert_non_null(f);
    while (getline(&line, &size, f) > 0) {
        _cleanup_free_ char *error = NULL;
        struct nic nic;

        if (strncmp(line, "    --nic=", 10) != 0)
            continue;
        line[10 + strcspn(line + 10, " \n")] = '\0';
        if (nic_parse(line + 10, &nic, &error) < 0)
            fail_msg("%s: %s: %s", path, line + 4, error);
        assert_true(nic.has_mac);
        assert_true(!nic.ipv4_is_auto || (nic.zone[0] && nic.pool));
        n++;
    }
    return n;
}

static void test_golden_units(void **state _unused_)
{
    size_t n = 0;
    glob_t units;

    assert_int_equal(glob(GOLDEN_DIR "/../generator/*.units", 0, NULL, &units), 0);
    for (size_t i = 0; i < units.gl_pathc; i++)
        n += check_units(units.gl_pathv[i]);
    globfree(&units);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
