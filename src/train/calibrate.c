/* Calibrating a model: see inkling/calibrate.h. What is said of it afterwards is by cross-fitting: each fifth
 * of the records is judged by a temperature and thresholds that were fitted to the other four, so that no
 * record speaks for what was made to suit it. The abstain rule needs none of that: its bound accounts for the
 * choice (train/abstain.h), and its order of the records for no fit at all. */
#include "core/memory.h"
#include "core/random.h"
#include "infer/session.h"
#include "io/atomic_folder.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "train/abstain.h"
#include "train/calibrate_fit.h"
#include "train/labelled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDS = 5, FOLDS_SEED = 42 };

struct calibrator {
    const ink_model *model;
    const ink_calibrate_options *options;
    ink__labelled *l;
    ink_calibration calibration;
    float *thresholds;           /* [C] what calibration points to */
    ink_label_threshold *labels; /* [C] */
    ink__fit_score *scores;      /* [n] of one label */
    ink__confident *confident;   /* [n] */
    uint8_t *fold;               /* [n] */
    uint8_t *given;              /* [n,C] by thresholds that did not see the record */
};

static void calibrator_free(void *p)
{
    struct calibrator *k = p;
    if (!k)
        return;
    ink__labelled_free(k->l);
    free(k->thresholds);
    free(k->labels);
    free(k->scores);
    free(k->confident);
    free(k->fold);
    free(k->given);
    free(k);
}

static bool is_multi(const struct calibrator *k)
{
    return k->l->kind == INK_ACTIVATION_SIGMOID;
}

static ink__fit_records fit_records(const struct calibrator *k)
{
    const ink__labelled *l = k->l;
    return (ink__fit_records){
        .kind = l->kind, .n = l->n, .C = l->C, .logits = l->logits, .truth = l->truth, .truths = l->truths};
}

/* scores [C] = of logits [C], at the temperature. */
static void scores_at(float *scores, const float *logits, const struct calibrator *k, float temperature)
{
    memcpy(scores, logits, k->l->C * sizeof *scores);
    ink__scores_of_logits(scores, 1, k->l->C, k->l->kind, temperature);
}

/* ---- fitting --------------------------------------------------------------------------------------- */

/* The threshold of label c, from the scores [n,C] of the records that count. */
static void fit_threshold(ink__fit_threshold *found, struct calibrator *k, const ink__fit_records *records,
                          const float *scores, size_t c)
{
    size_t n = 0;
    for (size_t i = 0; i < records->n; ++i)
        if (ink__fit_counts(records, i))
            k->scores[n++] =
                (ink__fit_score){scores[i * records->C + c], records->truths[i * records->C + c]};
    ink__fit_threshold_of(found, k->scores, n, k->options->thresholds, k->options->at_least);
}

static ink_status fit_all(ink_calibrated *result, struct calibrator *k, const float *scores, ink_error *err)
{
    const ink__fit_records records = fit_records(k);
    const size_t C = records.C;
    if (!is_multi(k))
        return INK_OK;
    INK_TRY(ink__calloc(&k->thresholds, C, sizeof *k->thresholds, "thresholds", err));
    INK_TRY(ink__calloc(&k->labels, C, sizeof *k->labels, "thresholds", err));
    k->calibration.thresholds = k->thresholds;
    result->labels = k->labels, result->n_labels = C;
    for (size_t c = 0; c < C; ++c) {
        ink__fit_threshold t;
        fit_threshold(&t, k, &records, scores, c);
        k->thresholds[c] = t.threshold;
        k->labels[c] = (ink_label_threshold){.label = ink_model_label(k->model, c),
                                             .records = t.truths,
                                             .given = t.given,
                                             .right = t.right,
                                             .threshold = t.threshold,
                                             .reached = t.reached};
    }
    return INK_OK;
}

/* scores are those of the new directory, bit by bit: the ratio is compared with theirs. */
static ink_status fit_abstain(ink_calibrated *result, struct calibrator *k, const float *scores,
                              ink_error *err)
{
    const ink__labelled *l = k->l;
    const size_t C = l->C;
    ink__abstain rule;
    if (!(k->options->max_error > 0))
        return INK_OK;
    INK_TRY(ink__calloc(&k->confident, l->n, sizeof *k->confident, "scores", err));
    for (size_t i = 0; i < l->n; ++i) {
        const float *p = scores + i * C; /* [C] */
        size_t best = 0;
        for (size_t c = 1; c < C; ++c)
            best = p[c] > p[best] ? c : best;
        k->confident[i] = (ink__confident){ink__score_ratio(p, C), best != (size_t)l->truth[i]};
    }
    ink__abstain_fit(&rule, k->confident, l->n, k->options->max_error);
    if (rule.found) {
        k->calibration.max_error = k->options->max_error, k->calibration.ratio = rule.ratio;
        k->calibration.decided = rule.decided, k->calibration.wrong = rule.wrong;
        return INK_OK;
    }
    result->least_error = ink__abstain_least(k->confident, l->n);
    return ink_fail(err, INK_E_NUMERIC,
                    "no rule keeps the error of what is decided below %g with 95%% confidence, shown by %zu "
                    "records; the least that can be had is %.3f",
                    k->options->max_error, l->n, result->least_error);
}

