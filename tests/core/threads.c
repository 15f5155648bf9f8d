/* How many threads: cgroup trees of every kind, written to a temporary directory, the affinity mask, the
 * environment; and OpenMP's setting. The trees are laid out as Linux's cgroup-v1 and cgroup-v2 documents and
 * cgroups(7) have them. */
#include "core/threads.h"
#include "support/random_model.h"

#include <inkling/model.h>

#include <criterion/criterion.h>

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CGROUP "proc/self/cgroup"
#define V2     "sys/fs/cgroup"
#define V1     "sys/fs/cgroup/cpu,cpuacct"

struct tree {
    const char *what;
    size_t quota;
    struct {
        const char *path, *text;
    } files[10];
};

static const struct tree trees[] = {
    /* v2 */
    {"v2: two processors", 2, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "200000 100000\n"}}},
    {"v2: a part of a processor counts whole",
     1,
     {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "5000 100000\n"}}},
    {"v2: one and a half are two", 2, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "150000 100000\n"}}},
    {"v2: a hair above three is four", 4, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "300001 100000\n"}}},
    {"v2: another period", 3, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "75000 25000\n"}}},
    {"v2: no limit", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "max 100000\n"}}},
    {"v2: the parent binds",
     2,
     {{CGROUP, "0::/a/b/c\n"},
      {V2 "/a/b/c/cpu.max", "700000 100000\n"},
      {V2 "/a/b/cpu.max", "200000 100000\n"},
      {V2 "/a/cpu.max", "max 100000\n"}}},
    {"v2: the child binds",
     3,
     {{CGROUP, "0::/a/b/c\n"},
      {V2 "/a/b/c/cpu.max", "300000 100000\n"},
      {V2 "/a/b/cpu.max", "max 100000\n"},
      {V2 "/a/cpu.max", "900000 100000\n"}}},
    {"v2: the grandparent binds, across a level that has no file",
     2,
     {{CGROUP, "0::/a/b/c\n"}, {V2 "/a/b/c/cpu.max", "max 100000\n"}, {V2 "/a/cpu.max", "200000 100000\n"}}},
    {"v2: a neighbour's limit is not ours",
     0,
     {{CGROUP, "0::/a/b\n"}, {V2 "/a/c/cpu.max", "100000 100000\n"}, {V2 "/a/b/cpu.max", "max 100000\n"}}},
    {"v2: in the root group of a container's own hierarchy",
     5,
     {{CGROUP, "0::/\n"}, {V2 "/cpu.max", "500000 100000\n"}}},
    {"v2: in a container that sees the host's path but not its groups",
     2,
     {{CGROUP, "0::/system.slice/docker-0123.scope\n"}, {V2 "/cpu.max", "200000 100000\n"}}},
    {"v2: no newline at the end", 2, {{CGROUP, "0::/job"}, {V2 "/job/cpu.max", "200000 100000"}}},
    {"v2: a colon in the group's name", 2, {{CGROUP, "0::/a:b\n"}, {V2 "/a:b/cpu.max", "200000 100000\n"}}},
    /* v1 */
    {"v1: no limit",
     0,
     {{CGROUP, "4:cpu,cpuacct:/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "-1\n"},
      {V1 "/job/cpu.cfs_period_us", "100000\n"}}},
    {"v1: three processors",
     3,
     {{CGROUP, "12:pids:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "300000\n"},
      {V1 "/job/cpu.cfs_period_us", "100000\n"}}},
    {"v1: the parent binds",
     2,
     {{CGROUP, "4:cpu,cpuacct:/a/b\n"},
      {V1 "/a/b/cpu.cfs_quota_us", "-1\n"},
      {V1 "/a/b/cpu.cfs_period_us", "100000\n"},
      {V1 "/a/cpu.cfs_quota_us", "150000\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"}}},
    {"v1: in a container, where the group's path is not visible",
     4,
     {{CGROUP, "4:cpu,cpuacct:/docker/0123\n"},
      {V1 "/cpu.cfs_quota_us", "400000\n"},
      {V1 "/cpu.cfs_period_us", "100000\n"}}},
    {"v1: mounted under the controller's short name",
     2,
     {{CGROUP, "4:cpuacct,cpu:/job\n"},
      {"sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n"}}},
    {"v1: cpuset and cpuacct are not cpu",
     0,
     {{CGROUP, "4:cpuset,cpuacct:/job\n"},
      {"sys/fs/cgroup/cpuset,cpuacct/job/cpu.cfs_quota_us", "100000\n"},
      {"sys/fs/cgroup/cpuset,cpuacct/job/cpu.cfs_period_us", "100000\n"}}},
    {"v1: a quota without a period",
     0,
     {{CGROUP, "4:cpu,cpuacct:/job\n"}, {V1 "/job/cpu.cfs_quota_us", "300000\n"}}},
    /* both */
    {"hybrid: v2 beside v1", 3, {{CGROUP, "0::/job\n"}, {V2 "/unified/job/cpu.max", "300000 100000\n"}}},
    {"hybrid: the smaller of two",
     2,
     {{CGROUP, "4:cpu,cpuacct:/job\n0::/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "200000\n"},
      {V1 "/job/cpu.cfs_period_us", "100000\n"},
      {V2 "/unified/job/cpu.max", "300000 100000\n"}}},
    {"hybrid: the smaller of two, the other way round",
     2,
     {{CGROUP, "4:cpu,cpuacct:/job\n0::/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "500000\n"},
      {V1 "/job/cpu.cfs_period_us", "100000\n"},
      {V2 "/unified/job/cpu.max", "200000 100000\n"}}},
    /* missing or broken */
    {"nothing at all", 0, {{NULL, NULL}}},
    {"a group without files", 0, {{CGROUP, "0::/job\n"}}},
    {"limits but no list of groups", 0, {{V2 "/cpu.max", "100000 100000\n"}}},
    {"an empty list of groups", 0, {{CGROUP, ""}, {V2 "/cpu.max", "100000 100000\n"}}},
    {"lines that are not a list of groups", 0, {{CGROUP, "\n:\nbanana\n7\n0:\n::\n:::\n\x01\xFF\n"}}},
    {"garbage lines before ours",
     2,
     {{CGROUP, "banana\n:\n0::/job\n"}, {V2 "/job/cpu.max", "200000 100000\n"}}},
    {"cpu.max is empty", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", ""}}},
    {"cpu.max has one number", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "100000\n"}}},
    {"cpu.max has words", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "half a processor\n"}}},
    {"a period of zero", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "100000 0\n"}}},
    {"a quota of zero", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "0 100000\n"}}},
    {"a negative quota", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "-200000 100000\n"}}},
    {"a negative period", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "200000 -100000\n"}}},
    {"not numbers", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "nan nan\n"}}},
    {"an infinite quota", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "inf 100000\n"}}},
    {"an absurd quota", 0, {{CGROUP, "0::/job\n"}, {V2 "/job/cpu.max", "1e300 1\n"}}},
    {"garbage in the child does not hide the parent",
     2,
     {{CGROUP, "0::/a/b\n"}, {V2 "/a/b/cpu.max", "?\n"}, {V2 "/a/cpu.max", "200000 100000\n"}}},
};

