/* log.jsonl, the story of a run: one JSON object a line, each written as soon as it is known.
 *
 * A line opens with "step", the number of updates done, and ends with "time" where times are told at all:
 * {"step":20,"epoch":0.5,"loss":0.6931472,"learning_rate":0.00002,"time":{"seconds":1.2,"tokens_per_s":800}}
 * All but "time" is a function of seed, settings and data, so that a run that was stopped and resumed leaves
 * the lines, "time" apart, of one that was not. Numbers are the shortest that read back as the same float;
 * what is not finite is null. */
#ifndef INK_TRAIN_LOG_H
#define INK_TRAIN_LOG_H

#include "core/status.h"

typedef struct ink__log ink__log;

/* Opens path for a new run: empty, whatever was there. */
ink_status ink__log_create(ink__log **log, const char *path, ink_error *err);

/* Opens path to go on after update `step`: a last line that is not whole goes, and the first line of a later
 * step with all that follow. Of the lines of a step all must be written before its checkpoint is. A file that
 * is not there starts empty. INK_E_FORMAT: it holds a line that no run wrote; it stays as it is. */
ink_status ink__log_resume(ink__log **log, const char *path, uint64_t step, ink_error *err);
void ink__log_free(ink__log *log); /* NULL is fine */

/* A line: started, filled and written. Failures of the first two are told by the third. */
void ink__log_start(ink__log *log, uint64_t step);
void ink__log_number(ink__log *log, const char *key, double value);
void ink__log_count(ink__log *log, const char *key, uint64_t value);
void ink__log_string(ink__log *log, const char *key, const char *value);
void ink__log_time(ink__log *log, double seconds, double tokens_per_s); /* comes last */
ink_status ink__log_write(ink__log *log, ink_error *err);

/* Makes the lines written so far survive a power cut: before a checkpoint that counts on them. */
ink_status ink__log_sync(ink__log *log, ink_error *err);

#endif