/* ---- cross-fitting --------------------------------------------------------------------------------- */

static ink_status draw_folds(struct calibrator *k, ink_error *err)
{
    const size_t n = k->l->n;
    ink__random random = ink__random_start(FOLDS_SEED, 0);
    INK_TRY(ink__calloc(&k->fold, n, sizeof *k->fold, "folds", err));
    for (size_t i = 0; i < n; ++i)
        k->fold[i] = (uint8_t)(i % FOLDS);
    for (size_t i = n - 1; i > 0; --i) {
        const size_t j = ink__random_below(&random, (uint32_t)(i + 1));
        const uint8_t swapped = k->fold[i];
        k->fold[i] = k->fold[j], k->fold[j] = swapped;
    }
    return INK_OK;
}

/* l->compared and given, as the records' scores and labels would be had they not been there. work [n,C]. */
static ink_status cross_fit(struct calibrator *k, float *work, ink_error *err)
{
    ink__labelled *l = k->l;
    const size_t n = l->n, C = l->C;
    ink__fit_records records = fit_records(k);
    INK_TRY(draw_folds(k, err));
    INK_TRY(ink__calloc(&l->compared, n, C * sizeof *l->compared, "scores", err));
    if (is_multi(k))
        INK_TRY(ink__calloc(&k->given, n, C * sizeof *k->given, "labels", err));
    records.fold = k->fold;
    for (records.without = 0; records.without < FOLDS; ++records.without) {
        float temperature;
        ink__fit_temperature(&temperature, &records);
        for (size_t i = 0; i < n; ++i)
            scores_at(work + i * C, l->logits + i * C, k, temperature);
        for (size_t i = 0; i < n; ++i)
            if (!ink__fit_counts(&records, i))
                memcpy(l->compared + i * C, work + i * C, C * sizeof *work);
        for (size_t c = 0; is_multi(k) && c < C; ++c) {
            ink__fit_threshold t;
            fit_threshold(&t, k, &records, work, c);
            for (size_t i = 0; i < n; ++i)
                if (!ink__fit_counts(&records, i))
                    k->given[i * C + c] = work[i * C + c] >= t.threshold;
        }
    }
    return INK_OK;
}

static ink_status judge(ink_calibrated *result, struct calibrator *k, const ink_job_report *report,
                        ink_error *err)
{
    ink__labelled *l = k->l;
    const ink_evaluate_options *dev = k->options->dev;
    ink__evaluation *e;
    for (size_t i = 0; i < l->n; ++i)
        scores_at(l->scores + i * l->C, l->logits + i * l->C, k, 1);
    const ink__evaluation_input input = {
        .judged = {.kind = l->kind,
                   .n = l->n,
                   .C = l->C,
                   .truth = l->truth,
                   .truths = l->truths,
                   .scores = l->scores},
        .labels = l->labels,
        .compared = l->compared,
        .compared_given = k->given,
        .draws = {.resamples = INK__RESAMPLES,
                  .seed = dev->seed,
                  .threads = dev->threads ? dev->threads : ink_threads_default(NULL)},
    };
    INK_TRY(ink__evaluation_create(&e, &input, err));
    result->evaluation = &e->found;
    return ink__evaluation_report(e, report, err);
}

/* ---- the directory --------------------------------------------------------------------------------- */

