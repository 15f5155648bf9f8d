/* The classify job: see inkling/job.h. */
#include "infer/model_worker.h"
#include "infer/session.h"
#include "model/model.h"

#include <string.h>

/* ,"label":SCORE for one label, in an object. */
static ink_status named_score(ink__text *out, const ink__model_worker *s, size_t c, float score, bool first,
                              ink_error *err)
{
    const char *label = ink_model_label(s->model, c);
    INK_TRY(ink__text_cstr(out, first ? "" : ",", err));
    INK_TRY(ink__text_string(out, label, strlen(label), err));
    INK_TRY(ink__text_cstr(out, ":", err));
    return ink__text_fixed6(out, score, err);
}

static ink_status all_scores(ink__text *out, const char *key, const ink__model_worker *s, const float *scores,
                             ink_error *err)
{
    INK_TRY(ink__text_cstr(out, key, err));
    for (size_t c = 0; c < s->info.labels; ++c)
        INK_TRY(named_score(out, s, c, scores[c], c == 0, err));
    return ink__text_cstr(out, "}", err);
}

/* {"label":"x","score":0.5 -- or the same two keys within a line. */
static ink_status label_and_score(ink__text *out, const char *opening, const ink__model_worker *s, size_t c,
                                  float score, ink_error *err)
{
    const char *label = ink_model_label(s->model, c);
    INK_TRY(ink__text_cstr(out, opening, err));
    INK_TRY(ink__text_cstr(out, "\"label\":", err));
    INK_TRY(ink__text_string(out, label, strlen(label), err));
    INK_TRY(ink__text_cstr(out, ",\"score\":", err));
    return ink__text_fixed6(out, score, err);
}

static ink_status single_label(ink__text *out, const ink__model_worker *s, const float *scores,
                               ink_error *err)
{
    size_t best = 0;
    for (size_t c = 1; c < s->info.labels; ++c)
        if (scores[c] > scores[best])
            best = c;
    INK_TRY(label_and_score(out, ",", s, best, scores[best], err));
    const ink_calibration *k = ink_model_calibration(s->model);
    if (!k || !(k->max_error > 0)) /* no rule, and so nothing to say of it */
        return INK_OK;
    return ink__text_cstr(
        out, ink_calibration_abstains(k, scores, s->info.labels) ? ",\"abstain\":true" : ",\"abstain\":false",
        err);
}

/* The best labels, from the best on; of equals the first. */
static ink_status top_labels(ink__text *out, const ink__model_worker *s, const float *scores, ink_error *err)
{
    const size_t C = s->info.labels;
    size_t last = C;
    INK_TRY(ink__text_cstr(out, ",\"top\":[", err));
    for (size_t k = 0; k < s->options->top_k && k < C; ++k) {
        size_t best = C;
        for (size_t c = 0; c < C; ++c) {
            const bool behind =
                last == C || scores[c] < scores[last] || (scores[c] == scores[last] && c > last);
            if (behind && (best == C || scores[c] > scores[best]))
                best = c;
        }
        if (best == C) /* what is left is not a number */
            break;
        INK_TRY(label_and_score(out, k ? ",{" : "{", s, best, scores[best], err));
        INK_TRY(ink__text_cstr(out, "}", err));
        last = best;
    }
    return ink__text_cstr(out, "]", err);
}

/* The labels at or above the threshold: the caller's, else the calibration's, else 0.5. */
static ink_status multi_label(ink__text *out, const ink__model_worker *s, const float *scores, ink_error *err)
{
    const double given = s->options->threshold;
    const float *calibrated = given > 0 ? NULL : ink__thresholds(s->model);
    const float threshold = given > 0 ? (float)given : 0.5f;
    bool first = true;
    INK_TRY(ink__text_cstr(out, ",\"labels\":[", err));
    for (size_t c = 0; c < s->info.labels; ++c)
        if (scores[c] >= (calibrated ? calibrated[c] : threshold)) {
            INK_TRY(label_and_score(out, first ? "{" : ",{", s, c, scores[c], err));
            INK_TRY(ink__text_cstr(out, "}", err));
            first = false;
        }
    return ink__text_cstr(out, "]", err);
}

static ink_status regression(ink__text *out, const ink__model_worker *s, const float *scores, ink_error *err)
{
    if (s->info.labels > 1)
        return all_scores(out, ",\"values\":{", s, scores, err);
    INK_TRY(ink__text_cstr(out, ",\"value\":", err));
    return ink__text_fixed6(out, scores[0], err);
}