/* Writes dir/path, making the directories on the way. */
static void put(const char *dir, const char *path, const char *text)
{
    char at[512];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(at, sizeof at, "%s/%.*s", dir, (int)(slash - path), path);
        mkdir(at, 0700);
    }
    scratch_write(dir, path, text, strlen(text));
}

static size_t quota_of(const char *dir)
{
    char proc[512], sys[512];
    snprintf(proc, sizeof proc, "%s/proc", dir);
    snprintf(sys, sizeof sys, "%s/sys", dir);
    return ink__cgroup_quota(proc, sys);
}

Test(threads, the_smallest_quota_on_the_way_up_binds)
{
    for (size_t i = 0; i < sizeof trees / sizeof *trees; ++i) {
        char dir[256];
        scratch_dir(dir);
        for (size_t k = 0; trees[i].files[k].path; ++k)
            put(dir, trees[i].files[k].path, trees[i].files[k].text);
        const size_t quota = quota_of(dir);
        cr_expect(quota == trees[i].quota, "%s: %zu, wanted %zu", trees[i].what, quota, trees[i].quota);
        scratch_remove(dir);
    }
}

Test(threads, paths_longer_than_a_path_can_be_are_no_quota)
{
    static char line[20000];
    char dir[256];
    memcpy(line, "0::/", 4);
    for (size_t len = 4000; len < sizeof line - 1; len = len < 4110 ? len + 1 : len + 3989) {
        memset(line + 4, 'a', len - 4);
        line[len] = '\0';
        scratch_dir(dir);
        put(dir, CGROUP, line);
        cr_expect(quota_of(dir) == 0, "a line of %zu bytes", len);
        scratch_remove(dir);
    }
}

