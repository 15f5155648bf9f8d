/* The lines of a unit's records and their count: see job.h. */
#include "infer/job.h"

#include <stdio.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 20 };

ink_status ink__result_id(ink__text *out, const ink__unit *unit, const ink__unit_record *record,
                          ink_error *err)
{
    INK_TRY(ink__text_cstr(out, "{\"id\":", err));
    return ink__text_bytes(out, ink__unit_at(unit, record->id), record->id_len, err);
}

ink_status ink__result_end(ink__text *out, const ink__unit *unit, const ink__unit_record *record,
                           ink_error *err)
{
    INK_TRY(ink__text_bytes(out, ink__unit_at(unit, record->kept), record->kept_len, err));
    return ink__text_cstr(out, "}\n", err);
}

void ink__result_failed(ink__result *result, bool *stop, const ink__unit *unit,
                        const ink__unit_record *record, const char *sentence, bool stop_on_error)
{
    if (result->failed++ == 0)
        snprintf(result->first_error, sizeof result->first_error, "%s", sentence);
    ++result->failed_by[record->kind];
    *stop = result->stopped = stop_on_error;
    if (stop_on_error)
        result->records = (uint64_t)(record - unit->records);
}

ink_status ink__result_bad(ink__result *result, bool *stop, const ink__unit *unit,
                           const ink__unit_record *record, const ink_job_options *options, ink_error *err)
{
    const char *sentence = ink__unit_at(unit, record->error);
    ink__text *out = options->rejects ? &result->rejects : &result->out;
    ink__result_failed(result, stop, unit, record, sentence, options->stop_on_error);
    if (options->stop_on_error)
        return INK_OK;
    INK_TRY(ink__result_id(out, unit, record, err));
    INK_TRY(ink__text_cstr(out, ",\"error\":", err));
    INK_TRY(ink__text_string(out, sentence, strlen(sentence), err));
    return ink__text_cstr(out, "}\n", err);
}

static ink__text emptied(ink__text text)
{
    text.len = 0;
    if (text.capacity > KEEP_BYTES)
        ink__text_free(&text);
    return text;
}

void ink__result_reset(ink__result *result)
{
    *result = (ink__result){.out = emptied(result->out), .rejects = emptied(result->rejects)};
}

void ink__result_free(ink__result *result)
{
    ink__text_free(&result->out);
    ink__text_free(&result->rejects);
}
