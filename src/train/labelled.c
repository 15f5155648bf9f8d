/* Labelled records and their scores: see labelled.h. A worker turns each record into a packet of bytes in its
 * result; the pipeline hands results over in the order of the records, and packets become rows. */
#include "train/labelled.h"
#include "core/memory.h"
#include "infer/model_worker.h"
#include "infer/session.h"
#include "train/truths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subject {
    const ink_model *model, *compare;
    ink_activation kind;
    size_t C;
    ink__truths truths;
    size_t *places; /* [C] of the first model's labels among the second's */
    bool keep;      /* ids and texts of mistakes */
    bool logits;    /* they are wanted, too */
    bool slice;
    ink__labelled *into;
};

struct state {
    const struct subject *subject;
    const ink_job_options *options;
    ink__model_worker *first, *second; /* second NULL without a model to compare */
    ink__string *labels;               /* of the record at hand */
    size_t labels_capacity;
    uint8_t *set;  /* [C] */
    float *scores; /* [C] */
};

/* What stands before a record's scores, its logits, the other model's scores, its truths [C] and the bytes of
 * group, id, text and pair. */
struct packet {
    double target;
    int32_t truth;
    bool kept, has_pair, has_group;
    size_t group_len, id_len, text_len, pair_len;
};

/* ---- computing ------------------------------------------------------------------------------------- */

static void state_close(void *p)
{
    struct state *s = p;
    if (s->first)
        ink__model_worker_close(s->first);
    if (s->second)
        ink__model_worker_close(s->second);
    free(s->labels);
    free(s->set);
    free(s->scores);
    free(s);
}

static ink_status open_worker(ink__model_worker **worker, const ink_model *model, const ink__work *work,
                              const ink_job_options *options, ink_error *err)
{
    ink_model_info info;
    ink__work own = *work;
    void *p = NULL;
    ink_model_get_info(&info, model);
    own.subject = model;
    own.max_length = options->max_length ? options->max_length : info.max_length;
    const ink_status st = ink__model_worker_open(&p, &own, options, err);
    *worker = st == INK_OK ? p : NULL;
    return st;
}

static ink_status state_open(void **state, const ink__work *work, const ink_job_options *options,
                             ink_error *err)
{
    const struct subject *subject = work->subject;
    struct state *s;
    ink_status st;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "worker", err));
    s->subject = subject, s->options = options;
    INK_TRY_GOTO(ink__calloc(&s->set, subject->C, sizeof *s->set, "worker", err));
    INK_TRY_GOTO(ink__calloc(&s->scores, subject->C, sizeof *s->scores, "worker", err));
    INK_TRY_GOTO(open_worker(&s->first, subject->model, work, options, err));
    if (subject->compare)
        INK_TRY_GOTO(open_worker(&s->second, subject->compare, work, options, err));
done:
    if (st == INK_OK)
        *state = s;
    else
        state_close(s);
    return st;
}

static ink_status read_truth(struct packet *packet, struct state *s, const ink__unit *unit,
                             const ink__unit_record *r, ink_error *err)
{
    const ink__truths *truths = &s->subject->truths;
    INK_TRY(ink__grow(&s->labels, &s->labels_capacity, r->n_labels, sizeof *s->labels, "labels", err));
    for (size_t i = 0; i < r->n_labels; ++i) {
        const ink__unit_string *u = &unit->strings[r->labels + i];
        s->labels[i] = (ink__string){ink__unit_at(unit, u->at), u->len};
    }
    switch (s->subject->kind) {
    case INK_ACTIVATION_SOFTMAX:
        return ink__truths_one(&packet->truth, truths, s->labels, r->n_labels, err);
    case INK_ACTIVATION_SIGMOID:
        return ink__truths_set(s->set, truths, s->labels, r->n_labels, err);
    case INK_ACTIVATION_NONE:
        break;
    }
    return ink__truths_value(&packet->target, s->labels, r->n_labels, err);
}

