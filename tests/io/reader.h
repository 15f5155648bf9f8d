/* Reads records in tests: opens, steps, and compares what comes with what should. */
#ifndef INK_TESTS_IO_READER_H
#define INK_TESTS_IO_READER_H

#include "io/records.h"
#include "io/scratch.h"

static ink_error err;
static ink__records *records;
static ink__record record;
static bool at_end;

static inline ink_status next_record(void)
{
    return ink__records_next(&record, &at_end, records, &err);
}

static inline void open_inputs(const char *const *paths, size_t n, ink_format format)
{
    ink__records_options options = {0};
    options.inputs = paths, options.n_inputs = n, options.format = format;
    assert_ok(ink__records_open(&records, &options, &err), err);
}

/* Opens one file of that text. */
static inline void open_bytes(const char *name, const void *bytes, size_t len)
{
    const char *path = scratch_bytes(name, bytes, len);
    open_inputs(&path, 1, INK_FORMAT_AUTO);
}

static inline void open_text(const char *name, const char *text)
{
    open_bytes(name, text, strlen(text));
}

static inline bool same(const char *bytes, size_t len, const char *wanted, size_t wanted_len)
{
    return bytes && len == wanted_len && memcmp(bytes, wanted, len) == 0;
}

/* The next record has this id and text. */
#define expect_record_bytes(wanted_id, wanted_text, wanted_len)                                              \
    do {                                                                                                     \
        assert_ok(next_record(), err);                                                                       \
        cr_assert(!at_end, "no more records, wanted %s", (wanted_id));                                       \
        cr_expect(!record.error, "%s", record.error);                                                        \
        cr_expect(same(record.id, record.id_len, (wanted_id), strlen(wanted_id)), "id %.*s, wanted %s",      \
                  (int)record.id_len, record.id, (wanted_id));                                               \
        cr_expect(same(record.text, record.text_len, (wanted_text), (wanted_len)),                           \
                  "text `%.*s`, wanted `%s`", (int)record.text_len, record.text, (wanted_text));             \
    } while (0)
#define expect_record(id, text) expect_record_bytes(id, text, strlen(text))

/* The next record has this id and a sentence that holds this text. */
#define expect_bad_record(wanted_id, wanted)                                                                 \
    do {                                                                                                     \
        assert_ok(next_record(), err);                                                                       \
        cr_assert(!at_end, "no more records, wanted a bad one");                                             \
        cr_assert(record.error, "the record is fine, wanted `%s`", (wanted));                                \
        cr_expect(strstr(record.error, (wanted)), "the sentence is `%s`, wanted `%s` in it", record.error,   \
                  (wanted));                                                                                 \
        cr_expect(!record.text && !record.pair, "a bad record has no text");                                 \
        cr_expect(same(record.id, record.id_len, (wanted_id), strlen(wanted_id)), "id %.*s, wanted %s",      \
                  (int)record.id_len, record.id, (wanted_id));                                               \
    } while (0)

#define expect_end()                                                                                         \
    do {                                                                                                     \
        assert_ok(next_record(), err);                                                                       \
        cr_expect(at_end, "record %.*s, wanted no more", (int)record.id_len, record.id);                     \
        assert_ok(next_record(), err);                                                                       \
        cr_expect(at_end, "the end must stay the end");                                                      \
        ink__records_free(records);                                                                          \
    } while (0)

/* A file of `size` zero bytes that takes no room, between a beginning and an end. */
static inline const char *scratch_huge(const char *name, const char *begin, size_t size, const char *end)
{
    const char *path = scratch_text(name, begin);
    FILE *file = fopen(path, "r+b");
    cr_assert(file && fseek(file, (long)(strlen(begin) + size), SEEK_SET) == 0);
    cr_assert(fputs(end, file) >= 0 && fclose(file) == 0);
    return path;
}

#endif
