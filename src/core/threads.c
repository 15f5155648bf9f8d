/* Threads: see threads.h. The cgroup rules are those of Linux's cgroup-v1 sched-bwc and cgroup-v2 documents:
 * a limit anywhere on the way from our group up to the root binds us, so the smallest one counts. */
#include "core/threads.h"

#include <inkling/model.h>

#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

int ink__omp_enter(size_t threads)
{
    const int before = omp_get_max_threads();
    omp_set_num_threads((int)threads);
    return before;
}

void ink__omp_leave(int before)
{
    omp_set_num_threads(before);
}

/* Reads a small file's first line; false if it cannot be. */
static bool read_line(char *line, size_t size, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    const bool ok = fgets(line, (int)size, f) != NULL;
    fclose(f);
    return ok;
}

static size_t whole_processors(double quota, double period)
{
    if (!(quota > 0) || !(period > 0) || quota / period > 1e6)
        return 0;
    const size_t n = (size_t)(quota / period);
    return n + ((double)n * period < quota);
}

/* v2: cpu.max holds "max 100000" or "150000 100000". */
static size_t quota_v2(const char *dir)
{
    char path[PATH_SIZE], line[128];
    double quota, period;
    if (snprintf(path, sizeof path, "%s/cpu.max", dir) >= (int)sizeof path ||
        !read_line(line, sizeof line, path) || sscanf(line, "%lf %lf", &quota, &period) != 2)
        return 0;
    return whole_processors(quota, period);
}

/* v1: cpu.cfs_quota_us is -1 where there is no limit. */
static size_t quota_v1(const char *dir)
{
    char path[PATH_SIZE], line[128];
    double quota, period;
    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", dir) >= (int)sizeof path ||
        !read_line(line, sizeof line, path) || sscanf(line, "%lf", &quota) != 1)
        return 0;
    if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir) >= (int)sizeof path ||
        !read_line(line, sizeof line, path) || sscanf(line, "%lf", &period) != 1)
        return 0;
    return whole_processors(quota, period);
}

/* The smallest limit from group up to the root of the hierarchy mounted at `mount`. In a container the path
 * may name a group that is not visible; then the walk ends at the mount itself, which is ours. */
static size_t quota_upwards(const char *mount, const char *group, size_t (*quota_at)(const char *dir))
{
    char dir[PATH_SIZE];
    if (snprintf(dir, sizeof dir, "%s%s", mount, group) >= (int)sizeof dir)
        return 0;
    size_t smallest = 0;
    const size_t root = strlen(mount);
    for (;;) {
        const size_t quota = quota_at(dir);
        if (quota > 0 && (smallest == 0 || quota < smallest))
            smallest = quota;
        char *slash = strrchr(dir, '/');
        if (!slash || strlen(dir) <= root)
            return smallest;
        *slash = '\0';
        if (strlen(dir) < root)
            return smallest;
    }
}

/* True if `name` is one of the comma-separated controllers. */
static bool has_controller(const char *controllers, const char *name)
{
    const size_t len = strlen(name);
    for (const char *p = controllers; *p;) {
        const size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, name, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

size_t ink__cgroup_quota(const char *proc, const char *sys)
{
    char path[PATH_SIZE], line[PATH_SIZE], mount[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/self/cgroup", proc) >= (int)sizeof path)
        return 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t smallest = 0;
    while (fgets(line, sizeof line, f)) { /* "0::/group" (v2) or "4:cpu,cpuacct:/group" (v1) */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0', ++controllers;
        if (strcmp(group, "/") == 0 || strstr(group, "/..")) /* the second: outside our namespace */
            group = "";
        size_t quota = 0;
        if (*controllers == '\0') {
            if (snprintf(mount, sizeof mount, "%s/fs/cgroup", sys) < (int)sizeof mount)
                quota = quota_upwards(mount, group, quota_v2);
            if (quota == 0 && snprintf(mount, sizeof mount, "%s/fs/cgroup/unified", sys) < (int)sizeof mount)
                quota = quota_upwards(mount, group, quota_v2);
        } else if (has_controller(controllers, "cpu")) {
            if (snprintf(mount, sizeof mount, "%s/fs/cgroup/%s", sys, controllers) < (int)sizeof mount)
                quota = quota_upwards(mount, group, quota_v1);
            if (quota == 0 && snprintf(mount, sizeof mount, "%s/fs/cgroup/cpu", sys) < (int)sizeof mount)
                quota = quota_upwards(mount, group, quota_v1);
        }
        if (quota > 0 && (smallest == 0 || quota < smallest))
            smallest = quota;
    }
    fclose(f);
    return smallest;
}

/* Processors this process may run on. The mask is asked for with growing room: a big machine's does not fit
 * cpu_set_t's 1,024. */
static size_t affinity(void)
{
    for (int room = 1024; room <= 1 << 20; room *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)room);
        if (!set)
            break;
        const size_t bytes = CPU_ALLOC_SIZE((size_t)room);
        CPU_ZERO_S(bytes, set);
        const int n = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (n > 0)
            return (size_t)n;
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t ink_threads_default(const char **why)
{
    const char *ignore;
    if (!why)
        why = &ignore;
    const char *env = getenv("INK_THREADS");
    if (env && *env >= '0' && *env <= '9') { /* strtoul would take a sign, and wrap it round */
        char *end;
        const unsigned long n = strtoul(env, &end, 10);
        if (*end == '\0' && n >= 1 && n <= 1024) {
            *why = "the environment variable INK_THREADS";
            return n;
        }
    }
    const size_t processors = affinity(), quota = ink__cgroup_quota("/proc", "/sys");
    if (quota > 0 && quota < processors) {
        *why = "the cgroup's CPU quota, rounded up";
        return quota;
    }
    *why = "the processors of the affinity mask";
    return processors;
}
