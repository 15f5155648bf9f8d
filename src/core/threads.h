/* How many threads, and how OpenMP is told. */
#ifndef INK_CORE_THREADS_H
#define INK_CORE_THREADS_H

#include <stddef.h>

/* Sets the calling thread's OpenMP thread count (1 to INT_MAX) and returns what it was, for ink__omp_leave:
 * oneDNN reads it when a primitive is made and when it runs, and a library leaves its caller's settings as
 * they were. */
int ink__omp_enter(size_t threads);
void ink__omp_leave(int before);

/* The CPU quota of the cgroup this process is in, rounded up to whole processors; 0 where there is none.
 * `proc` and `sys` are normally "/proc" and "/sys"; a test gives a tree of its own. */
size_t ink__cgroup_quota(const char *proc, const char *sys);

#endif