static bool mistaken(const struct state *s, const struct packet *packet, const float *scores)
{
    const float *thresholds = ink__thresholds(s->subject->model);
    size_t best = 0;
    bool wrong = s->subject->kind == INK_ACTIVATION_NONE;
    for (size_t c = 0; c < s->subject->C; ++c) {
        best = scores[c] > scores[best] ? c : best;
        if (s->subject->kind == INK_ACTIVATION_SIGMOID)
            wrong |= (scores[c] >= (thresholds ? thresholds[c] : 0.5f)) != s->set[c];
    }
    return wrong || (s->subject->kind == INK_ACTIVATION_SOFTMAX && (int32_t)best != packet->truth);
}

static ink_status put(ink__result *result, const void *bytes, size_t len, ink_error *err)
{
    return ink__text_bytes(&result->out, bytes, len, err);
}

static ink_status put_record(ink__result *result, struct packet *packet, const struct state *s,
                             const ink__unit *unit, const ink__unit_record *r, size_t good, ink_error *err)
{
    const struct subject *subject = s->subject;
    const size_t C = subject->C;
    const float *logits = s->first->out + good * C; /* [C] */
    float *scores = s->scores;                      /* [C] */
    const ink_calibration *calibration = subject->model->calibration;
    const ink__unit_string *group = subject->slice ? &unit->strings[r->fields] : NULL;
    memcpy(scores, logits, C * sizeof *scores);
    ink__scores_of_logits(scores, 1, C, subject->kind, calibration ? (float)calibration->temperature : 1);
    packet->has_group = group && group->at != SIZE_MAX;
    packet->group_len = packet->has_group ? group->len : 0;
    packet->kept = subject->keep && mistaken(s, packet, scores);
    if (packet->kept) {
        packet->id_len = r->id_len, packet->text_len = r->text_len;
        packet->has_pair = r->has_pair, packet->pair_len = r->has_pair ? r->pair_len : 0;
    }
    INK_TRY(put(result, packet, sizeof *packet, err));
    INK_TRY(put(result, scores, C * sizeof *scores, err));
    if (subject->logits)
        INK_TRY(put(result, logits, C * sizeof *logits, err));
    for (size_t c = 0; subject->compare && c < C; ++c)
        INK_TRY(put(result, s->second->out + good * C + subject->places[c], sizeof *scores, err));
    INK_TRY(put(result, s->set, C, err));
    if (packet->has_group)
        INK_TRY(put(result, ink__unit_at(unit, group->at), group->len, err));
    if (!packet->kept)
        return INK_OK;
    INK_TRY(put(result, ink__unit_at(unit, r->id), r->id_len, err));
    INK_TRY(put(result, ink__unit_at(unit, r->text), r->text_len, err));
    return packet->has_pair ? put(result, ink__unit_at(unit, r->pair), r->pair_len, err) : INK_OK;
}

static ink_status one_record(ink__result *result, bool *stop, struct state *s, const ink__unit *unit,
                             const ink__unit_record *r, size_t good, ink_error *err)
{
    const ink_text_use *use = &s->first->uses[good];
    struct packet packet;
    ink_error why;
    memset(&packet, 0, sizeof packet); /* its padding is copied, too */
    const ink_status st = read_truth(&packet, s, unit, r, &why);
    if (st == INK_E_FORMAT) {
        char sentence[sizeof why.text + 300];
        snprintf(sentence, sizeof sentence, "%.250s: line %llu: %s", ink__unit_at(unit, r->source),
                 (unsigned long long)r->line, why.text);
        ink__result_failed(result, stop, unit, r, sentence, s->options->stop_on_error);
        return INK_OK;
    }
    if (st != INK_OK)
        return ink_fail(err, st, "%s", why.text);
    result->tokens += use->computed;
    result->truncated += use->used < use->tokens;
    return put_record(result, &packet, s, unit, r, good, err);
}

/* The first model's logits: its scores are made of them, record by record. */
static ink_status score(ink__model_worker *w, bool logits, const ink__unit *unit, ink_error *err)
{
    const ink_text_options options = {.version = 1,
                                      .max_length = w->options->max_length,
                                      .parse_special = w->options->parse_special,
                                      .long_texts = w->options->long_texts};
    size_t n;
    INK_TRY(ink__model_worker_gather(&n, w, unit, w->info.labels, err));
    return (logits ? ink__logits_texts : ink_classify_texts)(w->out, n * w->info.labels, w->uses, w->session,
                                                             w->texts, n, &options, err);
}

