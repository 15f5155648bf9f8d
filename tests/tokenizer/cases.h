/* The package's answers to hard cases: tests/tokenizer/golden/<file>, a JSON object a line with a tokenizer's
 * name, text, options, and the ids, types and offsets that tokenizers 0.23.3 gave. */
#ifndef INK_TESTS_TOKENIZER_CASES_H
#define INK_TESTS_TOKENIZER_CASES_H

#include "io/file.h"
#include "io/scratch.h"
#include "tokenizer/open.h"

#define GOLDEN_DIR INK_TEST_DATA "/tokenizer/golden"

/* golden/<name>.json, or the directory golden/<name>. */
static inline ink_tokenizer *open_golden(const char *name)
{
    char file[128], path[600];
    ink_error why;
    ink_tokenizer *t;
    snprintf(file, sizeof file, "%s.json", name);
    const bool alone = ink__file_exists(GOLDEN_DIR, file);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, alone ? file : name);
    if (!alone) {
        assert_ok(ink_tokenizer_open(&t, path, &why), why);
        return t;
    }
    t = calloc(1, sizeof *t);
    assert_ok(ink__tokenizer_from_json(t, path, &why), why);
    return t;
}

static inline size_t number_at(const json_t *list, size_t i)
{
    return (size_t)json_number_value(json_array_get(list, i));
}

static inline bool same_as(const ink_encoding *e, const json_t *wanted)
{
    const json_t *ids = json_object_get(wanted, "ids"), *types = json_object_get(wanted, "types");
    const json_t *offsets = json_object_get(wanted, "offsets");
    if (e->length != json_array_size(ids))
        return false;
    for (size_t i = 0; i < e->length; ++i) {
        const json_t *span = json_array_get(offsets, i);
        if ((size_t)e->ids[i] != number_at(ids, i) || (size_t)e->types[i] != number_at(types, i) ||
            e->spans[i].begin != number_at(span, 0) || e->spans[i].end != number_at(span, 1))
            return false;
    }
    return true;
}

static inline void check_case(ink_encoding *e, const ink_tokenizer *t, const json_t *wanted, const char *line)
{
    ink_error why;
    const json_t *text = json_object_get(wanted, "text"), *pair = json_object_get(wanted, "pair");
    const ink_encode_options o = {1, json_is_true(json_object_get(wanted, "parse_special")),
                                  json_is_true(json_object_get(wanted, "no_specials")),
                                  (size_t)json_number_value(json_object_get(wanted, "max_length")), false};
    assert_ok(ink_tokenizer_encode(e, t, json_string_value(text), json_string_length(text),
                                   json_string_value(pair), json_string_length(pair), &o, &why),
              why);
    cr_expect(same_as(e, wanted), "%zu tokens otherwise:\n%s", e->length, line);
}

/* Checks every case of golden/<file>, of which there are at least `least`. */
static inline void check_cases(const char *file, size_t least)
{
    char path[600], open_name[64] = "", *line = NULL;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, file);
    FILE *f = fopen(path, "r");
    size_t capacity = 0, n = 0;
    ink_tokenizer *t = NULL;
    ink_encoding e = {0};
    ink_error why;
    cr_assert(f, "%s", path);
    for (ssize_t len; (len = getline(&line, &capacity, f)) > 0; ++n) {
        ink__json json;
        assert_ok(ink__json_parse(&json, line, (size_t)len, "case", &why), why);
        const char *name = json_string_value(json_object_get(json.root, "tokenizer"));
        if (strcmp(name, open_name) != 0) {
            ink_tokenizer_free(t);
            t = open_golden(name);
            snprintf(open_name, sizeof open_name, "%s", name);
        }
        check_case(&e, t, json.root, line);
        ink__json_close(&json);
    }
    cr_expect(n >= least, "%zu cases", n);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
    free(line);
    fclose(f);
}

#endif
