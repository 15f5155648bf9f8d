/* inkling train-tokenizer: text in, a tokenizer's directory out. */
#include "job.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct args {
    const char *out, *text, *text_pair;
    size_t vocab_size, input_sentences, seed;
    double character_coverage;
    int type, format, on_error;
    char delimiter;
    bool lowercase, byte_fallback, quiet, progress;
};

static const char *const types[] = {"unigram", "bpe", "wordpiece"};
enum { ON_ERROR_STOP = 1, NO_TYPE = -1 };

static struct args defaults = {.text = "text",
                               .vocab_size = 30000,
                               .input_sentences = 200000,
                               .seed = 42,
                               .character_coverage = 0.9995,
                               .on_error = ON_ERROR_STOP,
                               .type = NO_TYPE};

#define AT(member) offsetof(struct args, member)

static const cli_opt options[] = {
    {0, "type", CLI_CHOICE, AT(type), "unigram|bpe|wordpiece",
     "SentencePiece's unigram or BPE, or BERT's WordPiece (required)", NULL},
    {0, "vocab-size", CLI_SIZE, AT(vocab_size), "N", "tokens in all, [PAD] and the like included", NULL},
    {'o', "out", CLI_STR, AT(out), "DIR", "the directory that is made (required)", NULL},
    {0, "lowercase", CLI_FLAG, AT(lowercase), NULL, "capitals become small; with wordpiece accents go, too",
     NULL},
    {0, "character-coverage", CLI_REAL, AT(character_coverage), "X",
     "share of the text whose characters get a token, the commonest first", NULL},
    {0, "byte-fallback", CLI_FLAG, AT(byte_fallback), NULL,
     "unigram and bpe: 256 tokens for bytes, so that nothing is unknown", NULL},
    {0, "input-sentences", CLI_SIZE, AT(input_sentences), "N",
     "unigram and bpe: of more lines so many are drawn; holds memory", NULL},
    {0, "seed", CLI_COUNT, AT(seed), "N", "of the draw", NULL},
    {0, "format", CLI_CHOICE, AT(format), "auto|lines|docs|jsonl|csv|tsv|fasttext|blocks",
     "of the inputs; auto goes by the ending, .gz and .zst left out", NULL},
    {0, "delimiter", CLI_CHAR, AT(delimiter), "C",
     "between the columns of csv: ';' as European Excel writes it, or tab", "a comma"},
    {0, "text", CLI_STR, AT(text), "NAME", "field or column that holds the text", NULL},
    {0, "text-pair", CLI_STR, AT(text_pair), "NAME", "field of a second text, which is read as well", NULL},
    {0, "on-error", CLI_CHOICE, AT(on_error), "report|stop",
     "a bad record: leave it out and report it, or stop", NULL},
    {0, "quiet", CLI_FLAG, AT(quiet), NULL, "print nothing but errors on stderr", NULL},
    {0, "progress", CLI_FLAG, AT(progress), NULL, "show progress even where stderr is no terminal", NULL},
    {0},
};

/* What ink_train_tokenizer takes; told before anything is read. */
static const cli_limit limits[] = {
    {"vocab-size", 6, 1 << 22},
    {"character-coverage", 0.98, 1},
    {"input-sentences", 1, 1 << 24},
    {0},
};

struct meter {
    bool shown, terminal, drawn;
    double last;
};

static void print_line(const ink_train_tokenizer_progress *p)
{
    fprintf(stderr, "%s, %llu records", p->stage, (unsigned long long)p->records);
    if (strcmp(p->stage, "reading") == 0 && p->bytes_total) {
        fprintf(stderr, " (%.0f%%)", 100.0 * (double)p->bytes_read / (double)p->bytes_total);
        if (p->bytes_read) {
            fprintf(stderr, ", %.1f MB/s, ", (double)p->bytes_read / 1e6 / (p->seconds + 1e-3));
            job_print_duration(p->seconds * (double)(p->bytes_total - p->bytes_read) / (double)p->bytes_read);
            fputs(" left", stderr);
        }
        return;
    }
    if (p->tokens)
        fprintf(stderr, ", %llu tokens", (unsigned long long)p->tokens);
    fputs(", ", stderr);
    job_print_duration(p->seconds);
}