Test(threads, the_environment_decides_if_it_holds_a_number)
{
    const char *why = NULL;
    setenv("INK_THREADS", "3", 1);
    cr_expect(ink_threads_default(&why) == 3);
    cr_expect(strstr(why, "INK_THREADS"), "%s", why);
    setenv("INK_THREADS", "1024", 1);
    cr_expect(ink_threads_default(NULL) == 1024, "the reason may be left out");
}

Test(threads, an_environment_that_holds_no_number_is_passed_over)
{
    static const char *const values[] = {"",
                                         "0",
                                         "00",
                                         "-1",
                                         "+3",
                                         " 3",
                                         "3 ",
                                         "1025",
                                         "zwei",
                                         "3x",
                                         "3,5",
                                         "0x2",
                                         "1e1",
                                         "99999999999999999999",
                                         "-18446744073709551613" /* 3, to strtoul */};
    unsetenv("INK_THREADS");
    const size_t otherwise = ink_threads_default(NULL);
    cr_assert(otherwise >= 1);
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
        const char *why = NULL;
        setenv("INK_THREADS", values[i], 1);
        const size_t n = ink_threads_default(&why);
        cr_expect(n == otherwise && !strstr(why, "INK_THREADS"), "`%s`: %zu, %s", values[i], n, why);
    }
}

Test(threads, one_processor_in_the_affinity_mask_is_one_thread)
{
    cpu_set_t before, one;
    const char *why = NULL;
    unsetenv("INK_THREADS");
    cr_assert(sched_getaffinity(0, sizeof before, &before) == 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    cr_assert(sched_setaffinity(0, sizeof one, &one) == 0);
    cr_expect(ink_threads_default(&why) == 1);
    cr_expect(strstr(why, "affinity"), "%s", why);
    setenv("INK_THREADS", "2", 1);
    cr_expect(ink_threads_default(&why) == 2, "the environment overrides the mask");
    cr_assert(sched_setaffinity(0, sizeof before, &before) == 0);
}

Test(threads, never_more_threads_than_the_affinity_mask_has_processors)
{
    cpu_set_t mask;
    unsetenv("INK_THREADS");
    cr_assert(sched_getaffinity(0, sizeof mask, &mask) == 0);
    const size_t n = ink_threads_default(NULL);
    cr_expect(n >= 1 && n <= (size_t)CPU_COUNT(&mask), "%zu threads, %d processors", n, CPU_COUNT(&mask));
}

static void *omp_threads_here(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)omp_get_max_threads();
}

Test(threads, openmps_setting_is_put_back)
{
    omp_set_num_threads(3);
    const int before = ink__omp_enter(7);
    cr_expect(omp_get_max_threads() == 7);
    const int inner = ink__omp_enter(1);
    cr_expect(omp_get_max_threads() == 1);
    ink__omp_leave(inner);
    cr_expect(omp_get_max_threads() == 7);
    ink__omp_leave(before);
    cr_expect(omp_get_max_threads() == 3);
}

Test(threads, another_threads_setting_is_left_alone)
{
    void *first, *second;
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, omp_threads_here, NULL) == 0 &&
              pthread_join(thread, &first) == 0);
    const int before = ink__omp_enter(11);
    cr_assert(pthread_create(&thread, NULL, omp_threads_here, NULL) == 0 &&
              pthread_join(thread, &second) == 0);
    ink__omp_leave(before);
    cr_expect((intptr_t)first == (intptr_t)second, "%d, then %d", (int)(intptr_t)first,
              (int)(intptr_t)second);
}
