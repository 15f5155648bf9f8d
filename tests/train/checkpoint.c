/* Checkpoints: what was written is read; a byte changed anywhere, a byte too few or too many is found; a
 * write that fails leaves the last good one. */
#include "train/checkpoint.h"
#include "core/crc32c.h"
#include "io/scratch.h"

#include <signal.h>
#include <sys/resource.h>

TestSuite(checkpoint, .init = make_scratch, .fini = remove_scratch);

static ink_error err;

static const float weights[5] = {1, -2, 3.5f, 0, 1e-30f};
static const ink__section three[] = {
    {"weights", weights, sizeof weights}, {"cursor", "\1\2\3", 3}, {"empty", NULL, 0}};

static const char *write_three(void)
{
    const char *path = scratch_path("run.ckpt");
    assert_ok(ink__checkpoint_write(path, three, 3, &err), err);
    return path;
}

Test(checkpoint, sections_come_back_as_they_were)
{
    ink__checkpoint *c;
    const void *data;
    const char *path = write_three();
    assert_ok(ink__checkpoint_open(&c, path, &err), err);
    cr_expect(ink__checkpoint_count(c) == 3);
    cr_expect(strcmp(ink__checkpoint_at(c, 0)->name, "cursor") == 0, "names ascend");
    for (size_t i = 0; i < 3; ++i) {
        const ink__section *found = ink__checkpoint_find(c, three[i].name);
        cr_assert(found && found->size == three[i].size, "%s", three[i].name);
        cr_expect(found->size == 0 || memcmp(found->data, three[i].data, found->size) == 0, "%s",
                  three[i].name);
        cr_expect((uintptr_t)found->data % 64 == 0);
    }
    cr_expect(!ink__checkpoint_find(c, "weight"));
    assert_ok(ink__checkpoint_need(&data, c, "weights", sizeof weights, &err), err);
    cr_expect(((const float *)data)[2] == 3.5f);
    expect_failure(ink__checkpoint_need(&data, c, "moments", 4, &err), err, INK_E_FORMAT,
                   "run.ckpt: has no section \"moments\"");
    expect_failure(ink__checkpoint_need(&data, c, "cursor", 4, &err), err, INK_E_FORMAT,
                   "section \"cursor\" has 3 bytes, wanted 4");
    ink__checkpoint_close(c);
    assert_ok(ink__checkpoint_write(path, NULL, 0, &err), err);
    assert_ok(ink__checkpoint_open(&c, path, &err), err);
    cr_expect(ink__checkpoint_count(c) == 0 && !ink__checkpoint_find(c, "weights"));
    ink__checkpoint_close(c);
    ink__checkpoint_close(NULL);
}

Test(checkpoint, the_same_sections_make_the_same_bytes_in_any_order)
{
    size_t len, again_len;
    const ink__section turned[] = {three[2], three[0], three[1]};
    char *bytes = read_back(&len, write_three());
    cr_assert(ink__checkpoint_write(scratch_path("again"), turned, 3, &err) == INK_OK);
    char *again = read_back(&again_len, scratch_path("again"));
    cr_expect(len == again_len && memcmp(bytes, again, len) == 0);
    free(bytes);
    free(again);
}

Test(checkpoint, one_changed_bit_is_found_wherever_it_is)
{
    size_t len;
    char *bytes = read_back(&len, write_three());
    for (size_t i = 0; i < len; ++i)
        for (int bit = 0; bit < 8; ++bit) {
            ink__checkpoint *c;
            bytes[i] ^= (char)(1 << bit);
            const ink_status st = ink__checkpoint_open(&c, scratch_bytes("bad", bytes, len), &err);
            cr_expect(st == (i >= 8 && i < 12 ? INK_E_UNSUPPORTED : INK_E_FORMAT) && !c,
                      "byte %zu bit %d: %s", i, bit, ink_status_name(st));
            ink__checkpoint_close(c);
            bytes[i] ^= (char)(1 << bit);
        }
    free(bytes);
}

Test(checkpoint, one_that_was_cut_or_grew_is_found_at_every_length)
{
    size_t len;
    ink__checkpoint *c;
    char *bytes = read_back(&len, write_three());
    for (size_t cut = 0; cut < len; ++cut)
        expect_failure(ink__checkpoint_open(&c, scratch_bytes("bad", bytes, cut), &err), err, INK_E_FORMAT,
                       cut < 8 ? "is no checkpoint of Inkling's" : "is cut short");
    expect_failure(ink__checkpoint_open(&c, scratch_bytes("bad", bytes, len + 1), &err), err, INK_E_FORMAT,
                   "1 of them behind its last section");
    free(bytes);
}

