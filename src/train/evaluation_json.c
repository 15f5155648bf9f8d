/* An evaluation as JSON, and its mistakes as JSON lines. See inkling/evaluate.h. */
#include "train/evaluation.h"
#include "io/output.h"

#include <math.h>
#include <string.h>

/* Calls do nothing once one has failed. */
struct out {
    ink__text text;
    ink_status status;
    ink_error error;
};

#define PUT(o, call)                                                                                         \
    do {                                                                                                     \
        if ((o)->status == INK_OK)                                                                           \
            (o)->status = (call);                                                                            \
    } while (0)

static void put(struct out *o, const char *json)
{
    PUT(o, ink__text_cstr(&o->text, json, &o->error));
}

static void put_string(struct out *o, const char *utf8, size_t len)
{
    PUT(o, ink__text_string(&o->text, utf8, len, &o->error));
}

static void put_name(struct out *o, const char *utf8)
{
    put_string(o, utf8, strlen(utf8));
}

static void put_count(struct out *o, uint64_t n)
{
    PUT(o, ink__text_uint(&o->text, n, &o->error));
}

/* Nine digits at most: more would be noise, and undefined is null. */
static void put_number(struct out *o, double x)
{
    PUT(o, ink__text_float(&o->text, (float)x, &o->error));
}

static void key_count(struct out *o, const char *key, uint64_t n)
{
    put(o, key);
    put_count(o, n);
}

static void key_number(struct out *o, const char *key, double x)
{
    put(o, key);
    put_number(o, x);
}

static void put_estimate(struct out *o, const ink_estimate *e)
{
    key_number(o, "{\"value\":", e->value);
    key_number(o, ",\"low\":", e->low);
    key_number(o, ",\"high\":", e->high);
    put(o, "}");
}

static void put_label(struct out *o, const ink_label_result *l)
{
    put_name(o, l->label);
    key_count(o, ":{\"n\":", l->records);
    key_count(o, ",\"given\":", l->given);
    key_count(o, ",\"right\":", l->right);
    key_number(o, ",\"precision\":", l->precision);
    key_number(o, ",\"recall\":", l->recall);
    put(o, ",\"f1\":");
    put_estimate(o, &l->f1);
    key_number(o, ",\"auc\":", l->auc);
    key_number(o, ",\"average_precision\":", l->average_precision);
    put(o, "}");
}

static void put_labels(struct out *o, const ink_evaluation *f)
{
    const size_t C = f->n_labels;
    put(o, ",\n\"labels\":{");
    for (size_t c = 0; c < C; ++c) {
        put(o, c ? ",\n" : "\n");
        put_label(o, &f->labels[c]);
    }
    put(o, "}");
    if (!f->confusion)
        return;
    put(o, ",\n\"confusion\":[");
    for (size_t t = 0; t < C; ++t) {
        put(o, t ? ",\n[" : "[");
        for (size_t c = 0; c < C; ++c)
            key_count(o, c ? "," : "", f->confusion[t * C + c]);
        put(o, "]");
    }
    put(o, "]");
}

static void put_reliability(struct out *o, const ink__bin *bins)
{
    put(o, ",\n\"reliability\":[");
    for (size_t b = 0; b < INK__BINS; ++b) {
        key_number(o, b ? ",\n{\"from\":" : "{\"from\":", (double)b / INK__BINS);
        key_number(o, ",\"to\":", (double)(b + 1) / INK__BINS);
        key_count(o, ",\"n\":", bins[b].n);
        key_number(o, ",\"score\":", bins[b].n ? bins[b].score / (double)bins[b].n : NAN);
        key_number(o, ",\"right\":", bins[b].n ? (double)bins[b].right / (double)bins[b].n : NAN);
        put(o, "}");
    }
    put(o, "]");
}