static ink_status run(ink__result *result, void *state, const ink__unit *unit, ink_error *err)
{
    struct state *s = state;
    bool stop = false;
    INK_TRY(score(s->first, true, unit, err));
    if (s->second)
        INK_TRY(score(s->second, false, unit, err));
    for (size_t i = 0, good = 0; i < unit->n && !stop; ++i) {
        const ink__unit_record *r = &unit->records[i];
        if (r->error != SIZE_MAX)
            ink__result_failed(result, &stop, unit, r, ink__unit_at(unit, r->error),
                               s->options->stop_on_error);
        else
            INK_TRY(one_record(result, &stop, s, unit, r, good++, err));
    }
    return INK_OK;
}

/* ---- gathering ------------------------------------------------------------------------------------- */

static ink_status make_room(ink__labelled *l, const struct subject *subject, ink_error *err)
{
    const size_t n = l->n + 1, C = l->C;
    size_t entries;
    if (!ink__mul(&entries, n, C))
        return ink_fail(err, INK_E_MEMORY, "no memory for the scores of %zu records", n);
    INK_TRY(ink__grow(&l->scores, &l->capacity[0], entries, sizeof *l->scores, "scores", err));
    if (subject->logits)
        INK_TRY(ink__grow(&l->logits, &l->capacity[6], entries, sizeof *l->logits, "scores", err));
    if (subject->compare)
        INK_TRY(ink__grow(&l->compared, &l->capacity[1], entries, sizeof *l->compared, "scores", err));
    if (l->kind == INK_ACTIVATION_SOFTMAX)
        INK_TRY(ink__grow(&l->truth, &l->capacity[2], n, sizeof *l->truth, "labels", err));
    else if (l->kind == INK_ACTIVATION_SIGMOID)
        INK_TRY(ink__grow(&l->truths, &l->capacity[3], entries, sizeof *l->truths, "labels", err));
    else
        INK_TRY(ink__grow(&l->targets, &l->capacity[4], n, sizeof *l->targets, "labels", err));
    if (subject->slice)
        INK_TRY(ink__grow(&l->groups, &l->capacity[5], n, sizeof *l->groups, "groups", err));
    if (subject->keep)
        INK_TRY(ink__grow(&l->places, &l->places_capacity, n, 4 * sizeof *l->places, "mistakes", err));
    return INK_OK;
}

static ink_status add_group(ink__labelled *l, const char *name, const struct packet *packet, ink_error *err)
{
    size_t g = 0;
    l->missing += !packet->has_group;
    while (g < l->n_groups && (strlen(l->group_names[g]) != packet->group_len ||
                               memcmp(l->group_names[g], name, packet->group_len) != 0))
        ++g;
    if (g == l->n_groups) {
        if (memchr(name, '\0', packet->group_len))
            return ink_fail(err, INK_E_FORMAT, "a value of the slice field has a NUL byte in it");
        if (g == INK__GROUPS_MAX)
            return ink_fail(err, INK_E_FORMAT,
                            "the slice field has more than %d values: they do not make groups",
                            INK__GROUPS_MAX);
        INK_TRY(ink__strndup(&l->group_names[g], name, packet->group_len, err));
        ++l->n_groups;
    }
    l->groups[l->n] = (uint32_t)g;
    return INK_OK;
}

static ink_status add_text(ink__labelled *l, const char *bytes, const struct packet *packet, ink_error *err)
{
    size_t *at = l->places + 4 * l->n;
    at[0] = at[1] = at[2] = at[3] = SIZE_MAX;
    if (!packet->kept)
        return INK_OK;
    at[0] = l->kept.len;
    at[1] = at[0] + packet->id_len;
    at[2] = at[1] + packet->text_len;
    at[3] = packet->has_pair ? at[2] + packet->pair_len : SIZE_MAX;
    return ink__text_bytes(&l->kept, bytes, packet->id_len + packet->text_len + packet->pair_len, err);
}