/* Changes a header of one 64-byte block and makes its checksum right again. */
static const char *forged(const char *bytes, size_t len, size_t at, const char *with, size_t n)
{
    ink__crc32c crc;
    unsigned char copy[4096];
    memcpy(copy, bytes, len);
    memcpy(copy + at, with, n);
    memset(copy + 20, 0, 4);
    ink__crc32c_init(&crc);
    const uint32_t sum = ink__crc32c_add(&crc, 0, copy, 128);
    for (int i = 0; i < 4; ++i)
        copy[20 + i] = (unsigned char)(sum >> 8 * i);
    return scratch_bytes("forged", copy, len);
}

Test(checkpoint, a_header_that_lies_is_refused_although_its_checksum_is_right)
{
    /* 24 bytes, three entries of 16 (cursor, empty, weights), names from 72 on. */
    static const struct {
        size_t at;
        const char *with;
        size_t n;
        const char *wanted;
    } cases[] = {
        {24, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "is cut short, in section \"cursor\""},
        {24, "\0", 1, "64 of them behind its last section"},
        {24, "\2", 1, "is damaged, before section \"weights\""},
        {24 + 12, "\0", 1, "section 0 has no proper name"},
        {24 + 12, "\xFF\xFF\xFF\xFF", 4, "section 0 has no proper name"},
        {72, "\0", 1, "section 0 has no proper name"},
        {72, "z", 1, "sections \"zursor\" and \"empty\" are out of order"},
        {72, "emptyy", 6, "sections \"emptyy\" and \"empty\" are out of order"},
        {120, "x", 1, "is damaged, in its header"},
        {12, "\xFF", 1, "is damaged, in its header"},
        {16, "\x40", 1, "is damaged, in its header"},
        {130, "x", 1, "is damaged, in section \"cursor\""},
        {132, "x", 1, "is damaged, before section \"weights\""},
    };
    size_t len;
    ink__checkpoint *c;
    char *bytes = read_back(&len, write_three());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        expect_failure(
            ink__checkpoint_open(&c, forged(bytes, len, cases[i].at, cases[i].with, cases[i].n), &err), err,
            INK_E_FORMAT, cases[i].wanted);
    free(bytes);
}

Test(checkpoint, other_files_are_told_apart)
{
    ink__checkpoint *c;
    expect_failure(ink__checkpoint_open(&c, scratch_text("text", "hello, world"), &err), err, INK_E_FORMAT,
                   "text: is no checkpoint of Inkling's");
    expect_failure(ink__checkpoint_open(&c, scratch_path("none"), &err), err, INK_E_IO, "No such file");
    expect_failure(
        ink__checkpoint_open(&c, scratch_bytes("v2", "INKCKPT\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24), &err),
        err, INK_E_UNSUPPORTED, "is a checkpoint of version 2, this Inkling reads 1");
}

Test(checkpoint, a_disk_that_is_full_leaves_the_last_good_one)
{
    ink__checkpoint *c;
    static char large[100000];
    const ink__section big = {"weights", large, sizeof large};
    const char *path = write_three();
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {50000, 50000};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect_failure(ink__checkpoint_write(path, &big, 1, &err), err, INK_E_IO, "run.ckpt: cannot be written");
    cr_expect(entries_in(scratch) == 1, "the temporary stays behind");
    assert_ok(ink__checkpoint_open(&c, path, &err), err);
    cr_expect(ink__checkpoint_count(c) == 3);
    ink__checkpoint_close(c);
}

Test(checkpoint, names_that_cannot_be_told_apart_are_refused)
{
    const ink__section twice[] = {three[0], three[1], three[0]}, nameless = {"", "x", 1};
    expect_failure(ink__checkpoint_write(scratch_path("x"), twice, 3, &err), err, INK_E_ARG,
                   "two sections are named \"weights\"");
    expect_failure(ink__checkpoint_write(scratch_path("x"), &nameless, 1, &err), err, INK_E_ARG,
                   "wants a name");
    cr_expect(entries_in(scratch) == 0);
}
