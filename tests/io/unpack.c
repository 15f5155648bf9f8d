/* Compressed inputs: read as they are, whatever their pieces; a sentence where they are cut or broken. */
#include "io/reader.h"
#include "io/packed.h"

#include <fcntl.h>
#include <sys/resource.h>

TestSuite(unpack, .init = make_scratch, .fini = remove_scratch);

enum { ROOM = 1 << 16 };

static const struct codec {
    const char *ending;
    size_t (*pack)(void *out, size_t size, const void *bytes, size_t len);
} codecs[] = {{".gz", pack_gzip}, {".zst", pack_zstd}};
enum { CODECS = sizeof codecs / sizeof *codecs };

/* Opens a file of these bytes named x<middle><the codec's ending>. */
static void open_packed(const struct codec *codec, const char *middle, const void *bytes, size_t len)
{
    char name[64];
    snprintf(name, sizeof name, "x%s%s", middle, codec->ending);
    open_bytes(name, bytes, len);
}

Test(unpack, the_ending_before_that_of_the_codec_says_the_format)
{
    static const char csv[] = "\xEF\xBB\xBFid,text\n1,a\n", jsonl[] = "{\"text\":\"b\"}",
                      text[] = "id,text\n";
    char out[ROOM];
    for (int i = 0; i < CODECS; ++i) {
        open_packed(&codecs[i], ".csv", out, codecs[i].pack(out, ROOM, csv, sizeof csv - 1));
        expect_record("\"1\"", "a");
        expect_end();
        open_packed(&codecs[i], ".JSONL", out, codecs[i].pack(out, ROOM, jsonl, sizeof jsonl - 1));
        expect_record("1", "b");
        expect_end();
        open_packed(&codecs[i], "", out, codecs[i].pack(out, ROOM, text, sizeof text - 1));
        expect_record("1", "id,text");
        expect_end();
        open_packed(&codecs[i], "", out, codecs[i].pack(out, ROOM, "", 0));
        expect_end();
        open_packed(&codecs[i], "", "", 0);
        expect_end();
    }
}

Test(unpack, members_and_frames_follow_each_other)
{
    char out[ROOM];
    for (int i = 0; i < CODECS; ++i) {
        size_t len = codecs[i].pack(out, ROOM, "one\ntw", 6);
        len += codecs[i].pack(out + len, ROOM - len, "", 0);
        len += codecs[i].pack(out + len, ROOM - len, "o\nthree", 7);
        open_packed(&codecs[i], "", out, len);
        expect_record("1", "one");
        expect_record("2", "two");
        expect_record("3", "three");
        expect_end();
    }
    size_t len = pack_gzip(out, ROOM, "one\n", 4);
    memset(out + len, 0, 300);
    open_bytes("x.gz", out, len + 300);
    expect_record("1", "one");
    expect_end();
}

/* Text of many lines that hardly compresses, so that it takes several pieces. */
static char *make_lines(size_t *len, size_t n)
{
    char *text = malloc(n * 32);
    uint64_t x = 1;
    *len = 0;
    for (size_t i = 0; i < n; ++i) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        *len += (size_t)snprintf(text + *len, 32, "%zu %016llx\n", i, (unsigned long long)x);
    }
    return text;
}

Test(unpack, progress_counts_bytes_as_they_are_stored)
{
    enum { LINES = 40000 };
    size_t len;
    char *text = make_lines(&len, LINES), *out = malloc(2 * len);
    for (int i = 0; i < CODECS; ++i) {
        uint64_t read, total;
        const size_t packed = codecs[i].pack(out, 2 * len, text, len);
        open_packed(&codecs[i], "", out, packed);
        const char *line = text;
        for (size_t n = 0; n < LINES; ++n) {
            assert_ok(next_record(), err);
            const size_t wanted = strcspn(line, "\n");
            cr_assert(!at_end && same(record.text, record.text_len, line, wanted), "line %zu", n);
            line += wanted + 1;
        }
        ink__records_progress(&read, &total, records);
        cr_expect(total == packed && read == packed, "%zu", (size_t)read);
        expect_end();
    }
    free(text);
    free(out);
}

Test(unpack, what_is_cut_off_says_so_after_the_records_before)
{
    enum { LINES = 20000 };
    size_t len;
    char *text = make_lines(&len, LINES), *out = malloc(2 * len);
    for (int i = 0; i < CODECS; ++i) {
        const size_t packed = codecs[i].pack(out, 2 * len, text, len);
        size_t read = 0;
        open_packed(&codecs[i], "", out, packed - packed / 4);
        while (next_record() == INK_OK)
            ++read;
        cr_expect(read > LINES / 2 && read < LINES, "%zu records", read);
        expect_failure(next_record(), err, INK_E_FORMAT, "ends in the middle of its compressed data");
        cr_expect(strstr(err.text, "/x") && strstr(err.text, codecs[i].ending), "%s", err.text);
        ink__records_free(records);
        for (size_t cut = 1; cut < 12; ++cut) {
            open_packed(&codecs[i], "", out, cut);
            expect_failure(next_record(), err, INK_E_FORMAT, "ends in the middle");
            ink__records_free(records);
        }
    }
    free(text);
    free(out);
}

