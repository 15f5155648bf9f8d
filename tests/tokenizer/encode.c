/* Whole texts: the package's answers to hard cases, the public interface, and what it costs. */
#include "cases.h"
#include "support.h"

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

/* golden/cases.jsonl is what tokenizers 0.23.3 made of texts and options; see make_tokenizer_golden.py. */
Test(encode, hard_cases_are_what_the_package_makes_of_them)
{
    check_cases("cases.jsonl", 301);
}

Test(encode, the_bytes_of_each_token_are_its_surface)
{
    static const char text[] = "Hello, the UNwant\xC3\xA9"
                               "d \xE6\xBC\xA2\xE5\xAD\x97!";
    static const char *const surfaces[] = {"Hello",        ",", "the", "UN", "want\303\251d", "\xE6\xBC\xA2",
                                           "\xE5\xAD\x97", "!"};
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding e = {0};
    const ink_encode_options o = {1, false, true, 0, false};
    assert_ok(ink_tokenizer_encode(&e, t, text, sizeof text - 1, NULL, 0, &o, &err), err);
    cr_assert(e.length == sizeof surfaces / sizeof *surfaces, "%s", encoding_text(&e, t));
    for (size_t i = 0; i < e.length; ++i)
        cr_expect(e.spans[i].end - e.spans[i].begin == strlen(surfaces[i]) &&
                      memcmp(text + e.spans[i].begin, surfaces[i], strlen(surfaces[i])) == 0,
                  "token %zu", i);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(encode, total_counts_the_whole_text_and_length_what_was_kept)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding all = {0}, cut = {0};
    static const char text[] = "the cafe of the world, unknowable: unwanted! the end";
    assert_ok(ink_tokenizer_encode(&all, t, text, sizeof text - 1, NULL, 0, NULL, &err), err);
    cr_expect(all.total == all.length && all.length > 10);
    for (size_t most = 2; most < all.length + 3; ++most) {
        const ink_encode_options o = {1, false, false, most, false};
        assert_ok(ink_tokenizer_encode(&cut, t, text, sizeof text - 1, NULL, 0, &o, &err), err);
        cr_expect(cut.total == all.total && cut.length == (most < all.length ? most : all.length));
        for (size_t i = 0; i + 1 < cut.length; ++i)
            cr_expect(cut.ids[i] == all.ids[i] && cut.spans[i].begin == all.spans[i].begin);
        cr_expect(cut.ids[cut.length - 1] == ink_tokenizer_id(t, "[SEP]", 5));
    }
    ink_encoding_free(&all);
    ink_encoding_free(&cut);
    ink_tokenizer_free(t);
}

Test(encode, ill_formed_bytes_are_counted_over_text_and_pair)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding e = {0};
    assert_ok(ink_tokenizer_encode(&e, t, "a\xFF\xE4\xBD b", 6, "\xED\xA0\x80", 3, NULL, &err), err);
    cr_expect(e.bad_bytes == 5, "%zu", e.bad_bytes);
    cr_expect(strcmp(encoding_text(&e, t), "[CLS]@0-0 a@0-1 b@5-6 [SEP]@0-0 [SEP]@0-0") == 0, "%s",
              encoding_text(&e, t));
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(encode, no_text_at_all_is_an_empty_text)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding e = {0};
    assert_ok(ink_tokenizer_encode(&e, t, NULL, 0, NULL, 0, NULL, &err), err);
    cr_expect(e.length == 2 && e.total == 2 && e.ids[0] == 2 && e.ids[1] == 3);
    assert_ok(ink_tokenizer_encode(&e, t, NULL, 0, "", 0, NULL, &err), err);
    cr_expect(e.length == 3 && e.types[2] == 1);
    ink_encoding_free(&e);
    cr_expect(e.ids == NULL && e.scratch == NULL && e.capacity == 0);
    ink_encoding_free(NULL);
    ink_tokenizer_free(t);
    ink_tokenizer_free(NULL);
}

