/* The tokenize job: see inkling/job.h. */
#include "core/memory.h"
#include "infer/job.h"

#include <stdlib.h>
#include <string.h>

/* Tokenizing is fast: a unit is large enough that handing it out costs nothing beside it. */
enum { UNIT_TOKENS = 1 << 14 };

struct state {
    const ink_tokenizer *tokenizer;
    const ink_job_options *options;
    ink_encoding encoding;
};

static void close_state(void *state)
{
    struct state *s = state;
    ink_encoding_free(&s->encoding);
    free(s);
}

static ink_status open_state(void **state, const ink__work *work, const ink_job_options *options,
                             ink_error *err)
{
    struct state *s;
    INK_TRY(ink__calloc(&s, 1, sizeof *s, "worker", err));
    s->tokenizer = work->subject, s->options = options;
    *state = s;
    return INK_OK;
}

static ink_status one_line(ink__result *result, const struct state *s, const ink__unit *unit,
                           const ink__unit_record *record, ink_error *err)
{
    const ink_encoding *e = &s->encoding;
    ink__text *out = &result->out;
    INK_TRY(ink__result_id(&result->out, unit, record, err));
    INK_TRY(ink__text_cstr(out, ",\"ids\":[", err));
    for (size_t i = 0; i < e->length; ++i) {
        INK_TRY(ink__text_cstr(out, i ? "," : "", err));
        INK_TRY(ink__text_uint(out, (uint64_t)e->ids[i], err));
    }
    INK_TRY(ink__text_cstr(out, "],\"tokens\":[", err));
    for (size_t i = 0; i < e->length; ++i) {
        const char *token = ink_tokenizer_token(s->tokenizer, e->ids[i]);
        INK_TRY(ink__text_cstr(out, i ? "," : "", err));
        INK_TRY(ink__text_string(out, token, strlen(token), err));
    }
    INK_TRY(ink__text_cstr(out, "],\"offsets\":[", err));
    for (size_t i = 0; i < e->length; ++i) {
        INK_TRY(ink__text_cstr(out, i ? ",[" : "[", err));
        INK_TRY(ink__text_uint(out, e->spans[i].begin, err));
        INK_TRY(ink__text_cstr(out, ",", err));
        INK_TRY(ink__text_uint(out, e->spans[i].end, err));
        INK_TRY(ink__text_cstr(out, "]", err));
    }
    return ink__text_cstr(out, "]}\n", err);
}

static ink_status run(ink__result *result, void *state, const ink__unit *unit, ink_error *err)
{
    struct state *s = state;
    const ink_encode_options options = {
        .version = 1, .parse_special = s->options->parse_special, .max_length = s->options->max_length};
    bool stop = false;
    for (size_t i = 0; i < unit->n && !stop; ++i) {
        const ink__unit_record *r = &unit->records[i];
        if (r->error != SIZE_MAX) {
            INK_TRY(ink__result_bad(result, &stop, unit, r, s->options, err));
            continue;
        }
        INK_TRY(ink_tokenizer_encode(&s->encoding, s->tokenizer, ink__unit_at(unit, r->text), r->text_len,
                                     r->has_pair ? ink__unit_at(unit, r->pair) : NULL, r->pair_len, &options,
                                     err));
        INK_TRY(one_line(result, s, unit, r, err));
        result->tokens += s->encoding.length;
        result->truncated += s->encoding.length < s->encoding.total;
    }
    return INK_OK;
}

ink_status ink_job_tokenize(ink_job_report *report, const ink_tokenizer *tokenizer,
                            const ink_job_options *options, ink_error *err)
{
    INK_TRY(ink__job_check(report, tokenizer, options, err));
    const ink__work work = {
        .subject = tokenizer,
        .unit_tokens = UNIT_TOKENS,
        .max_length = options->max_length,
        .open = open_state,
        .close = close_state,
        .run = run,
    };
    return ink__job_run(report, &work, options, err);
}