static void put_slice(struct out *o, const ink_evaluation *f)
{
    put(o, ",\n\"slice\":{\"field\":");
    put_name(o, f->slice);
    put(o, ",\"groups\":{");
    for (size_t g = 0; g < f->n_groups; ++g) {
        put(o, g ? ",\n" : "\n");
        put_name(o, f->groups[g].name);
        key_count(o, ":{\"n\":", f->groups[g].records);
        for (size_t k = 0; k < f->n_metrics; ++k) {
            put(o, ",");
            put_name(o, f->metrics[k].key);
            put(o, ":");
            put_estimate(o, &f->groups[g].metrics[k]);
        }
        put(o, "}");
    }
    put(o, "},\n\"gap\":{");
    for (size_t k = 0, first = 1; k < f->n_metrics; ++k) {
        const ink_gap *gap = &f->gaps[k];
        if (!gap->best)
            continue;
        put(o, first ? "" : ",\n");
        first = 0;
        put_name(o, f->metrics[k].key);
        put(o, ":{\"best\":");
        put_name(o, gap->best);
        put(o, ",\"worst\":");
        put_name(o, gap->worst);
        key_number(o, ",\"value\":", gap->gap.value);
        key_number(o, ",\"low\":", gap->gap.low);
        key_number(o, ",\"high\":", gap->gap.high);
        put(o, "}");
    }
    put(o, "}}");
}

static void put_comparison(struct out *o, const ink_evaluation *f)
{
    put(o, ",\n\"compare\":{");
    for (size_t k = 0; k < f->n_metrics; ++k) {
        const ink_difference *d = &f->differences[k];
        put(o, k ? ",\n" : "");
        put_name(o, f->metrics[k].key);
        key_number(o, ":{\"first\":", d->first);
        key_number(o, ",\"second\":", d->second);
        put(o, ",\"difference\":");
        put_estimate(o, &(const ink_estimate){d->value, d->low, d->high});
        key_number(o, ",\"p\":", d->p);
        put(o, "}");
    }
    if (!isnan(f->mcnemar_p)) {
        key_count(o, ",\n\"mcnemar\":{\"only_first\":", f->only_first);
        key_count(o, ",\"only_second\":", f->only_second);
        put(o, ",\"test\":");
        put(o, f->mcnemar_exact ? "\"exact\"" : "\"chi-square\"");
        key_number(o, ",\"p\":", f->mcnemar_p);
        put(o, "}");
    }
    put(o, "}");
}

static void put_calibration(struct out *o, const ink_evaluation *f)
{
    const ink_calibration *c = f->calibration;
    key_number(o, ",\n\"calibration\":{\"temperature\":", c->temperature);
    put(o, ",\"uncalibrated\":{\"log_loss\":");
    put_estimate(o, &f->uncalibrated_log_loss);
    put(o, ",\"ece\":");
    put_estimate(o, &f->uncalibrated_ece);
    put(o, "}");
    if (c->max_error > 0) {
        key_number(o, ",\n\"abstain\":{\"max_error\":", c->max_error);
        key_count(o, ",\"decided\":", f->decided);
        key_count(o, ",\"wrong\":", f->decided_wrong);
        put(o, ",\"coverage\":");
        put_estimate(o, &f->coverage);
        put(o, ",\"risk\":");
        put_estimate(o, &f->risk);
        put(o, "}");
    }
    put(o, "}");
}

static void put_evaluation(struct out *o, const ink__evaluation *e)
{
    static const char *const kinds[] = {"single", "multi", "regression"};
    const ink_evaluation *f = &e->found;
    key_count(o, "{\"n\":", f->records);
    for (size_t k = 0; k < f->n_metrics; ++k) {
        put(o, ",\n");
        put_name(o, f->metrics[k].key);
        put(o, ":");
        put_estimate(o, &f->metrics[k].estimate);
    }
    put(o, ",\n\"task\":");
    put_name(o, kinds[f->kind]);
    key_count(o, ",\"left_out\":", f->left_out);
    key_count(o, ",\"truncated\":", f->truncated);
    key_count(o, ",\"resamples\":", e->input.draws.resamples);
    key_count(o, ",\"seed\":", e->input.draws.seed);
    if (f->kind != INK_ACTIVATION_SIGMOID) {
        key_number(o, ",\n\"baseline\":{\"value\":", f->baseline);
        if (f->baseline_label) {
            put(o, ",\"label\":");
            put_name(o, f->baseline_label);
        }
        put(o, "}");
    }
    if (f->n_labels) {
        put_labels(o, f);
        put_reliability(o, e->measures.bins);
    }
    if (f->gaps)
        put_slice(o, f);
    if (f->differences)
        put_comparison(o, f);
    if (f->calibration)
        put_calibration(o, f);
    put(o, ",\n\"warnings\":[");
    for (size_t i = 0; i < f->n_warnings; ++i) {
        put(o, i ? ",\n" : "");
        put_name(o, f->warnings[i]);
    }
    put(o, "]}\n");
}

/* ---- mistakes -------------------------------------------------------------------------------------- */