static ink_status write_calibration(const struct calibrator *k, const char *dir, ink_error *err)
{
    char head[INK__HEAD_DIGEST], *path = NULL;
    ink__text text = {0};
    ink__atomic *file = NULL;
    ink_status st;
    ink__head_digest(head, &k->model->params);
    INK_TRY_GOTO(ink__calibration_write(&text, &k->calibration, &k->model->config, head, err));
    INK_TRY_GOTO(ink__path_join(&path, dir, INK__CALIBRATION_FILE, err));
    INK_TRY_GOTO(ink__atomic_open(&file, path, err));
    INK_TRY_GOTO(ink__atomic_write(file, text.data, text.len, err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    ink__text_free(&text);
    free(path);
    return st;
}

static ink_status write_directory(const struct calibrator *k, const char *dir, ink_error *err)
{
    ink__atomic_folder *folder = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__atomic_folder_open(&folder, dir, err));
    INK_TRY_GOTO(ink_model_save(k->model, ink__atomic_folder_path(folder), err));
    INK_TRY_GOTO(write_calibration(k, ink__atomic_folder_path(folder), err));
    st = ink__atomic_folder_commit(folder, err);
done:
    ink__atomic_folder_free(folder);
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static ink_status check_rules(const ink_model *model, const ink_calibrate_options *o, ink_error *err)
{
    const bool shares = o->thresholds == INK_THRESHOLDS_PRECISION || o->thresholds == INK_THRESHOLDS_RECALL;
    const ink_activation kind = model->config.output;
    if (o->thresholds < INK_THRESHOLDS_F1 || o->thresholds > INK_THRESHOLDS_NONE)
        return ink_fail(err, INK_E_ARG, "no rule %d for thresholds", (int)o->thresholds);
    if (shares && !(o->at_least > 0 && o->at_least <= 1))
        return ink_fail(err, INK_E_ARG, "a precision or recall of at least %g, wanted above 0, at most 1",
                        o->at_least);
    if (!(o->max_error >= 0 && o->max_error < 1))
        return ink_fail(err, INK_E_ARG, "an error of at most %g, wanted above 0 and below 1", o->max_error);
    if (kind == INK_ACTIVATION_NONE)
        return ink_fail(err, INK_E_ARG, "%s: is a regression: its values are no probabilities to calibrate",
                        model->dir);
    if (kind == INK_ACTIVATION_SIGMOID && o->max_error > 0)
        return ink_fail(err, INK_E_ARG,
                        "%s: gives several labels a record, each by its threshold: an error to abstain by is "
                        "for models that give one",
                        model->dir);
    if (kind == INK_ACTIVATION_SOFTMAX && o->thresholds != INK_THRESHOLDS_F1)
        return ink_fail(err, INK_E_ARG,
                        "%s: gives one label a record, the best one: thresholds are for multi-label models, "
                        "a greatest error is for this one",
                        model->dir);
    if (kind == INK_ACTIVATION_SOFTMAX && ink_model_labels(model) < 2)
        return ink_fail(err, INK_E_ARG, "%s: has one label, whose score is always 1", model->dir);
    return INK_OK;
}

static ink_status check_arguments(const ink_model *model, const char *dir, const ink_calibrate_options *o,
                                  ink_error *err)
{
    struct stat info;
    if (o->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_calibrate_options has version %u, wanted 1", o->version);
    if (!o->dev || o->dev->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_calibrate_options: dev is %s",
                        o->dev ? "not of version 1" : "NULL, wanted labelled records");
    INK_TRY(ink__head_check(model, err));
    INK_TRY(check_rules(model, o, err));
    if (lstat(dir, &info) == 0)
        return ink_fail(err, INK_E_IO, "%s: is there already", dir);
    return INK_OK;
}

/* The fit that is kept, and then what it is worth; work [n,C]. */
static ink_status fit(ink_calibrated *result, struct calibrator *k, float *work, ink_error *err)
{
    const ink__labelled *l = k->l;
    const ink__fit_records records = fit_records(k);
    float temperature;
    ink_model_info info;
    ink_model_get_info(&info, k->model);
    result->temperature_found = ink__fit_temperature(&temperature, &records);
    k->calibration.temperature = (double)temperature;
    k->calibration.records = l->n, k->calibration.precision = info.precision;
    for (size_t i = 0; i < l->n; ++i)
        scores_at(work + i * l->C, l->logits + i * l->C, k, temperature);
    INK_TRY(ink__calloc(&k->scores, l->n, sizeof *k->scores, "scores", err));
    INK_TRY(fit_all(result, k, work, err));
    INK_TRY(fit_abstain(result, k, work, err));
    result->calibration = &k->calibration;
    return cross_fit(k, work, err);
}

static ink_status calibrate(ink_calibrated *result, struct calibrator *k, ink_error *err)
{
    ink_evaluate_options dev = *k->options->dev;
    ink_job_report report;
    float *work;
    dev.compare = NULL, dev.slice = NULL, dev.keep_mistakes = false;
    INK_TRY(ink__labelled_create(&k->l, &report, k->model, &dev, true, err));
    INK_TRY(ink__labelled_name(k->l, k->model, err));
    INK_TRY(ink__calloc(&work, k->l->n, k->l->C * sizeof *work, "scores", err));
    const ink_status st = fit(result, k, work, err);
    free(work);
    INK_TRY(st);
    return judge(result, k, &report, err);
}

ink_status ink_calibrate(ink_calibrated *result, const ink_model *model, const char *dir,
                         const ink_calibrate_options *options, ink_error *err)
{
    struct calibrator *k;
    if (!result || !model || !dir || !options)
        return ink_fail(err, INK_E_ARG, "ink_calibrate: result, model, dir and options may not be NULL");
    *result = (ink_calibrated){0};
    INK_TRY(check_arguments(model, dir, options, err));
    INK_TRY(ink__calloc(&k, 1, sizeof *k, "a calibration", err));
    result->owned = k;
    k->model = model, k->options = options;
    INK_TRY(calibrate(result, k, err));
    return write_directory(k, dir, err);
}

void ink_calibrated_free(ink_calibrated *result)
{
    if (!result)
        return;
    ink_evaluation_free(result->evaluation);
    calibrator_free(result->owned);
    *result = (ink_calibrated){0};
}