Test(unpack, what_is_broken_says_so)
{
    static const char *const says[] = {"x.gz: its gzip data is broken: incorrect header check",
                                       "x.zst: its zstd data is broken: Unknown frame descriptor"};
    char out[ROOM];
    for (int i = 0; i < CODECS; ++i) {
        open_packed(&codecs[i], "", "plain text\n", 11);
        expect_failure(next_record(), err, INK_E_FORMAT, says[i]);
        expect_failure(next_record(), err, INK_E_FORMAT, says[i]);
        ink__records_free(records);
        const size_t len = codecs[i].pack(out, ROOM, "one\n", 4);
        strcpy(out + len, "rubbish");
        if (i == 0)
            continue; /* see below */
        open_packed(&codecs[i], "", out, len + 7);
        expect_record("1", "one");
        expect_failure(next_record(), err, INK_E_FORMAT, says[i]);
        ink__records_free(records);
    }
    const size_t len = pack_gzip(out, ROOM, "one\n", 4);
    out[len - 6] ^= 1;
    open_bytes("x.gz", out, len);
    expect_record("1", "one");
    expect_failure(next_record(), err, INK_E_FORMAT, "incorrect data check");
    ink__records_free(records);
}

Test(unpack, what_follows_gzip_data_and_is_none_is_noted_with_its_place)
{
    static const char *const rubbish[] = {"rubbish", "\x1F", "\x1F\x8A\x08", "\n", "\xFF\xFF\xFF\xFF"};
    char out[ROOM], wanted[80], sentences[INK__NOTES_MAX][INK__NOTE_BYTES];
    const size_t one = pack_gzip(out, ROOM, "one\n", 4),
                 len = one + pack_gzip(out + one, ROOM - one, "two\n", 4);
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; ++i) {
        for (size_t zeros = 0; zeros < 3; ++zeros) {
            memset(out + len, 0, zeros);
            strcpy(out + len + zeros, rubbish[i]);
            open_bytes("x.gz", out, len + zeros + strlen(rubbish[i]));
            expect_record("1", "one");
            expect_record("2", "two");
            if (i == 1) { /* it may be cut off in the middle */
                expect_failure(next_record(), err, INK_E_FORMAT, "ends in the middle of its compressed data");
                ink__records_free(records);
                continue;
            }
            assert_ok(next_record(), err);
            cr_assert(at_end);
            const ink__notes *notes = ink__records_notes(records);
            snprintf(wanted, sizeof wanted, "/x.gz: its compressed data ends at byte %zu; ", len + zeros);
            cr_expect(notes->unread == 1 && ink__notes_sentences(sentences, notes) == 1);
            cr_expect(strstr(sentences[0], wanted), "%s, wanted %s", sentences[0], wanted);
            expect_failure(ink__notes_check(notes, &err), err, INK_E_FORMAT, wanted);
            expect_end();
        }
    }
    /* A third member that is broken further on is a broken member. */
    memcpy(out + len, "\x1F\x8B\x09rest", 8);
    open_bytes("x.gz", out, len + 7);
    expect_record("1", "one");
    expect_record("2", "two");
    expect_failure(next_record(), err, INK_E_FORMAT, "x.gz: its gzip data is broken");
    ink__records_free(records);
}

Test(unpack, a_window_of_zstd_over_the_limit_is_refused)
{
    char out[ROOM];
    ZSTD_CCtx *context = ZSTD_createCCtx();
    for (int log = 27; log <= 28; ++log) {
        ZSTD_outBuffer to = {out, ROOM, 0};
        ZSTD_inBuffer from = {"one\n", 4, 0}, none = {"", 0, 0};
        ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log);
        ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
        cr_assert(!ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue)));
        cr_assert(ZSTD_compressStream2(context, &to, &none, ZSTD_e_end) == 0);
        open_bytes("x.zst", out, to.pos);
        if (log == 27) {
            expect_record("1", "one");
            expect_end();
        } else {
            expect_failure(next_record(), err, INK_E_UNSUPPORTED,
                           "x.zst: its zstd window is larger than 128 MiB");
            ink__records_free(records);
        }
    }
    ZSTD_freeCCtx(context);
}

Test(unpack, a_bomb_takes_no_memory, .timeout = 100)
{
    enum { PART = 1 << 20, PARTS = 256 };
    char *zeros = calloc(1, PART), *out = malloc(PART);
    for (int i = 0; i < CODECS; ++i) {
        const size_t part = codecs[i].pack(out, PART, zeros, PART);
        const char *path = scratch_path(i ? "x.zst" : "x.gz");
        FILE *file = fopen(path, "wb");
        for (int n = 0; n < PARTS; ++n)
            cr_assert(fwrite(out, 1, part, file) == part);
        const size_t last = codecs[i].pack(out, PART, "\nlast", 5);
        cr_assert(fwrite(out, 1, last, file) == last && fclose(file) == 0);
        open_inputs(&path, 1, INK_FORMAT_AUTO);
        expect_bad_record("1", "line 1: has 268435456 bytes, at most");
        expect_record("2", "last");
        expect_end();
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    cr_expect(usage.ru_maxrss < MEMORY_LIMIT_KIB, "%ld KiB", usage.ru_maxrss);
    free(zeros);
    free(out);
}

Test(unpack, a_compressed_pipe_is_ready_when_a_record_is, .timeout = 10)
{
    char out[ROOM];
    for (int i = 0; i < CODECS; ++i) {
        const char *path = scratch_path(i ? "pipe.zst" : "pipe.gz");
        cr_assert(mkfifo(path, 0600) == 0);
        const int fd = open(path, O_RDWR);
        size_t len = codecs[i].pack(out, ROOM, "one\ntwo\n", 8);
        open_inputs(&path, 1, INK_FORMAT_AUTO);
        cr_assert(write(fd, out, 5) == 5);
        cr_assert(write(fd, out + 5, len - 5) == (ssize_t)len - 5);
        expect_record("1", "one");
        cr_expect(ink__records_ready(records));
        expect_record("2", "two");
        cr_expect(!ink__records_ready(records), "the writer may go on");
        len = codecs[i].pack(out, ROOM, "three\n", 6);
        cr_assert(write(fd, out, len) == (ssize_t)len);
        cr_expect(ink__records_ready(records));
        expect_record("3", "three");
        close(fd);
        expect_end();
    }
}