static void put_scored(struct out *o, const char *label, double score)
{
    put(o, "{\"label\":");
    put_name(o, label);
    put(o, ",\"score\":");
    PUT(o, ink__text_fixed6(&o->text, score, &o->error));
    put(o, "}");
}

/* Labels of record i that truth (or the model, if `given`) says. */
static void put_set(struct out *o, const ink__evaluation *e, size_t i, bool given)
{
    const ink__judged *j = &e->input.judged;
    bool first = true;
    put(o, "[");
    for (size_t c = 0; c < j->C; ++c) {
        const size_t at = i * j->C + c;
        if (!(given ? e->metrics->given[at] : j->truths[at]))
            continue;
        put(o, first ? "" : ",");
        put_scored(o, e->input.labels[c], (double)j->scores[at]);
        first = false;
    }
    put(o, "]");
}

static void put_mistake(struct out *o, const ink__evaluation *e, size_t i)
{
    const ink__judged *j = &e->input.judged;
    const ink__shown *shown = &e->input.shown[i];
    const float *scores = j->scores + i * j->C;
    put(o, "{\"id\":");
    PUT(o, ink__text_bytes(&o->text, shown->id, shown->id_len, &o->error));
    if (j->kind == INK_ACTIVATION_SOFTMAX) {
        put(o, ",\"truth\":");
        put_scored(o, e->input.labels[j->truth[i]], (double)scores[j->truth[i]]);
        put(o, ",\"predicted\":");
        put_scored(o, e->input.labels[e->metrics->predicted[i]], (double)scores[e->metrics->predicted[i]]);
    } else if (j->kind == INK_ACTIVATION_SIGMOID) {
        put(o, ",\"truth\":");
        put_set(o, e, i, false);
        put(o, ",\"predicted\":");
        put_set(o, e, i, true);
    } else {
        key_number(o, ",\"truth\":", j->targets[i]);
        key_number(o, ",\"predicted\":", (double)scores[0]);
        key_number(o, ",\"error\":", (double)scores[0] - j->targets[i]);
    }
    if (j->kind != INK_ACTIVATION_NONE)
        key_number(o, ",\"loss\":", e->metrics->loss[i]);
    put(o, ",\"text\":");
    put_string(o, shown->text, shown->text_len);
    if (shown->pair) {
        put(o, ",\"text_pair\":");
        put_string(o, shown->pair, shown->pair_len);
    }
    put(o, "}\n");
}

/* ---- files ----------------------------------------------------------------------------------------- */

static ink_status check(const ink_evaluation *evaluation, ink_error *err)
{
    return evaluation ? INK_OK : ink_fail(err, INK_E_ARG, "the evaluation is NULL");
}

static ink_status finish(struct out *o, ink__output *output, ink_error *err)
{
    if (o->status != INK_OK) {
        if (err)
            *err = o->error;
        return o->status;
    }
    const ink_status st = ink__output_write(output, o->text.data, o->text.len, err);
    o->text.len = 0;
    return st;
}

ink_status ink_evaluation_write_json(const ink_evaluation *evaluation, const char *path, ink_error *err)
{
    struct out o = {.status = INK_OK};
    ink__output *output;
    INK_TRY(check(evaluation, err));
    INK_TRY(ink__output_open(&output, path, err));
    put_evaluation(&o, (const ink__evaluation *)evaluation);
    ink_status st = finish(&o, output, err);
    if (st == INK_OK)
        st = ink__output_commit(output, err);
    ink__text_free(&o.text);
    ink__output_free(output);
    return st;
}

ink_status ink_evaluation_write_mistakes(const ink_evaluation *evaluation, const char *path, ink_error *err)
{
    const ink__evaluation *e = (const ink__evaluation *)evaluation;
    struct out o = {.status = INK_OK};
    ink__output *output;
    ink_status st = INK_OK;
    INK_TRY(check(evaluation, err));
    if (!e->input.shown)
        return ink_fail(err, INK_E_ARG, "the evaluation kept no texts: it was made without keep_mistakes");
    INK_TRY(ink__output_open(&output, path, err));
    for (size_t k = 0; st == INK_OK && k < e->n_mistakes; ++k) {
        put_mistake(&o, e, e->mistakes[k]);
        st = finish(&o, output, err);
    }
    if (st == INK_OK)
        st = ink__output_commit(output, err);
    ink__text_free(&o.text);
    ink__output_free(output);
    return st;
}
