/* The safetensors writer: its bytes are those of the reference package (tests/golden/make_io.py, and models
 * that transformers saved), and what it cannot write it refuses before it touches the disk. */
#include "io/safetensors.h"
#include "io/scratch.h"

TestSuite(safetensors_write, .init = make_scratch, .fini = remove_scratch);

static ink_error err;

/* Reads a file, writes its tensors in another order, and compares the two. */
static void expect_same_bytes(const char *path)
{
    ink__tensors *tensors;
    size_t len, written_len;
    assert_ok(ink__tensors_open(&tensors, path, &err), err);
    const size_t n = ink__tensors_count(tensors);
    ink__tensor *reversed = calloc(n, sizeof *reversed);
    for (size_t i = 0; i < n; ++i)
        reversed[i] = *ink__tensors_at(tensors, n - 1 - i);
    const char *written_path = scratch_path("written.safetensors");
    assert_ok(ink__tensors_write(written_path, reversed, n, &err), err);
    char *bytes = read_back(&len, path), *written = read_back(&written_len, written_path);
    cr_expect(len == written_len && memcmp(bytes, written, len) == 0, "%s is written with other bytes", path);
    free(bytes);
    free(written);
    free(reversed);
    ink__tensors_free(tensors);
}

Test(safetensors_write, the_bytes_are_the_reference_writers)
{
    expect_same_bytes(INK_TEST_DATA "/golden/io/odd.safetensors");
    expect_same_bytes(INK_TEST_DATA "/golden/bert-tiny-cls/model.safetensors");
}

Test(safetensors_write, a_file_without_tensors_is_a_header)
{
    const char *path = scratch_path("x");
    assert_ok(ink__tensors_write(path, NULL, 0, &err), err);
    size_t len;
    char *bytes = read_back(&len, path);
    cr_expect(len == 40 &&
              memcmp(bytes, "\x20\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"pt\"}}", 40) == 0);
    free(bytes);
}

Test(safetensors_write, what_cannot_be_written_is_refused_first)
{
    static const float data[2];
    static const struct {
        ink__tensor tensors[2];
        const char *wanted;
    } cases[] = {
        {{{"a", INK__F32, 1, {2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "two tensors are named \"a\""},
        {{{"__metadata__", INK__F32, 1, {2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "named \"__metadata__\""},
        {{{"\xFF", INK__F32, 1, {2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}}, "is not UTF-8"},
        {{{"x", INK__F32, 1, {2}, data, 7, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "tensor \"x\" has 7 bytes, its shape takes 8"},
        {{{"x", INK__F32, 2, {SIZE_MAX, 2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "overflows"},
        {{{"x", INK__DTYPES, 1, {2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "has dtype 13 and rank 1"},
        {{{"x", INK__F32, 9, {2}, data, 8, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "has dtype 3 and rank 9"},
        {{{"x", INK__I8, 1, {SIZE_MAX}, data, SIZE_MAX, NULL}, {"a", INK__I8, 1, {2}, data, 2, NULL}},
         "sizes overflow"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        expect_failure(ink__tensors_write(scratch_path("x"), cases[i].tensors, 2, &err), err, INK_E_ARG,
                       cases[i].wanted);
    cr_expect(entries_in(scratch) == 0);
    become_nobody();
    expect_failure(ink__tensors_write("/dev/full", cases[0].tensors, 1, &err), err, INK_E_IO,
                   "No space left");
    become_ourselves_again();
}
