/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials: names, the unit's directory, the option, limits. */
#include "vmm/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "test.h"
#include "vmm/fd-store.h"

static struct credentials credentials;
static char directory[] = "/tmp/test-credentials-XXXXXX";

static int setup(void **state _unused_)
{
    credentials_done(&credentials);
    memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
    return mkdtemp(directory) && setenv("CREDENTIALS_DIRECTORY", directory, 1) == 0 ? 0 : -1;
}

static int teardown(void **state _unused_)
{
    char command[64];

    credentials_done(&credentials);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static void write_credential(const char *name, const void *data, size_t size)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
}

static const struct smbios_credential *find(const char *name)
{
    for (unsigned i = 0; i < credentials.n; i++)
        if (strcmp(credentials.entries[i].name, name) == 0)
            return &credentials.entries[i];
    fail_msg("there is no credential called '%s'", name);
    return NULL;
}

static void assert_credential(const char *name, const void *data, size_t size)
{
    const struct smbios_credential *credential = find(name);

    assert_int_equal(credential->size, size);
    assert_memory_equal(credential->data, data, size);
}

/* CALL fails with ERROR and says MESSAGE in one line. */
#define assert_fails(call, error, message)                                                         \
    do {                                                                                           \
        struct capture _capture = capture_start();                                                 \
        int _r = (call);                                                                           \
        _cleanup_free_ char *_text = capture_end(&_capture);                                       \
        if (_r != (error) || !strstr(_text, message) || count_lines(_text) != 1)                   \
            fail_msg("%s: %d, %s", #call, _r, _text);                                              \
    } while (0)

static void test_add(void **state _unused_)
{
    assert_int_equal(credentials_add(&credentials, "vmm.notify_socket", "vsock:2:1234", 12), 0);
    assert_int_equal(credentials_add(&credentials, "empty", NULL, 0), 0);
    assert_credential("vmm.notify_socket", "vsock:2:1234", 12);
    assert_int_equal(find("empty")->size, 0);
    assert_fails(credentials_add(&credentials, "empty", "x", 1), -EEXIST,
                 "two credentials called 'empty'");
    credentials_done(&credentials);
    assert_int_equal(credentials.n, 0);
}

static void test_names(void **state _unused_)
{
    static const char *const bad[] = {"",    ".",    "..",   "a/b",     "a:b",
                                      "a=b", "a\tb", "\x7f", "\xc3\xa4"};
    static const char *const good[] = {"a",   "...", ".a",    "firstboot.locale",
                                       "a b", "a,b", "A_-%$~"};
    char name[258];

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_fails(credentials_add(&credentials, bad[i], "x", 1), -EINVAL, "is no name");
    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        assert_int_equal(credentials_add(&credentials, good[i], "x", 1), 0);
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    assert_fails(credentials_add(&credentials, name, "x", 1), -EINVAL, "is no name");
    name[255] = '\0';
    assert_int_equal(credentials_add(&credentials, name, "x", 1), 0);
    assert_int_equal(credentials.n, ELEMENTSOF(good) + 1);
}

static void test_limits(void **state _unused_)
{
    static uint8_t data[CREDENTIAL_SIZE_MAX + 1];
    char name[8];

    assert_fails(credentials_add(&credentials, "large", data, sizeof(data)), -E2BIG,
                 "larger than 256 KiB");
    assert_int_equal(credentials_add(&credentials, "large", data, sizeof(data) - 1), 0);
    for (unsigned i = 1; i < SMBIOS_CREDENTIALS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(credentials_add(&credentials, name, "x", 1), 0);
    }
    assert_fails(credentials_add(&credentials, "more", "x", 1), -E2BIG, "255 is the most");
}

static void test_no_directory(void **state _unused_)
{
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(credentials_load(&credentials), 0);
    assert_int_equal(credentials.n, 0);
    (void)setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    assert_fails(credentials_load(&credentials), -ENOENT, "'/nonexistent': No such file");
}

static void test_load(void **state _unused_)
{
    static const char binary[] = "\0\xff\n";

    write_credential("system.hostname", "web", 3);
    write_credential(".hidden", "h", 1);
    write_credential("binary", binary, sizeof(binary) - 1);
    write_credential("empty", "", 0);
    assert_int_equal(credentials_load(&credentials), 0);
    assert_int_equal(credentials.n, 4);
    assert_credential("system.hostname", "web", 3);
    assert_credential(".hidden", "h", 1);
    assert_credential("binary", binary, sizeof(binary) - 1);
    assert_int_equal(find("empty")->size, 0);
}

static void test_load_refused(void **state _unused_)
{
    static uint8_t data[CREDENTIAL_SIZE_MAX + 1];
    char path[512];

    write_credential("large", data, sizeof(data));
    assert_fails(credentials_load(&credentials), -E2BIG, "'large' is larger than 256 KiB");
    (void)snprintf(path, sizeof(path), "%s/large", directory);
    assert_int_equal(unlink(path), 0);

    /* Nobody writes to it, and nobody waits for it. */
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(credentials_load(&credentials), -EINVAL, "'pipe' is not a regular file");
    assert_int_equal(unlink(path), 0);

    (void)snprintf(path, sizeof(path), "%s/link", directory);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_fails(credentials_load(&credentials), -ELOOP, "Cannot open the credential 'link'");
    assert_int_equal(unlink(path), 0);

    write_credential("twice", "x", 1);
    assert_int_equal(credentials_add(&credentials, "twice", "y", 1), 0);
    assert_fails(credentials_load(&credentials), -EEXIST, "two credentials called 'twice'");
}

static void test_option(void **state _unused_)
{
    struct fd_store store = {.n = 1};
    char argument[600];

    store.entries[0].name = strdup("key");
    store.entries[0].fd = file_of("from a descriptor", 17);
    write_credential("file", "from a file", 11);
    (void)snprintf(argument, sizeof(argument), "a,file=%s/file", directory);
    assert_int_equal(credentials_add_option(&credentials, argument, &store), 0);
    assert_int_equal(credentials_add_option(&credentials, "b,file=fd:key", &store), 0);
    assert_int_equal(credentials_add_option(&credentials, "c,text=t=1,file=x", &store), 0);
    assert_int_equal(credentials_add_option(&credentials, "d,text=", &store), 0);
    assert_credential("a", "from a file", 11);
    assert_credential("b", "from a descriptor", 17);
    assert_credential("c", "t=1,file=x", 10);
    assert_int_equal(find("d")->size, 0);
    assert_int_equal(fd_store_check_empty(&store), 0);
    fd_store_done(&store);
}

/* A word in the wrong place may be a secret: it is not repeated. */
static void test_option_refused(void **state _unused_)
{
    static const char *const bad[] = {"",         "secret", "a,secret",
                                      "a=secret", "a,text", "a,fd=secret"};
    struct fd_store store = {0};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        struct capture capture = capture_start();
        int r = credentials_add_option(&credentials, bad[i], &store);
        _cleanup_free_ char *text = capture_end(&capture);

        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(text, "NAME,file=FILE"));
        assert_null(strstr(text, "secret"));
    }
    assert_fails(credentials_add_option(&credentials, ",text=x", &store), -EINVAL, "is no name");
    assert_fails(credentials_add_option(&credentials, "a,file=/nonexistent", &store), -ENOENT,
                 "Cannot open the credential '/nonexistent'");
    assert_fails(credentials_add_option(&credentials, "a,file=/", &store), -EISDIR,
                 "Cannot read the credential 'a'");
    assert_int_equal(credentials.n, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_add),  TEST(test_names),        TEST(test_limits), TEST(test_no_directory),
        TEST(test_load), TEST(test_load_refused), TEST(test_option), TEST(test_option_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
