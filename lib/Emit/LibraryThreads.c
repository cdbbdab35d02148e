/*===- LibraryThreads.c - The threads of one shared library ----------------===
 *
 * Compiled when quantc is built, and linked by `quantc compile --threads=T`
 * into N.so alone: the parallel-for that its N_run gives to N_run_parallel. The
 * threads are pthreadpool's. What is here is what a library in somebody else's
 * process owes that process:
 *
 * - threads start with the first call that has work for several, and end when
 *   the library is closed or the process ends;
 * - a forked child, which has none of its parent's threads, starts its own (and
 *   works alone if another thread was in a call when it was forked);
 * - who calls while another call is in the pool works alone and waits for
 *   nobody;
 * - where the system gives fewer threads than asked for, fewer do the work;
 * - threads take no signals, and sleep when there is no work.
 *
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include <pthread.h>
#include <pthreadpool.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/** Taken by the one call that uses what follows, and for good at the end. */
static atomic_flag busy = ATOMIC_FLAG_INIT;
static pthreadpool_t pool;
/** The process that the pool's threads are in: set beside `pool`. A child may
 * get its dead grandparent's number; the kernel clears `*started` for it. */
static pid_t owner;
static int *started;

/** Whether the pool's threads are in this process. */
static int isHere(void) {
  return pool && owner == getpid() && (!started || *started);
}

static void *waitForEnd(void *semaphore) {
  while (sem_wait(semaphore))
    ;
  return NULL;
}

/** How many of `wanted` threads the system gives besides this one: all live at
 * once here. pthreadpool_create waits forever for one that did not start. */
static size_t threadsToHave(size_t wanted) {
  pthread_t threads[wanted];
  sem_t end;
  size_t count = 0;
  if (sem_init(&end, 0, 0))
    return 0;
  while (count != wanted &&
         !pthread_create(&threads[count], NULL, waitForEnd, &end))
    ++count;
  for (size_t i = 0; i != count; ++i)
    sem_post(&end);
  for (size_t i = 0; i != count; ++i)
    pthread_join(threads[i], NULL);
  sem_destroy(&end);
  return count;
}

static void start(size_t threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  size_t others = threadsToHave(threads - 1);
  /* A forked child's old pool is left as it is: no thread there is to end. */
  pool = others ? pthreadpool_create(others + 1) : NULL;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  owner = getpid();
  if (!started) {
    void *page = mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
      return;
    if (madvise(page, sizeof *started, MADV_WIPEONFORK)) {
      munmap(page, sizeof *started); /* Linux before 4.14 */
      return;
    }
    started = page;
  }
  *started = 1;
}

/** N_parallel_for of the library's own N_run. `threads` leads to how many. */
__attribute__((visibility("hidden"))) void
quantc_library_parallel_for(void *threads, size_t parts,
                            void (*task)(void *, size_t), void *context) {
  if (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
    for (size_t part = 0; part != parts; ++part)
      task(context, part);
    return;
  }
  if (!isHere())
    start(*(const size_t *)threads);
  /* Without a pool, pthreadpool works in this thread. */
  pthreadpool_parallelize_1d(pool, task, context, parts,
                             PTHREADPOOL_FLAG_YIELD_WORKERS);
  atomic_flag_clear_explicit(&busy, memory_order_release);
}

__attribute__((destructor)) static void end(void) {
  if (!isHere())
    return;
  /* A call in another thread comes to its end first; later ones work alone. */
  while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
    sched_yield();
  pthreadpool_destroy(pool);
  pool = NULL;
  if (started)
    munmap(started, sizeof *started);
}
