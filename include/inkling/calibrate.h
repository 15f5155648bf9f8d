/* Decisions with a stated error: scores that are as often right as they say, thresholds for several labels,
 * and a rule by which a model abstains, fitted to labelled records that it was not trained on. */
#ifndef INKLING_CALIBRATE_H
#define INKLING_CALIBRATE_H

#include <inkling/base.h>
#include <inkling/evaluate.h>
#include <inkling/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What each label's threshold is chosen for, of a multi-label model. A model that gives one label has none:
 * its label is the best one, and what it may get wrong is max_error's. */
typedef enum ink_thresholds {
    INK_THRESHOLDS_F1 = 0,    /* the best F1 */
    INK_THRESHOLDS_PRECISION, /* the most records found with a precision of at_least; where none has it the
                               * label is not given: its threshold is 1 */
    INK_THRESHOLDS_RECALL,    /* the highest with a recall of at_least */
    INK_THRESHOLDS_NONE       /* all stay 0.5 */
} ink_thresholds;

typedef struct ink_calibrate_options {
    uint32_t version;                /* 1 */
    const ink_evaluate_options *dev; /* the labelled records; compare, slice and keep_mistakes are not looked
                                      * at */
    ink_thresholds thresholds;
    double at_least;  /* PRECISION or RECALL: above 0, at most 1 */
    double max_error; /* of what is decided, above 0 and below 1; 0: no abstain rule. Not of multi-label
                       * models: they decide label by label */
} ink_calibrate_options;
#define INK_CALIBRATE_OPTIONS_INIT                                                                           \
    {                                                                                                        \
        1, NULL, INK_THRESHOLDS_F1, 0, 0                                                                     \
    }

/* One label's threshold, and what it does on the very records it was chosen on. */
typedef struct ink_label_threshold {
    const char *label;              /* the model's */
    uint64_t records, given, right; /* that have it, that were given it, both */
    float threshold;
    bool reached; /* at_least is */
} ink_label_threshold;

/* What came of it. */
typedef struct ink_calibrated {
    const ink_calibration *calibration; /* as the new directory has it */
    const ink_label_threshold *labels;  /* [n_labels] in the model's order; none of a model that gives one */
    size_t n_labels;
    bool temperature_found; /* false: the records show none, being right at any; it stays 1 */
    double least_error;     /* with INK_E_NUMERIC: the least max_error for which there is a rule; else 0 */
    ink_evaluation *evaluation; /* before, with a temperature of 1 and thresholds of 0.5, compared with after:
                                 * each fifth of the records judged by what was fitted to the other four */
    void *owned;
} ink_calibrated;

/* Writes dir, which appears whole or not at all: the model's files as ink_model_save writes them, and
 * inkling_calibration.json. Opened, it has the calibration; transformers opens it as before, for no file that
 * it reads says anything else. A calibration that the model has is replaced.
 *
 * The temperature is the one of the least log loss. With max_error, records drawn as these were have, among
 * those decided, a share of wrong ones of at most max_error, with 95% confidence (src/train/abstain.h).
 *
 * INK_E_ARG      a regression; max_error of a multi-label model, or thresholds other than F1 of another; a
 *                number out of its range
 * INK_E_IO       dir is there already, or cannot be written
 * INK_E_NUMERIC  no rule keeps the error below max_error; nothing is written, result says what could be
 * others         as ink_evaluate
 * ink_calibrated_free() the result, also after a failure. */
INK_API INK_NODISCARD ink_status ink_calibrate(ink_calibrated *result, const ink_model *model,
                                               const char *dir, const ink_calibrate_options *options,
                                               ink_error *err);
INK_API void ink_calibrated_free(ink_calibrated *result);

#ifdef __cplusplus
}
#endif
#endif
