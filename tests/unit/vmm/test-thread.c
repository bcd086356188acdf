/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate: threads lock themselves down, wait, and run together or not at all; and workers behind
 * it. */
#include "vmm/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "test.h"
#include "vmm/filters.h"
#include "vmm/virtio/worker.h"

enum { THREADS = 5 };

static atomic_uint locked, ran, requested, stolen_signals;
static char name[16];

static int lock_with(const struct filter *filter, void *context)
{
    locked++;
    return filter == &filter_rng && context ? *(int *)context : 0;
}

static void run(void *argument)
{
    sigset_t set;

    pthread_sigmask(SIG_SETMASK, NULL, &set);
    stolen_signals += !sigismember(&set, SIGTERM) || !sigismember(&set, SIGINT);
    if (argument)
        (void)prctl(PR_GET_NAME, name);
    ran++;
}

static int setup(void **state _unused_)
{
    locked = ran = requested = stolen_signals = 0;
    return 0;
}

static void make(struct thread *threads, struct thread_gate *gate, int *failure)
{
    thread_gate_init(gate, lock_with, failure);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], i == 2 ? &filter_rng : &filter_vcpu,
                                      "a-name-that-is-too-long", gate, run, i == 0 ? gate : NULL),
                         0);
}

static void finish(struct thread *threads, struct thread_gate *gate)
{
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    thread_join(&threads[0]); /* once more does no harm */
    thread_gate_done(gate);
}

static void test_open(void **state _unused_)
{
    struct thread threads[THREADS];
    struct thread_gate gate;

    make(threads, &gate, NULL);
    assert_int_equal(thread_gate_wait(&gate, THREADS), 0);
    assert_int_equal(locked, THREADS);
    assert_int_equal(ran, 0);
    thread_gate_open(&gate);
    thread_gate_abandon(&gate); /* too late */
    finish(threads, &gate);
    assert_int_equal(ran, THREADS);
    assert_int_equal(stolen_signals, 0);
    assert_string_equal(name, "a-name-that-is-");
}

static void test_abandon(void **state _unused_)
{
    struct thread threads[THREADS];
    struct thread_gate gate;

    make(threads, &gate, NULL);
    thread_gate_abandon(&gate);
    thread_gate_open(&gate);
    finish(threads, &gate);
    assert_int_equal(ran, 0);
    assert_int_equal(locked, THREADS);
}

/* A thread that cannot lock itself down never runs, even when the gate opens. */
static void test_lock_fails(void **state _unused_)
{
    struct thread threads[THREADS];
    struct thread_gate gate;
    int failure = -EPERM;

    make(threads, &gate, &failure);
    assert_int_equal(thread_gate_wait(&gate, THREADS), -EPERM);
    thread_gate_open(&gate);
    finish(threads, &gate);
    assert_int_equal(ran, THREADS - 1);
}

static void on_requests(void *context, unsigned requests)
{
    assert_ptr_equal(context, name);
    requested |= requests;
}

static void test_worker(void **state _unused_)
{
    struct worker worker;
    struct thread_gate gate;

    thread_gate_init(&gate, NULL, NULL);
    assert_int_equal(worker_init(&worker, on_requests, name), 0);
    worker_request(&worker, 1 << 3); /* waits for the thread */
    assert_int_equal(worker_start(&worker, &filter_rng, "worker", &gate), 0);
    worker_request(&worker, 1 << 4);
    assert_int_equal(requested, 0);
    thread_gate_open(&gate);
    for (unsigned i = 0; i < 10000 && requested != (1 << 3 | 1 << 4); i++)
        (void)usleep(1000);
    assert_int_equal(requested, 1 << 3 | 1 << 4);
    worker_stop(&worker);
    worker_stop(&worker);
    worker_done(&worker);
    worker_done(&worker);
    thread_gate_done(&gate);

    struct worker zeroed = {0};
    worker_done(&zeroed);
}

struct call {
    pthread_t thread;
    unsigned n;
    struct worker *worker;
};

static void note_thread(void *argument)
{
    struct call *call = argument;

    call->thread = pthread_self();
    call->n++;
}

static void call_from_within(void *argument)
{
    struct call *call = argument;

    worker_call(call->worker, note_thread, call);
}

/* A call is over when it returns, and was made on the worker's thread, where there is one. */
static void test_worker_call(void **state _unused_)
{
    struct worker worker;
    struct thread_gate gate;
    struct call call = {.worker = &worker};

    thread_gate_init(&gate, NULL, NULL);
    assert_int_equal(worker_init(&worker, NULL, NULL), 0);
    worker_call(&worker, note_thread, &call);
    assert_true(pthread_equal(call.thread, pthread_self()));
    assert_int_equal(worker_start(&worker, &filter_rng, "worker", &gate), 0);
    thread_gate_open(&gate);
    for (unsigned i = 0; i < 1000; i++)
        worker_call(&worker, note_thread, &call);
    assert_int_equal(call.n, 1001);
    assert_true(pthread_equal(call.thread, worker.thread.id));
    worker_call(&worker, call_from_within, &call);
    assert_int_equal(call.n, 1002);
    worker_stop(&worker);
    worker_call(&worker, note_thread, &call);
    assert_true(pthread_equal(call.thread, pthread_self()));
    worker_done(&worker);
    thread_gate_done(&gate);
}

/* A thread that cannot go on is said once, and nobody waits for it. */
static void test_worker_ends(void **state _unused_)
{
    struct worker worker;
    struct thread_gate gate;
    struct call call = {.worker = &worker};

    thread_gate_init(&gate, NULL, NULL);
    assert_int_equal(worker_init(&worker, NULL, NULL), 0);
    assert_int_equal(worker_start(&worker, &filter_rng, "worker", &gate), 0);
    thread_gate_open(&gate);
    worker_call(&worker, note_thread, &call);
    struct capture capture = capture_start();
    worker.loop.epoll_fd = close_fd(worker.loop.epoll_fd);
    /* It may still wait on what was closed: the first one wakes it. */
    for (unsigned i = 2; i < 5; i++) {
        worker_call(&worker, note_thread, &call);
        assert_int_equal(call.n, i);
    }
    assert_true(pthread_equal(call.thread, pthread_self()));
    worker_stop(&worker);
    _cleanup_free_ char *text = capture_end(&capture);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "cannot wait for events"));
    worker_done(&worker);
    thread_gate_done(&gate);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_open, setup),
        cmocka_unit_test_setup(test_abandon, setup),
        cmocka_unit_test_setup(test_lock_fails, setup),
        cmocka_unit_test_setup(test_worker, setup),
        cmocka_unit_test_setup(test_worker_call, setup),
        cmocka_unit_test_setup(test_worker_ends, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