/* On a terminal one line is redrawn; elsewhere, with --progress, a line comes every 5 s. */
static int on_progress(const ink_train_tokenizer_progress *p, void *user)
{
    struct meter *m = user;
    if (m->shown && (m->terminal || p->seconds - m->last >= 5)) {
        m->last = p->seconds;
        if (m->terminal)
            fputc('\r', stderr);
        print_line(p);
        fputs(m->terminal ? "\033[K" : "\n", stderr);
        fflush(stderr);
        m->drawn = m->terminal;
    }
    return job_stop_signal() != 0;
}

static void print_result(const ink_train_tokenizer_report *r, const struct args *a)
{
    fprintf(stderr, "%s: %zu tokens from ", a->out, r->vocab_size);
    if (r->words)
        fprintf(stderr, "%llu different words", (unsigned long long)r->words);
    else if (r->used < r->sentences)
        fprintf(stderr, "%llu of %llu lines", (unsigned long long)r->used, (unsigned long long)r->sentences);
    else
        fprintf(stderr, "%llu lines", (unsigned long long)r->used);
    fprintf(stderr, " of %llu records, in ", (unsigned long long)r->records);
    job_print_duration(r->seconds);
    if (r->bad_bytes)
        fprintf(stderr, "; %llu bytes or sequences that are not UTF-8", (unsigned long long)r->bad_bytes);
    fputc('\n', stderr);
}

/* What was left out, and the status to leave with. */
static int print_left_out(const ink_train_tokenizer_report *r, bool quiet)
{
    const char *notes = r->notes;
    for (size_t len; (!quiet || r->unread) && (len = strcspn(notes, "\n")) > 0;
         notes += len + (notes[len] == '\n'))
        fprintf(stderr, "inkling train-tokenizer: %.*s\n", (int)len, notes);
    if (r->left_out)
        fprintf(
            stderr,
            "inkling train-tokenizer: %llu of %llu records could not be used and were left out; the first: "
            "%s\n",
            (unsigned long long)r->left_out, (unsigned long long)r->records, r->first_error);
    return r->left_out || r->unread ? EXIT_FAILED : EXIT_OK;
}

static int run(int argc, char **argv)
{
    struct args a = defaults;
    int first;
    const int status = cli_parse(&a, &first, &verb_train_tokenizer, argc, argv);
    if (status >= 0)
        return status;
    if (a.type == NO_TYPE || !a.out)
        return cli_usage("train-tokenizer", "--%s is required", a.type == NO_TYPE ? "type" : "out");
    struct meter meter = {.terminal = isatty(STDERR_FILENO)};
    meter.shown = !a.quiet && (meter.terminal || a.progress);
    ink_train_tokenizer_options o = INK_TRAIN_TOKENIZER_OPTIONS_INIT;
    ink_train_tokenizer_report report;
    ink_error err;
    o.out = a.out, o.type = types[a.type], o.vocab_size = a.vocab_size;
    o.inputs = (const char *const *)(argv + first);
    while (o.inputs[o.n_inputs])
        ++o.n_inputs;
    o.format = (ink_format)a.format, o.delimiter = a.delimiter;
    o.text = a.text, o.text_pair = a.text_pair;
    o.lowercase = a.lowercase, o.character_coverage = a.character_coverage;
    o.byte_fallback = a.byte_fallback, o.input_sentences = a.input_sentences, o.seed = a.seed;
    o.leave_out_bad = a.on_error != ON_ERROR_STOP;
    o.progress = on_progress, o.user = &meter;
    signal(SIGXFSZ, SIG_IGN);
    job_catch_signals();
    const ink_status st = ink_train_tokenizer(&report, &o, &err);
    if (meter.drawn)
        fputs("\r\033[K", stderr);
    if (st == INK_E_CANCELLED && job_stop_signal()) {
        fprintf(stderr, "inkling train-tokenizer: %s; there is no %s\n", err.text, a.out);
        return 128 + job_stop_signal();
    }
    if (st != INK_OK)
        return cli_fail("train-tokenizer", &err);
    if (!a.quiet)
        print_result(&report, &a);
    return print_left_out(&report, a.quiet);
}

const cli_verb verb_train_tokenizer = {
    .name = "train-tokenizer",
    .summary =
        "Makes a tokenizer: learns a vocabulary from text. The directory opens here and in Hugging Face\n"
        "with the same ids. Inputs are files, folders (each file in it one document) or -; none means\n"
        "stdin. The same inputs and settings give the same bytes.",
    .operands = "[FILE|FOLDER...]",
    .options = options,
    .limits = limits,
    .defaults = &defaults,
    .run = run,
};