static ink_status decision(ink__text *out, const ink__model_worker *s, const float *scores, ink_error *err)
{
    switch (s->info.activation) {
    case INK_ACTIVATION_SOFTMAX:
        INK_TRY(single_label(out, s, scores, err));
        break;
    case INK_ACTIVATION_SIGMOID:
        INK_TRY(multi_label(out, s, scores, err));
        break;
    case INK_ACTIVATION_NONE:
        return regression(out, s, scores, err);
    }
    if (s->options->top_k > 0)
        INK_TRY(top_labels(out, s, scores, err));
    return s->options->all_scores ? all_scores(out, ",\"scores\":{", s, scores, err) : INK_OK;
}

static ink_status one_line(ink__result *result, const ink__model_worker *s, const ink__unit *unit,
                           const ink__unit_record *record, const float *scores, const ink_text_use *use,
                           ink_error *err)
{
    ink__text *out = &result->out;
    const bool truncated = use->used < use->tokens;
    INK_TRY(ink__result_id(&result->out, unit, record, err));
    INK_TRY(decision(out, s, scores, err));
    INK_TRY(ink__text_cstr(out, ",\"tokens\":", err));
    INK_TRY(ink__text_uint(out, use->tokens, err));
    INK_TRY(ink__text_cstr(out, ",\"used\":", err));
    INK_TRY(ink__text_uint(out, use->used, err));
    INK_TRY(ink__text_cstr(out, truncated ? ",\"truncated\":true" : ",\"truncated\":false", err));
    if (s->options->long_texts.how == INK_LONG_CHUNK) {
        INK_TRY(ink__text_cstr(out, ",\"windows\":", err));
        INK_TRY(ink__text_uint(out, use->windows, err));
    }
    INK_TRY(ink__result_end(out, unit, record, err));
    result->tokens += use->computed;
    result->truncated += truncated;
    return INK_OK;
}

static ink_status run(ink__result *result, void *state, const ink__unit *unit, ink_error *err)
{
    ink__model_worker *s = state;
    const size_t C = s->info.labels;
    const ink_text_options options = {.version = 1,
                                      .max_length = s->options->max_length,
                                      .parse_special = s->options->parse_special,
                                      .long_texts = s->options->long_texts};
    size_t n;
    INK_TRY(ink__model_worker_gather(&n, s, unit, C, err));
    INK_TRY(ink_classify_texts(s->out, n * C, s->uses, s->session, s->texts, n, &options, err));
    bool stop = false;
    for (size_t i = 0, good = 0; i < unit->n && !stop; ++i) {
        const ink__unit_record *record = &unit->records[i];
        const size_t begin = result->out.len;
        if (record->error != SIZE_MAX) {
            INK_TRY(ink__result_bad(result, &stop, unit, record, s->options, err));
        } else {
            INK_TRY(one_line(result, s, unit, record, s->out + good * C, &s->uses[good], err));
            ++good;
        }
        if (s->table && result->out.len > begin)
            INK_TRY(ink__columns_row(&result->out, begin, s->table, &s->row, err));
    }
    return INK_OK;
}

ink_status ink_job_classify(ink_job_report *report, const ink_model *model, const ink_job_options *options,
                            ink_error *err)
{
    INK_TRY(ink__job_check(report, model, options, err));
    INK_TRY(ink__head_check(model, err));
    INK_TRY(ink__length_check(model, options->max_length, err));
    INK_TRY(ink__long_check(&options->long_texts, options->text_pair != NULL, err));
    ink_model_info info;
    ink_model_get_info(&info, model);
    if (options->threshold != 0 && info.activation != INK_ACTIVATION_SIGMOID)
        return ink_fail(err, INK_E_ARG,
                        "%s: gives one answer a record: a threshold is for multi-label models", model->dir);
    if (!(options->threshold >= 0 && options->threshold <= 1))
        return ink_fail(err, INK_E_ARG, "the threshold is %g, wanted a number from 0 to 1",
                        options->threshold);
    if (options->top_k > 0 && info.activation == INK_ACTIVATION_NONE)
        return ink_fail(err, INK_E_ARG, "%s: is a regression and has no best labels", model->dir);
    ink__columns *table;
    INK_TRY(ink__columns_create(&table, model, options, err));
    const ink__work work = {
        .subject = model,
        .verb = "classify",
        .unit_tokens = options->batch_tokens ? options->batch_tokens : INK__BATCH_TOKENS,
        .max_length = options->max_length ? options->max_length : info.max_length,
        .chunked = options->long_texts.how == INK_LONG_CHUNK,
        .open = ink__model_worker_open,
        .close = ink__model_worker_close,
        .run = run,
        .table = table,
    };
    const ink_status st = ink__job_run(report, &work, options, err);
    ink__columns_free(table);
    return st;
}
