/* A teacher, the texts it is asked for, and its answers on disk: see teacher.h. */
#include "train/teacher.h"
#include "core/memory.h"
#include "model/model.h"
#include "model/companions.h"
#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ink_status ink__teacher_open(ink__teacher *t, const char *dir, ink_error *err)
{
    static const ink__task tasks[] = {[INK_ACTIVATION_SOFTMAX] = INK__TASK_SINGLE,
                                      [INK_ACTIVATION_SIGMOID] = INK__TASK_MULTI,
                                      [INK_ACTIVATION_NONE] = INK__TASK_REGRESSION};
    INK_TRY(ink_model_open(&t->model, dir, NULL, err));
    t->dir = dir, t->C = ink_model_labels(t->model);
    if (t->C == 0)
        return ink_fail(err, INK_E_ARG, "the teacher %s has no classification head: it has nothing to teach",
                        dir);
    t->task = tasks[t->model->config.output];
    if (t->task == INK__TASK_REGRESSION && t->C != 1)
        return ink_fail(err, INK_E_UNSUPPORTED, "the teacher %s gives %zu values a text, wanted 1", dir,
                        t->C);
    return ink__model_digest(&t->digest, t->model, err);
}

void ink__teacher_free(ink__teacher *t)
{
    ink_model_free(t->model);
    ink__distinct_free(&t->texts);
    free(t->places);
    free(t->logits);
    free(t->done);
    *t = (ink__teacher){0};
}

ink_status ink__teacher_add(uint32_t **texts, ink__teacher *t, const ink__dataset *d, ink_error *err)
{
    INK_TRY(ink__calloc(texts, d->n, sizeof **texts, "texts", err));
    for (size_t i = 0; i < d->n; ++i)
        INK_TRY(ink__distinct_add(&(*texts)[i], &t->texts, d->rows[i].text, err));
    return INK_OK;
}

ink_status ink__teacher_match(ink__teacher *t, const ink__label_set *names, ink_error *err)
{
    INK_TRY(ink__calloc(&t->places, t->C, sizeof *t->places, "labels", err));
    for (size_t c = 0; c < t->C && t->task != INK__TASK_REGRESSION; ++c) {
        const char *label = ink_model_label(t->model, c);
        t->places[c] = ink__label_set_find(names, label, strlen(label));
        if (t->places[c] == UINT32_MAX)
            return ink_fail(err, INK_E_ARG, "the teacher %s has the label \"%.160s\", which is not learned",
                            t->dir, label);
    }
    return INK_OK;
}

/* ---- on disk --------------------------------------------------------------------------------------- */

enum { SECTIONS = 4 };

/* What must be the same for answers to be used again, and then the answers. */
static ink__digest key_of(const ink__teacher *t, const ink__asking *asking)
{
    const uint8_t head_tail = asking->head_tail;
    const ink__digest key = ink__digest_of(t->digest, &head_tail, sizeof head_tail);
    return ink__digest_of(key, t->places, t->C * sizeof *t->places);
}

static void list(ink__section sections[SECTIONS], const ink__teacher *t, const ink__digest *key)
{
    sections[0] = (ink__section){"teacher", key, sizeof *key};
    sections[1] = (ink__section){"texts", t->texts.digests, t->texts.n * sizeof *t->texts.digests};
    sections[2] = (ink__section){"done", t->done, t->texts.n * sizeof *t->done};
    sections[3] = (ink__section){"logits", t->logits, t->texts.n * t->C * sizeof *t->logits};
}

ink_status ink__teacher_keep(const ink__teacher *t, const ink__asking *asking, ink_error *err)
{
    const ink__digest key = key_of(t, asking);
    ink__section sections[SECTIONS];
    list(sections, t, &key);
    return ink__checkpoint_write(asking->file, sections, SECTIONS, err);
}

ink_status ink__teacher_recall(ink__teacher *t, const ink__asking *asking, ink_error *err)
{
    const ink__digest key = key_of(t, asking);
    ink__section mine[SECTIONS];
    ink__checkpoint *file;
    bool same = true;
    if (access(asking->file, F_OK) != 0)
        return INK_OK;
    const ink_status st = ink__checkpoint_open(&file, asking->file, err);
    if (st == INK_E_FORMAT || st == INK_E_UNSUPPORTED)
        return INK_OK;
    INK_TRY(st);
    list(mine, t, &key);
    const ink__section *found[SECTIONS];
    for (size_t i = 0; i < SECTIONS; ++i) {
        found[i] = ink__checkpoint_find(file, mine[i].name);
        same = same && found[i] && found[i]->size == mine[i].size;
    }
    for (size_t i = 0; i < 2; ++i)
        same = same && memcmp(found[i]->data, mine[i].data, mine[i].size) == 0;
    if (same) {
        memcpy(t->done, found[2]->data, mine[2].size);
        memcpy(t->logits, found[3]->data, mine[3].size);
        for (size_t i = 0; i < t->texts.n; ++i)
            t->recalled += t->done[i] != 0;
        t->scored = t->recalled;
    }
    ink__checkpoint_close(file);
    return INK_OK;
}
