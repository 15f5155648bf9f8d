/* The embed job: see inkling/job.h. Vectors go out as JSON lines, or as a NumPy array in the format of
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (version 1.0). */
#include "infer/model_worker.h"
#include "infer/session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool wants_npy(const ink_job_options *options)
{
    const size_t len = options->output ? strlen(options->output) : 0;
    return len > 4 && strcmp(options->output + len - 4, ".npy") == 0;
}

static ink_status one_line(ink__result *result, const ink__model_worker *s, const ink__unit *unit,
                           const ink__unit_record *record, const float *vector, ink_error *err)
{
    ink__text *out = &result->out;
    INK_TRY(ink__result_id(&result->out, unit, record, err));
    INK_TRY(ink__text_cstr(out, ",\"embedding\":[", err));
    for (size_t h = 0; h < s->info.hidden; ++h) {
        INK_TRY(ink__text_cstr(out, h ? "," : "", err));
        INK_TRY(ink__text_float(out, vector[h], err));
    }
    INK_TRY(ink__text_cstr(out, "]", err));
    return ink__result_end(out, unit, record, err);
}

static ink_status bytes_of(ink__text *out, const float *values, size_t n, ink_error *err)
{
    return ink__text_bytes(out, (const char *)values, n * sizeof *values, err);
}

/* A bad record's row in an array: it cannot be left out, for rows are found by their number. */
static ink_status missing_row(ink__text *out, size_t H, ink_error *err)
{
    const float nan = NAN;
    for (size_t h = 0; h < H; ++h)
        INK_TRY(bytes_of(out, &nan, 1, err));
    return INK_OK;
}

static ink_status bad_record(ink__result *result, bool *stop, const ink__model_worker *s,
                             const ink__unit *unit, const ink__unit_record *record, ink_error *err)
{
    const size_t before = result->out.len;
    INK_TRY(ink__result_bad(result, stop, unit, record, s->options, err));
    if (!wants_npy(s->options) || *stop)
        return INK_OK;
    result->out.len = before;
    return missing_row(&result->out, s->info.hidden, err);
}

static ink_status run(ink__result *result, void *state, const ink__unit *unit, ink_error *err)
{
    ink__model_worker *s = state;
    const ink_text_options options = {.version = 1,
                                      .max_length = s->options->max_length,
                                      .parse_special = s->options->parse_special,
                                      .pooling = s->options->pooling,
                                      .normalize = s->options->normalize,
                                      .long_texts = s->options->long_texts};
    size_t n;
    INK_TRY(ink__model_worker_gather(&n, s, unit, s->info.hidden, err));
    INK_TRY(ink_embed_texts(s->out, n * s->info.hidden, s->uses, s->session, s->texts, n, &options, err));
    bool stop = false;
    for (size_t i = 0, good = 0; i < unit->n && !stop; ++i) {
        const ink__unit_record *record = &unit->records[i];
        if (record->error != SIZE_MAX) {
            INK_TRY(bad_record(result, &stop, s, unit, record, err));
            continue;
        }
        const float *vector = s->out + good * s->info.hidden; /* [H] */
        if (wants_npy(s->options))
            INK_TRY(bytes_of(&result->out, vector, s->info.hidden, err));
        else
            INK_TRY(one_line(result, s, unit, record, vector, err));
        result->tokens += s->uses[good].computed;
        result->truncated += s->uses[good].used < s->uses[good].tokens;
        ++good;
    }
    return INK_OK;
}

static ink_status npy_header(ink__text *header, const ink__work *work, uint64_t records, ink_error *err)
{
    enum { SIZE = 128 }; /* of the whole header, always: it is written twice */
    const ink_model *model = work->subject;
    char text[SIZE];
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = SIZE - 10, text[9] = 0;
    const int n =
        snprintf(text + 10, SIZE - 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %zu), }",
                 (unsigned long long)records, model->config.H);
    memset(text + 10 + n, ' ', (size_t)(SIZE - 10 - n));
    text[SIZE - 1] = '\n';
    return ink__text_bytes(header, text, SIZE, err);
}

ink_status ink_job_embed(ink_job_report *report, const ink_model *model, const ink_job_options *options,
                         ink_error *err)
{
    INK_TRY(ink__job_check(report, model, options, err));
    INK_TRY(ink__length_check(model, options->max_length, err));
    INK_TRY(ink__long_check(&options->long_texts, options->text_pair != NULL, err));
    ink_model_info info;
    ink_model_get_info(&info, model);
    const ink__work work = {
        .subject = model,
        .verb = "embed",
        .unit_tokens = options->batch_tokens ? options->batch_tokens : INK__BATCH_TOKENS,
        .max_length = options->max_length ? options->max_length : info.embed_max_length,
        .chunked = options->long_texts.how == INK_LONG_CHUNK,
        .open = ink__model_worker_open,
        .close = ink__model_worker_close,
        .run = run,
        .header = wants_npy(options) ? npy_header : NULL,
    };
    return ink__job_run(report, &work, options, err);
}
