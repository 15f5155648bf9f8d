/* inkling_calibration.json: how logits become decisions. It is a file of its own, and config.json stays as it
 * was: transformers carries keys it does not know from config.json into whatever is trained and saved from
 * the model, where they would hold no more; a file it does not know stays behind. For the same reason the
 * file names the head it was fitted with by a digest: other weights under it are refused.
 *
 *   {"format": "inkling_calibration", "version": 1, "labels": ["negative", "positive"],
 *    "head": "16 bytes in hexadecimal", "precision": "f32", "records": 872, "temperature": 1.61,
 *    "thresholds": [0.41, 0.3],                                           multi-label alone
 *    "abstain": {"max_error": 0.05, "confidence": 0.95, "ratio": 5.2, "decided": 795, "wrong": 26}}
 *
 * Keys it does not know are not looked at. */
#ifndef INK_MODEL_CALIBRATION_H
#define INK_MODEL_CALIBRATION_H

#include "io/json.h"
#include "io/jsontext.h"
#include "model/config.h"
#include "model/params.h"

#include <inkling/model.h>

#define INK__CALIBRATION_FILE "inkling_calibration.json"

enum { INK__HEAD_DIGEST = 33 }; /* bytes of its text, with the end */

/* *calibration = dir's, or NULL where it has none. INK_E_FORMAT: broken, or of another head or other labels;
 * INK_E_UNSUPPORTED: of a later version. */
ink_status ink__calibration_open(ink_calibration **calibration, const char *dir, const ink__config *config,
                                 const ink__params *params, ink_error *err);
/* The same from a parsed file; head is what it must name. */
ink_status ink__calibration_read(ink_calibration **calibration, const ink__json *json,
                                 const ink__config *config, const char *head, ink_error *err);
void ink__calibration_free(ink_calibration *calibration); /* NULL is fine */

/* Appends the file's contents. */
ink_status ink__calibration_write(ink__text *text, const ink_calibration *calibration,
                                  const ink__config *config, const char *head, ink_error *err);

/* digest = the head's last layer as it is stored. */
void ink__head_digest(char digest[INK__HEAD_DIGEST], const ink__params *params);

/* x [n,C] in place: scores of logits by the activation, divided by the temperature first. */
void ink__scores_of_logits(float *x, size_t n, size_t C, ink_activation activation, float temperature);

/* At least 1, infinite where the second score is 0: what the abstain rule looks at. */
float ink__score_ratio(const float *scores, size_t C);

#endif
