/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs what builds a kernel, and shows how far it is. */
#include "tools/kernel/build-run.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/kernel/why.h"

enum {
    LOCK_FD = 3,       /* what those that we run call the lock */
    TAIL_SIZE = 3000,  /* of the log, shown after a failure, */
    TAIL_LINES = 20,   /* or fewer */
    PLAIN_STEPS = 200, /* steps from line to line, where nobody watches */
    SHOWN_SIZE = 48,   /* of a file's name, on a terminal */
};

/* Of whoever calls us: where programs are, and where a compiler's cache is. All else is the same
 * for all, so that the kernel is, too. */
static const char *const inherited[] = {"PATH", "HOME", "TMPDIR", "CCACHE_DIR", "CCACHE_DISABLE"};
static const char *const fixed[] = {
    "LC_ALL=C",
    "TZ=UTC",
    "SOURCE_DATE_EPOCH=0",
    "KBUILD_BUILD_TIMESTAMP=1970-01-01 00:00:00 UTC",
    "KBUILD_BUILD_VERSION=1",
    "KBUILD_BUILD_USER=volt",
    "KBUILD_BUILD_HOST=volt",
};

static void environment_free(char **environment)
{
    for (char **p = environment; p && *p; p++)
        free(*p);
    free(environment);
}

static char **make_environment(void)
{
    char **environment = calloc(ELEMENTSOF(inherited) + ELEMENTSOF(fixed) + 1, sizeof(char *));
    size_t n = 0;

    for (size_t i = 0; environment && i < ELEMENTSOF(inherited); i++) {
        const char *value = getenv(inherited[i]);

        if (value && asprintf(&environment[n], "%s=%s", inherited[i], value) >= 0)
            n++;
    }
    for (size_t i = 0; environment && i < ELEMENTSOF(fixed); i++)
        if ((environment[n] = strdup(fixed[i])))
            n++;
    return environment;
}

int build_run_open(struct build_run *run, const char *directory, int lock_fd)
{
    char path[PATH_MAX + 8];

    *run = (struct build_run){.directory = directory, .lock_fd = lock_fd, .out = stdout};
    (void)snprintf(path, sizeof(path), "%s/log", directory);
    run->log = fopen(path, "a+e");
    run->terminal = isatty(STDOUT_FILENO);
    run->begin = time(NULL);
    return run->log ? 0 : -errno;
}

void build_run_done(struct build_run *run)
{
    if (run->log)
        (void)fclose(run->log);
    run->log = NULL;
}

const char *build_run_step(const char *line)
{
    size_t word = line[0] == ' ' && line[1] == ' ' ? strcspn(line + 2, " ") : 0, blanks;

    if (word == 0 || strspn(line + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+") != word)
        return NULL;
    blanks = strspn(line + 2 + word, " ");
    line += 2 + word + blanks;
    return blanks && *line && *line != '[' ? line : NULL;
}

static void show(const struct build_run *run, const char *file)
{
    long seconds = (long)(time(NULL) - run->begin);
    size_t n = strlen(file);

    if (run->terminal)
        (void)fprintf(run->out, "\r\033[K  %5u steps  %ld:%02ld  %s", run->n_done, seconds / 60,
                      seconds % 60, n > SHOWN_SIZE ? file + n - SHOWN_SIZE : file);
    else if (run->n_done % PLAIN_STEPS == 0)
        (void)fprintf(run->out, "  %5u steps  %ld:%02ld  %s\n", run->n_done, seconds / 60,
                      seconds % 60, file);
    (void)fflush(run->out);
}

/* All that is said, until the last that could say something has ended. */
static void follow(struct build_run *run, FILE *pipe)
{
    _cleanup_free_ char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool shown = false;

    while ((n = getline(&line, &size, pipe)) > 0) {
        (void)fputs(line, run->log);
        (void)fflush(run->log);
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        const char *file = build_run_step(line);
        if (!file)
            continue;
        run->n_done++;
        show(run, file);
        shown = true;
    }
    if (shown && run->terminal)
        (void)fputs("\r\033[K", run->out);
}

/* What ARGV says, to either, goes to OUT_FD. LOCK_FD may be -EBADF. */
static int spawn(const char *const *argv, int out_fd, int lock_fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    char **environment = make_environment();
    int r;

    if (!environment || posix_spawn_file_actions_init(&actions) != 0) {
        environment_free(environment);
        return -ENOMEM;
    }
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (r == 0 && lock_fd >= 0)
        r = posix_spawn_file_actions_adddup2(&actions, lock_fd, LOCK_FD);
    if (r == 0)
        r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    environment_free(environment);
    return -r;
}

static int wait_for(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

bool build_run_finds(const char *program)
{
    const char *p = getenv("PATH");
    char path[PATH_MAX];

    for (size_t n; p && *p; p += n + (p[n] == ':')) {
        n = strcspn(p, ":");
        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)n, p, program);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

bool build_run_quietly(const char *const *argv)
{
    _cleanup_close_ int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int status;
    pid_t pid;

    return null_fd >= 0 && spawn(argv, null_fd, -EBADF, &pid) >= 0 && wait_for(pid, &status) >= 0 &&
           status == 0;
}

/* The log's last lines, each behind two blanks; the caller's to free. */
static char *tail(FILE *log)
{
    char bytes[TAIL_SIZE + 1], *text = NULL, *line = bytes, *rest;
    size_t size, n;
    unsigned lines = 0;

    if (fseek(log, -TAIL_SIZE, SEEK_END) < 0)
        rewind(log);
    n = fread(bytes, 1, TAIL_SIZE, log);
    bytes[n] = '\0';
    for (char *p = bytes + n; p > bytes; p--)
        if (p[-1] == '\n' && ++lines > TAIL_LINES) {
            line = p;
            break;
        }
    FILE *f = open_memstream(&text, &size);
    for (rest = line; f && (line = strsep(&rest, "\n"));)
        if (*line)
            (void)fprintf(f, "\n  %s", line);
    if (f)
        (void)fclose(f);
    return text;
}

static int failed(const struct build_run *run, const char *const *argv, int status, char **ret_why)
{
    _cleanup_free_ char *lines = tail(run->log);

    return why(ret_why, -EPROTO, "%s failed with %s %d. %s/log ends with:%s", argv[0],
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), run->directory,
               lines ? lines : "");
}

static void log_command(const struct build_run *run, const char *const *argv)
{
    (void)fputc('>', run->log);
    for (; *argv; argv++)
        (void)fprintf(run->log, " %s", *argv);
    (void)fputc('\n', run->log);
    (void)fflush(run->log);
}

int build_run(struct build_run *run, const char *const *argv, char **ret_why)
{
    _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
    int fds[2], status;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return why(ret_why, -errno, "cannot make a pipe: %s", strerror(errno));
    read_fd = fds[0];
    write_fd = fds[1];
    log_command(run, argv);
    int r = spawn(argv, write_fd, run->lock_fd, &pid);
    write_fd = close_fd(write_fd);
    if (r < 0)
        return why(ret_why, r, "cannot run %s: %s", argv[0], strerror(-r));
    _cleanup_fclose_ FILE *pipe = fdopen(read_fd, "r");
    if (pipe) {
        (void)TAKE_FD(read_fd);
        follow(run, pipe);
    }
    r = wait_for(pid, &status);
    if (r < 0)
        return why(ret_why, r, "%s: %s", argv[0], strerror(-r));
    return status == 0 ? 0 : failed(run, argv, status, ret_why);
}
