/* Small finetuning runs for tests: made-up reviews, a golden model to start from, and folders compared. */
#ifndef INK_TESTS_TRAIN_FINETUNE_H
#define INK_TESTS_TRAIN_FINETUNE_H

#include "io/json.h"
#include "io/scratch.h"

#include <inkling/evaluate.h>
#include <inkling/finetune.h>
#include <inkling/session.h>

#include <math.h>

static const char start_dir[] = INK_TEST_DATA "/golden/bert-tiny-cls";

static ink_error err;
static ink_finetune_report report;
static char said[1 << 14]; /* every message of the last run, a line each */

/* A copy that lasts as long as the test. */
static inline const char *keep(const char *path)
{
    static char paths[128][300];
    static size_t next;
    cr_assert(next < 128 && strlen(path) < 300);
    return strcpy(paths[next++], path);
}

/* What a callback does: it keeps messages, and stops the run after stop_every more updates, or the teacher
 * the stop_scoring-th time it tells how far it is. */
struct watch {
    uint64_t stop_every, calls, stop_scoring, scorings;
};
static struct watch watch;

static inline int on_progress(const ink_finetune_progress *p, void *user)
{
    struct watch *w = user;
    if (p->message) {
        const size_t used = strlen(said);
        snprintf(said + used, sizeof said - used, "%s\n", p->message);
        return 0;
    }
    if (p->texts > 0)
        return ++w->scorings == w->stop_scoring;
    return w->stop_every > 0 && ++w->calls == w->stop_every;
}

/* The options of a short run from bert-tiny-cls; data and out are scratch files. */
static inline ink_finetune_options options_of(const char *const *train, const char *const *dev,
                                              const char *out)
{
    ink_finetune_options o = INK_FINETUNE_OPTIONS_INIT;
    o.from = start_dir, o.out = out;
    o.train = train, o.n_train = 1;
    o.dev = dev, o.n_dev = dev ? 1 : 0;
    o.batch_size = 8, o.epochs = 2, o.learning_rate = 2e-3, o.threads = 1, o.eval_steps = 5;
    o.progress = on_progress, o.user = &watch;
    return o;
}

static inline ink_status finetune(const ink_finetune_options *o)
{
    said[0] = '\0';
    watch.calls = watch.scorings = 0;
    return ink_finetune(&report, o, &err);
}

/* n reviews of a few words; their label is that of the one word that counts. `kind`: 's' good and bad, 't'
 * labels of bert-tiny-cls, 'm' lists, 'r' numbers, 'p' pairs that go together or not. */
static inline const char *reviews(const char *name, size_t n, char kind, unsigned seed)
{
    static const char *const filler[] = {"the",     "and",  "is",   "it",    "hotel",
                                         "service", "room", "food", "money", "you"};
    static const char *const good[] = {"good", "great", "fast", "love"}, *const bad[] = {"bad", "slow",
                                                                                         "late", "hate"};
    char *text = calloc(n + 1, 300);
    size_t used = 0;
    for (size_t i = 0; i < n; ++i) {
        char words[200] = "";
        seed = seed * 1103515245u + 12345u;
        const unsigned r = seed >> 8, is_good = r & 1, both = kind == 'm' ? (r >> 1) & 1 : 0;
        for (unsigned w = 0; w < 2 + r / 64 % 7; ++w) {
            strcat(words, filler[(r >> 3 * w) % 10]);
            strcat(words, " ");
        }
        strcat(words, is_good ? good[r / 4 % 4] : bad[r / 4 % 4]);
        if (both)
            strcat(words, " refund");
        const size_t left = (n + 1) * 300 - used;
        char *at = text + used;
        int len = 0;
        switch (kind) {
        case 's':
            len = snprintf(at, left, "{\"text\":\"%s %zu\",\"label\":\"%s\"}\n", words, i,
                           is_good ? "good" : "bad");
            break;
        case 't':
            len = snprintf(at, left, "{\"text\":\"%s\",\"label\":\"%s\"}\n", words,
                           i % 7 == 0 ? "neutral"
                           : is_good  ? "positive"
                                      : "negative");
            break;
        case 'm':
            len = snprintf(at, left, "{\"text\":\"%s\",\"labels\":[\"%s\"%s]}\n", words,
                           is_good ? "good" : "bad", both ? ",\"refund\"" : "");
            break;
        case 'r':
            len = snprintf(at, left, "{\"text\":\"%s\",\"label\":%s.5}\n", words, is_good ? "1" : "-1");
            break;
        case 'p':
            len = snprintf(at, left, "{\"text\":\"%s\",\"text_pair\":\"%s\",\"label\":\"%s\"}\n", words,
                           is_good ? "good hotel" : "bad hotel", i % 2 ? "yes" : "no");
            break;
        }
        used += (size_t)len;
    }
    const char *path = scratch_text(name, text);
    free(text);
    return keep(path);
}

static inline const char *lasting(const char *name)
{
    return keep(scratch_path(name));
}

static inline bool is_in(const char *folder, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static inline char *read_in(size_t *len, const char *folder, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_back(len, path);
}

/* Cuts `,"time":{...}` out of every line. */
static inline size_t without_times(char *text, size_t len)
{
    char *to = text;
    for (const char *from = text, *end = text + len; from < end;) {
        if (strncmp(from, ",\"time\":", 8) == 0)
            from = strchr(from, '}') + 1;
        *to++ = *from++;
    }
    return (size_t)(to - text);
}

/* Every file of the two folders has the same bytes, log.jsonl apart from times. */
static inline void expect_same_folders(const char *a, const char *b, const char *label)
{
    size_t compared = 0;
    DIR *dir = opendir(a);
    cr_assert(dir, "%s", a);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        size_t x_len, y_len;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        cr_expect(is_in(b, entry->d_name), "%s: no %s", label, entry->d_name);
        if (!is_in(b, entry->d_name))
            continue;
        char *x = read_in(&x_len, a, entry->d_name), *y = read_in(&y_len, b, entry->d_name);
        if (strcmp(entry->d_name, "log.jsonl") == 0)
            x_len = without_times(x, x_len), y_len = without_times(y, y_len);
        cr_expect(x_len == y_len && memcmp(x, y, x_len) == 0, "%s: %s differs", label, entry->d_name);
        free(x), free(y);
        ++compared;
    }
    closedir(dir);
    cr_expect(entries_in(a) == entries_in(b), "%s: %d files, wanted %d", label, entries_in(b), entries_in(a));
    cr_expect(compared >= 9, "%s: %zu files", label, compared);
}

#endif
