/* The lines of a unit's records and their count: see job.h. */
#include "infer/job.h"

#include <stdio.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 20 };

ink_status ink__result_id(ink__result *result, const ink__unit *unit, const ink__unit_record *record,
                          ink_error *err)
{
    INK_TRY(ink__text_cstr(&result->out, "{\"id\":", err));
    return ink__text_bytes(&result->out, ink__unit_at(unit, record->id), record->id_len, err);
}

void ink__result_failed(ink__result *result, bool *stop, const ink__unit *unit,
                        const ink__unit_record *record, const char *sentence, bool stop_on_error)
{
    if (result->failed++ == 0)
        snprintf(result->first_error, sizeof result->first_error, "%s", sentence);
    *stop = result->stopped = stop_on_error;
    if (stop_on_error)
        result->records = (uint64_t)(record - unit->records);
}

ink_status ink__result_bad(ink__result *result, bool *stop, const ink__unit *unit,
                           const ink__unit_record *record, bool stop_on_error, ink_error *err)
{
    const char *sentence = ink__unit_at(unit, record->error);
    ink__result_failed(result, stop, unit, record, sentence, stop_on_error);
    if (stop_on_error)
        return INK_OK;
    INK_TRY(ink__result_id(result, unit, record, err));
    INK_TRY(ink__text_cstr(&result->out, ",\"error\":", err));
    INK_TRY(ink__text_string(&result->out, sentence, strlen(sentence), err));
    return ink__text_cstr(&result->out, "}\n", err);
}

void ink__result_reset(ink__result *result)
{
    ink__text out = result->out;
    out.len = 0;
    if (out.capacity > KEEP_BYTES)
        ink__text_free(&out);
    *result = (ink__result){.out = out};
}
