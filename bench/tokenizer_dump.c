/* Encodes records and prints what came out, or times it: the C side of tokenizer_equal.py and of
 * tokenizer_speed.py.
 *
 * usage: tokenizer_dump DIR < records          one JSON object a record
 *        tokenizer_dump DIR --plain < records  ids, offsets and types as Python writes lists of them
 *        tokenizer_dump DIR --time N < records  encodes all N times; prints seconds and bytes of each
 *        tokenizer_dump DIR --open N            opens DIR N times; prints seconds of each
 *
 * A record is a line "TEXT_LEN PAIR_LEN FLAGS MAX_LENGTH" and then the bytes of the text and of the pair;
 * PAIR_LEN is -1 where there is none, FLAGS adds 1 for parse_special and 2 for no_specials. A refused record
 * prints
 * {"error":...}. */
#include <inkling/tokenizer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct record {
    char *bytes;
    size_t text_len, pair_len;
    int has_pair;
    ink_encode_options options;
} record;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int read_record(record *r)
{
    long long text_len, pair_len, flags, max_length;
    if (scanf("%lld %lld %lld %lld", &text_len, &pair_len, &flags, &max_length) != 4 || getchar() != '\n')
        return 0;
    r->text_len = (size_t)text_len;
    r->has_pair = pair_len >= 0;
    r->pair_len = r->has_pair ? (size_t)pair_len : 0;
    r->options = (ink_encode_options)INK_ENCODE_OPTIONS_INIT;
    r->options.parse_special = flags & 1;
    r->options.no_specials = (flags & 2) != 0;
    r->options.max_length = (size_t)max_length;
    /* To the byte, so that AddressSanitizer sees a read past the end. */
    r->bytes = malloc(r->text_len + r->pair_len + !(r->text_len + r->pair_len));
    if (r->bytes && fread(r->bytes, 1, r->text_len + r->pair_len, stdin) == r->text_len + r->pair_len)
        return 1;
    free(r->bytes);
    return 0;
}

static ink_status encode(ink_encoding *e, const ink_tokenizer *t, const record *r, ink_error *err)
{
    return ink_tokenizer_encode(e, t, r->bytes, r->text_len, r->has_pair ? r->bytes + r->text_len : NULL,
                                r->pair_len, &r->options, err);
}

static void print_string(const char *s)
{
    putchar('"');
    for (; *s; ++s) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        if ((unsigned char)*s < 0x20)
            printf("\\u%04x", (unsigned char)*s);
        else
            putchar(*s);
    }
    putchar('"');
}

static void print_encoding(const ink_encoding *e, const ink_tokenizer *t)
{
    printf("{\"ids\":[");
    for (size_t i = 0; i < e->length; ++i)
        printf("%s%" PRId32, i ? "," : "", e->ids[i]);
    printf("],\"tokens\":[");
    for (size_t i = 0; i < e->length; ++i) {
        const char *token = ink_tokenizer_token(t, e->ids[i]);
        fputs(i ? "," : "", stdout);
        print_string(token ? token : "");
    }
    printf("],\"offsets\":[");
    for (size_t i = 0; i < e->length; ++i)
        printf("%s[%zu,%zu]", i ? "," : "", e->spans[i].begin, e->spans[i].end);
    printf("],\"types\":[");
    for (size_t i = 0; i < e->length; ++i)
        printf("%s%" PRId32, i ? "," : "", e->types[i]);
    printf("],\"total\":%zu,\"bad_bytes\":%zu}\n", e->total, e->bad_bytes);
}

static void print_plain(const ink_encoding *e)
{
    for (size_t i = 0; i < e->length; ++i)
        printf("%s%" PRId32, i ? ", " : "[", e->ids[i]);
    fputs(e->length ? "] " : "[] ", stdout);
    for (size_t i = 0; i < e->length; ++i)
        printf("%s(%zu, %zu)", i ? ", " : "[", e->spans[i].begin, e->spans[i].end);
    fputs(e->length ? "] " : "[] ", stdout);
    for (size_t i = 0; i < e->length; ++i)
        printf("%s%" PRId32, i ? ", " : "[", e->types[i]);
    puts(e->length ? "]" : "[]");
}

static int dump(const ink_tokenizer *t, int plain)
{
    ink_encoding e = {0};
    ink_error err;
    record r;
    while (read_record(&r)) {
        if (encode(&e, t, &r, &err) == INK_OK) {
            plain ? print_plain(&e) : print_encoding(&e, t);
        } else {
            printf("{\"error\":");
            print_string(err.text);
            puts("}");
        }
        free(r.bytes);
    }
    ink_encoding_free(&e);
    return ferror(stdin) || fflush(stdout) != 0;
}

static int time_encoding(const ink_tokenizer *t, int times)
{
    ink_encoding e = {0};
    ink_error err;
    record *records = NULL;
    size_t n = 0, capacity = 0, bytes = 0;
    for (;; ++n) {
        if (n == capacity &&
            !(records = realloc(records, (capacity = 2 * capacity + 1024) * sizeof *records)))
            return 1;
        if (!read_record(&records[n]))
            break;
        bytes += records[n].text_len + records[n].pair_len;
    }
    for (int i = 0; i < times; ++i) {
        size_t tokens = 0;
        const double start = now();
        for (size_t k = 0; k < n; ++k) {
            if (encode(&e, t, &records[k], &err) != INK_OK)
                return fprintf(stderr, "%s\n", err.text), 1;
            tokens += e.length;
        }
        const double seconds = now() - start;
        printf("{\"seconds\":%.6f,\"bytes\":%zu,\"texts\":%zu,\"tokens\":%zu}\n", seconds, bytes, n, tokens);
        fflush(stdout);
    }
    for (size_t k = 0; k < n; ++k)
        free(records[k].bytes);
    free(records);
    ink_encoding_free(&e);
    return 0;
}

int main(int argc, char **argv)
{
    ink_tokenizer *t;
    ink_error err;
    const int plain = argc == 3 && strcmp(argv[2], "--plain") == 0;
    if (argc != 2 && argc != 4 && !plain)
        return fprintf(stderr, "usage: tokenizer_dump DIR [--plain | --time N | --open N] < records\n"), 2;
    for (int i = 0; argc == 4 && strcmp(argv[2], "--open") == 0 && i < atoi(argv[3]); ++i) {
        const double start = now();
        if (ink_tokenizer_open(&t, argv[1], &err) != INK_OK)
            return fprintf(stderr, "%s\n", err.text), 1;
        printf("{\"seconds\":%.6f}\n", now() - start);
        ink_tokenizer_free(t);
    }
    if (argc == 4 && strcmp(argv[2], "--open") == 0)
        return 0;
    if (ink_tokenizer_open(&t, argv[1], &err) != INK_OK)
        return fprintf(stderr, "%s: %s\n", ink_status_name(err.status), err.text), 1;
    const int failed = argc == 4 ? time_encoding(t, atoi(argv[3])) : dump(t, plain);
    ink_tokenizer_free(t);
    return failed;
}