static ink_status take(const ink__work *work, const ink__result *result, ink_error *err)
{
    const struct subject *subject = work->subject;
    ink__labelled *l = subject->into;
    const size_t C = l->C;
    const char *p = result->out.data, *end = p + result->out.len;
    while (p < end) {
        struct packet packet;
        INK_TRY(make_room(l, subject, err));
        memcpy(&packet, p, sizeof packet);
        p += sizeof packet;
        memcpy(l->scores + l->n * C, p, C * sizeof *l->scores);
        p += C * sizeof *l->scores;
        if (subject->logits) {
            memcpy(l->logits + l->n * C, p, C * sizeof *l->logits);
            p += C * sizeof *l->logits;
        }
        if (subject->compare) {
            memcpy(l->compared + l->n * C, p, C * sizeof *l->compared);
            p += C * sizeof *l->compared;
        }
        if (l->kind == INK_ACTIVATION_SOFTMAX)
            l->truth[l->n] = packet.truth;
        else if (l->kind == INK_ACTIVATION_SIGMOID)
            memcpy(l->truths + l->n * C, p, C);
        else
            l->targets[l->n] = packet.target;
        p += C;
        if (subject->slice)
            INK_TRY(add_group(l, p, &packet, err));
        p += packet.group_len;
        if (subject->keep)
            INK_TRY(add_text(l, p, &packet, err));
        p += packet.id_len + packet.text_len + packet.pair_len;
        ++l->n;
    }
    return INK_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------- */

/* The second model must give the same answers, in whatever order. */
static ink_status match_models(struct subject *subject, ink_error *err)
{
    ink_model_info first, second;
    ink_model_get_info(&first, subject->model);
    ink_model_get_info(&second, subject->compare);
    if (second.labels != first.labels || second.activation != first.activation)
        return ink_fail(err, INK_E_ARG, "%s and %s do not give the same answers: %zu and %zu labels%s",
                        subject->model->dir, subject->compare->dir, first.labels, second.labels,
                        second.activation == first.activation ? "" : ", and not of the same kind");
    INK_TRY(ink__calloc(&subject->places, subject->C, sizeof *subject->places, "labels", err));
    if (subject->kind == INK_ACTIVATION_NONE)
        return INK_OK;
    ink__truths theirs;
    ink_status st = INK_OK;
    INK_TRY(ink__truths_create(&theirs, subject->kind, (const char *const *)subject->compare->config.labels,
                               subject->C, err));
    for (size_t c = 0; st == INK_OK && c < subject->C; ++c) {
        const char *name = subject->truths.names[c];
        subject->places[c] = ink__truths_find(&theirs, name, strlen(name));
        if (subject->places[c] == SIZE_MAX)
            st = ink_fail(err, INK_E_ARG, "%s has no label \"%s\", which %s has", subject->compare->dir, name,
                          subject->model->dir);
    }
    ink__truths_free(&theirs);
    return st;
}

/* What was kept stays where it is from now on. */
static ink_status show(ink__labelled *l, ink_error *err)
{
    INK_TRY(ink__calloc(&l->shown, l->n, sizeof *l->shown, "mistakes", err));
    for (size_t i = 0; i < l->n; ++i) {
        const size_t *at = l->places + 4 * i;
        if (at[0] == SIZE_MAX)
            continue;
        const char *kept = l->kept.data;
        l->shown[i] = (ink__shown){.id = kept + at[0],
                                   .id_len = at[1] - at[0],
                                   .text = kept + at[1],
                                   .text_len = at[2] - at[1],
                                   .pair = at[3] == SIZE_MAX ? NULL : kept + at[2],
                                   .pair_len = at[3] == SIZE_MAX ? 0 : at[3] - at[2]};
    }
    return INK_OK;
}

static ink_status gather(ink__labelled *l, ink_job_report *report, struct subject *subject,
                         const ink_job_options *job, const ink_evaluate_options *options, ink_error *err)
{
    ink_model_info info;
    ink_model_get_info(&info, subject->model);
    const ink__work work = {
        .subject = subject,
        .unit_tokens = job->batch_tokens ? job->batch_tokens : INK__BATCH_TOKENS,
        .max_length = job->max_length ? job->max_length : info.max_length,
        .chunked = job->long_texts.how == INK_LONG_CHUNK,
        .open = state_open,
        .close = state_close,
        .run = run,
        .take = take,
        .label = options->label ? options->label : "label",
        .fields = &options->slice,
        .n_fields = options->slice != NULL,
    };
    INK_TRY(ink__job_check(report, subject->model, job, err));
    INK_TRY(ink__length_check(subject->model, job->max_length, err));
    INK_TRY(ink__long_check(&job->long_texts, job->text_pair != NULL, err));
    if (subject->compare) {
        INK_TRY(ink__length_check(subject->compare, job->max_length, err));
        INK_TRY(match_models(subject, err));
    }
    INK_TRY(ink__job_run(report, &work, job, err));
    if (l->n == 0 && report->failed > 0)
        return ink_fail(err, INK_E_FORMAT, "none of the %llu records can be used; the first: %s",
                        (unsigned long long)report->records, report->first_error);
    if (l->n == 0)
        return ink_fail(err, INK_E_FORMAT, "the input is empty: there are no records to evaluate on");
    if (subject->slice && l->missing == l->n)
        return ink_fail(err, INK_E_FORMAT, "no record has the field \"%s\" to slice by", options->slice);
    return subject->keep ? show(l, err) : INK_OK;
}

ink_status ink__labelled_create(ink__labelled **labelled, ink_job_report *report, const ink_model *model,
                                const ink_evaluate_options *options, bool logits, ink_error *err)
{
    const ink_job_options job = {.version = 1,
                                 .inputs = options->inputs,
                                 .n_inputs = options->n_inputs,
                                 .format = options->format,
                                 .delimiter = options->delimiter,
                                 .text = options->text,
                                 .text_pair = options->text_pair,
                                 .id = options->id,
                                 .threads = options->threads,
                                 .max_length = options->max_length,
                                 .batch_tokens = options->batch_tokens,
                                 .stop_on_error = !options->leave_out_bad,
                                 .parse_special = options->parse_special,
                                 .progress = options->progress,
                                 .user = options->user,
                                 .long_texts = options->long_texts};
    struct subject subject = {.model = model,
                              .compare = options->compare,
                              .kind = model->config.output,
                              .C = ink_model_labels(model),
                              .keep = options->keep_mistakes,
                              .logits = logits,
                              .slice = options->slice != NULL};
    ink__labelled *l = NULL;
    ink_status st;
    *labelled = NULL;
    if (subject.kind == INK_ACTIVATION_NONE && subject.C != 1)
        return ink_fail(err, INK_E_UNSUPPORTED, "%s: a regression of %zu values a record, wanted 1",
                        model->dir, subject.C);
    INK_TRY(ink__truths_create(&subject.truths, subject.kind, (const char *const *)model->config.labels,
                               subject.C, err));
    INK_TRY_GOTO(ink__calloc(&l, 1, sizeof *l, "labelled records", err));
    l->kind = subject.kind, l->C = subject.C;
    INK_TRY_GOTO(ink__calloc(&l->group_names, INK__GROUPS_MAX, sizeof *l->group_names, "groups", err));
    subject.into = l;
    st = gather(l, report, &subject, &job, options, err);
done:
    ink__truths_free(&subject.truths);
    free(subject.places);
    if (st == INK_OK)
        *labelled = l;
    else
        ink__labelled_free(l);
    return st;
}

void ink__labelled_free(void *labelled)
{
    ink__labelled *l = labelled;
    if (!l)
        return;
    for (size_t g = 0; g < l->n_groups; ++g)
        free(l->group_names[g]);
    free(l->group_names);
    free(l->scores);
    free(l->compared);
    free(l->logits);
    free(l->truth);
    free(l->truths);
    free(l->targets);
    free(l->groups);
    free(l->places);
    free(l->shown);
    free(l->labels);
    free(l->compared_thresholds);
    free(l->slice);
    ink__text_free(&l->kept);
    free(l);
}