/* Resident pages of this process, in KiB. */
static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    size_t size = 0, pages = 0;
    cr_assert(f && fscanf(f, "%zu %zu", &size, &pages) == 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Each is repeated to 16 MiB: words, one word, one run of marks (dropped, kept, and kept of two kinds), white
 * space, ill-formed bytes. */
Test(encode, memory_grows_with_the_tokens_kept_and_not_with_the_text)
{
    static const char *const pieces[] = {
        "the ", "a",    "\xCC\x81", "\xE3\x80\xAE", "\xE3\x80\xAE\xF0\x9D\x85\xA5",
        " ",    "\xFF", "foo ",     "\xE5\xAD\x97"};
    enum { SIZE = 16 << 20 };
    char *text = malloc(SIZE);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; ++i) {
        ink_tokenizer *t = open_golden(i % 2 ? "uncased" : "added");
        ink_encoding e = {0};
        const size_t n = strlen(pieces[i]), len = SIZE / n * n;
        const ink_encode_options o = {1, false, false, 128, false};
        for (size_t k = 0; k < len; k += n)
            memcpy(text + k, pieces[i], n);
        const size_t before = resident();
        assert_ok(ink_tokenizer_encode(&e, t, text, len, NULL, 0, &o, &err), err);
        const size_t grown = resident() - before;
        cr_expect(grown < 1024, "piece %zu: %zu KiB more", i, grown);
        cr_expect(e.length <= 128 && e.total >= 2);
        ink_encoding_free(&e);
        ink_tokenizer_free(t);
    }
    free(text);
}

Test(encode, steady_work_allocates_nothing)
{
    ink_tokenizer *t = open_golden("added");
    ink_encoding e = {0};
    static const char *const texts[] = {"the unwanted cafe, foo CAF\xC3\x89 bar", "a [MASK] b", "",
                                        "\xE5\xAD\x97 e\xCC\x81"};
    for (int round = 0; round < 2; ++round)
        for (size_t i = 0; i < 4; ++i)
            assert_ok(ink_tokenizer_encode(&e, t, texts[i], strlen(texts[i]), NULL, 0, NULL, &err), err);
    const struct mallinfo2 before = mallinfo2();
    int32_t *const ids = e.ids;
    for (int round = 0; round < 100; ++round)
        for (size_t i = 0; i < 4; ++i)
            assert_ok(ink_tokenizer_encode(&e, t, texts[i], strlen(texts[i]), NULL, 0, NULL, &err), err);
    const struct mallinfo2 after = mallinfo2();
    cr_expect(after.uordblks == before.uordblks && ids == e.ids, "%zu bytes in use became %zu",
              before.uordblks, after.uordblks);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

/* --- One tokenizer, many threads --- */

enum { THREADS = 8, ROUNDS = 400 };
static const char *const shared_texts[] = {"the unwanted cafe, foo", "UNwant\303\251d [MASK] bar",
                                           "e\xE3\x80\xAE\xCC\xB4 \xE6\xBC\xA2",
                                           "foo foo foo the end of the world"};
static const ink_tokenizer *shared;
static ink_encoding expected[4];

static void *encode_many(void *failures)
{
    ink_encoding e = {0};
    ink_error mine;
    const ink_encode_options o = {1, true, false, 0, false};
    for (int i = 0; i < ROUNDS; ++i) {
        const char *text = shared_texts[i % 4];
        const ink_encoding *wanted = &expected[i % 4];
        if (ink_tokenizer_encode(&e, shared, text, strlen(text), NULL, 0, &o, &mine) != INK_OK ||
            e.length != wanted->length || memcmp(e.ids, wanted->ids, e.length * sizeof *e.ids) != 0 ||
            memcmp(e.spans, wanted->spans, e.length * sizeof *e.spans) != 0)
            ++*(int *)failures;
    }
    ink_encoding_free(&e);
    return NULL;
}

Test(encode, threads_share_one_tokenizer)
{
    pthread_t threads[THREADS];
    int failures[THREADS] = {0};
    ink_tokenizer *t = open_golden("added");
    const ink_encode_options o = {1, true, false, 0, false};
    shared = t;
    for (int i = 0; i < 4; ++i)
        assert_ok(ink_tokenizer_encode(&expected[i], t, shared_texts[i], strlen(shared_texts[i]), NULL, 0, &o,
                                       &err),
                  err);
    for (int i = 0; i < THREADS; ++i)
        cr_assert(pthread_create(&threads[i], NULL, encode_many, &failures[i]) == 0);
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
        cr_expect(failures[i] == 0, "thread %d: %d of %d encodings differ", i, failures[i], ROUNDS);
    }
    for (int i = 0; i < 4; ++i)
        ink_encoding_free(&expected[i]);
    ink_tokenizer_free(t);
}
