/* Small pretraining runs for tests. */
#ifndef INK_TESTS_TRAIN_PRETRAIN_H
#define INK_TESTS_TRAIN_PRETRAIN_H

#include "train/finetune.h"

#include <inkling/pretrain.h>

static ink_pretrain_report found;
static double last_rate, last_done;
static ink_replacing last_replacing;

static inline int on_update(const ink_pretrain_progress *p, void *user)
{
    struct watch *w = user;
    if (p->message) {
        const size_t used = strlen(said);
        snprintf(said + used, sizeof said - used, "%s\n", p->message);
        return 0;
    }
    last_rate = p->learning_rate, last_done = p->done, last_replacing = p->replacing;
    return p->step > 0 && w->stop_every > 0 && ++w->calls == w->stop_every;
}

/* n lines of words of bert-tiny-cls, no two alike unless `period` says so. */
static inline const char *lines(const char *name, size_t n, size_t period)
{
    static const char *const words[] = {"the",   "hotel", "was",   "good", "and",   "slow", "food",
                                        "never", "you",   "staff", "love", "money", "it",   "late"};
    char *text = calloc(n + 1, 200);
    for (size_t i = 0, used = 0; i < n; ++i) {
        unsigned seed = (unsigned)(i % period) * 2654435761u + 17;
        for (size_t w = 0; w < 6 + i % period % 7; ++w, seed = seed * 1103515245u + 12345u)
            used += (size_t)sprintf(text + used, "%s ", words[(seed >> 16) % 14]);
        used += (size_t)sprintf(text + used, "\n");
    }
    const char *path = keep(scratch_text(name, text));
    free(text);
    return path;
}

static inline ink_pretrain_options pretraining(const char *const *corpus, const char *out)
{
    ink_pretrain_options o = INK_PRETRAIN_OPTIONS_INIT;
    o.from = start_dir, o.out = out;
    o.corpus = corpus, o.n_corpus = 1;
    o.steps = 10, o.batch_size = 8, o.learning_rate = 2e-3, o.threads = 1, o.max_length = 16;
    o.progress = on_update, o.user = &watch;
    return o;
}

static inline ink_status pretrain(const ink_pretrain_options *o)
{
    said[0] = '\0', watch.calls = 0;
    return ink_pretrain(&found, o, &err);
}

/* Whether the folders hold the same run, but for times. */
static inline void expect_same_run(const char *a_dir, const char *b_dir, const char *const *files, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        size_t a_len, b_len;
        char *a = read_in(&a_len, a_dir, files[i]), *b = read_in(&b_len, b_dir, files[i]);
        if (strstr(files[i], "log.jsonl"))
            a_len = without_times(a, a_len), b_len = without_times(b, b_len);
        cr_expect(a_len == b_len && memcmp(a, b, a_len) == 0, "%s", files[i]);
        free(a), free(b);
    }
}

#endif
