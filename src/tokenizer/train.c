/* ink_train_tokenizer: checks what is asked for, reads the records, and has the vocabulary learned and
 * written. */
#include "tokenizer/train.h"
#include "core/memory.h"
#include "io/atomic_folder.h"
#include "io/records.h"
#include "tokenizer/pretokenize.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VOCAB_SIZE = 30000, VOCAB_MOST = 1 << 22, SENTENCES = 200000, SENTENCES_MOST = 1 << 24 };
static const double COVERAGE = 0.9995;

/* ---- what is asked for
 * ------------------------------------------------------------------------------------- */

/* A directory that holds another tokenizer would end up with files of both. */
static ink_status check_out(const char *out, ink_error *err)
{
    DIR *dir = opendir(out);
    bool empty = true;
    for (const struct dirent *entry; dir && empty && (entry = readdir(dir));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty ? INK_OK
                 : ink_fail(err, INK_E_ARG, "%s: is not empty, wanted a new or an empty directory", out);
}

static ink_status check(ink_train_tokenizer_options *o, ink_error *err)
{
    static const char *const types[] = {"unigram", "bpe", "wordpiece"};
    size_t type = 0;
    if (o->version != 1)
        return ink_fail(err, INK_E_ARG, "ink_train_tokenizer: options of version %u, wanted 1", o->version);
    if (!o->out || !*o->out || !o->type)
        return ink_fail(err, INK_E_ARG, "ink_train_tokenizer: out and type have to be set");
    while (type < 3 && strcmp(o->type, types[type]) != 0)
        ++type;
    if (type == 3)
        return ink_fail(err, INK_E_ARG,
                        "\"%.80s\" is no type of tokenizer; there are unigram, bpe, wordpiece", o->type);
    o->vocab_size = o->vocab_size ? o->vocab_size : VOCAB_SIZE;
    o->input_sentences = o->input_sentences ? o->input_sentences : SENTENCES;
    o->character_coverage = o->character_coverage != 0 ? o->character_coverage : COVERAGE;
    if (type == 2 && o->byte_fallback)
        return ink_fail(err, INK_E_ARG, "WordPiece has no byte fallback; unigram and bpe do");
    if (o->vocab_size > VOCAB_MOST)
        return ink_fail(err, INK_E_ARG, "a vocabulary of %zu tokens, wanted at most %d", o->vocab_size,
                        VOCAB_MOST);
    const size_t least = INK__TRAIN_SPECIALS + 1 + (o->byte_fallback ? 256 : 0);
    if (o->vocab_size < least)
        return ink_fail(err, INK_E_ARG, "a vocabulary of %zu tokens, wanted at least %zu", o->vocab_size,
                        least);
    if (o->input_sentences > SENTENCES_MOST)
        return ink_fail(err, INK_E_ARG, "%zu sentences to train on, wanted at most %d", o->input_sentences,
                        SENTENCES_MOST);
    if (!(o->character_coverage >= 0.98 && o->character_coverage <= 1)) /* SentencePiece's range */
        return ink_fail(err, INK_E_ARG, "a character coverage of %g, wanted 0.98 to 1",
                        o->character_coverage);
    return check_out(o->out, err);
}

/* ---- progress
 * ---------------------------------------------------------------------------------------------- */

ink_status ink__training_tick(ink__training *t, bool now, ink_error *err)
{
    const ink_train_tokenizer_options *o = &t->options;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    t->progress.seconds =
        (double)(time.tv_sec - t->start.tv_sec) + (double)(time.tv_nsec - t->start.tv_nsec) * 1e-9;
    t->report->seconds = t->progress.seconds;
    if (!o->progress || (!now && t->progress.seconds - t->told < 0.1))
        return INK_OK;
    t->told = t->progress.seconds;
    if (o->progress(&t->progress, o->user) != 0)
        return ink_fail(err, INK_E_CANCELLED, "stopped after %llu records, while %s",
                        (unsigned long long)t->progress.records, t->progress.stage);
    return INK_OK;
}

/* ---- reading
 * ----------------------------------------------------------------------------------------------- */

/* What is kept of the text: words for WordPiece, lines for SentencePiece. */
struct material {
    bool wordpiece;
    ink__normalizer normalizer;
    ink__word word;
    ink__words words;
    ink__sample sample;
};

static void free_material(struct material *m)
{
    ink__normalizer_release(&m->normalizer);
    ink__word_free(&m->word);
    ink__words_free(&m->words);
    ink__sample_free(&m->sample);
}

/* The very words that the tokenizer will meet in this text. */
static ink_status count_words(struct material *m, const char *text, size_t len, ink_error *err)
{
    ink__stream stream;
    ink__stream_start(&stream, &m->normalizer, (const unsigned char *)text, 0, len);
    ink__word_start(&m->word);
    for (;;) {
        bool found;
        INK_TRY(ink__pretokenize_next(&m->word, &found, &stream, NULL, INK__TRAIN_WORD_CHARS, err));
        if (!found)
            return INK_OK;
        if (!m->word.overlong)
            INK_TRY(ink__words_add(&m->words, (const char *)m->word.bytes, m->word.len, err));
    }
}

static ink_status take(struct material *m, const char *text, size_t len, ink_error *err)
{
    return m->wordpiece ? count_words(m, text, len, err) : ink__sample_add(&m->sample, text, len, err);
}

static ink_status read_all(struct material *m, ink__training *t, ink__records *records, ink_error *err)
{
    ink_train_tokenizer_report *report = t->report;
    for (bool end;;) {
        ink__record record;
        INK_TRY(ink__records_next(&record, &end, records, err));
        if (end)
            return INK_OK;
        t->progress.records = ++report->records;
        ink__records_progress(&t->progress.bytes_read, &t->progress.bytes_total, records);
        INK_TRY(ink__training_tick(t, false, err));
        if (record.error) {
            if (!t->options.leave_out_bad)
                return ink_fail(err, INK_E_FORMAT, "%s", record.error);
            if (report->left_out++ == 0)
                snprintf(report->first_error, sizeof report->first_error, "%s", record.error);
            continue;
        }
        report->bad_bytes += record.bad_bytes;
        INK_TRY(take(m, record.text, record.text_len, err));
        if (record.pair)
            INK_TRY(take(m, record.pair, record.pair_len, err));
    }
}

static void tell_notes(ink_train_tokenizer_report *report, const ink__notes *notes)
{
    char sentences[INK__NOTES_MAX][INK__NOTE_BYTES];
    const size_t n = ink__notes_sentences(sentences, notes);
    size_t at = 0;
    for (size_t i = 0; i < n && at < sizeof report->notes; ++i)
        at += (size_t)snprintf(report->notes + at, sizeof report->notes - at, "%s\n", sentences[i]);
    report->unread = notes->unread;
}

static ink_status read_material(struct material *m, ink__training *t, ink_error *err)
{
    const ink_train_tokenizer_options *o = &t->options;
    const ink__records_options from = {.inputs = o->inputs,
                                       .n_inputs = o->n_inputs,
                                       .format = o->format,
                                       .delimiter = o->delimiter,
                                       .text = o->text,
                                       .text_pair = o->text_pair};
    ink__records *records;
    INK_TRY(ink__records_open(&records, &from, err));
    ink_status st = read_all(m, t, records, err);
    if (st == INK_OK && !o->leave_out_bad)
        st = ink__notes_check(ink__records_notes(records), err);
    tell_notes(t->report, ink__records_notes(records));
    ink__records_free(records);
    t->report->words = m->words.n;
    t->report->sentences = m->sample.seen;
    t->report->used = m->sample.n;
    if (st == INK_OK && m->words.n == 0 && m->sample.n == 0)
        return ink_fail(err, INK_E_FORMAT, "the inputs hold no text to learn from, in %llu records%s",
                        (unsigned long long)t->report->records,
                        m->wordpiece ? " (a word of more than 100 characters is none)" : "");
    return st;
}

/* ---- all of it
 * --------------------------------------------------------------------------------------------- */

static ink_status learn_wordpiece(const char *dir, ink__training *t, struct material *m, ink_error *err)
{
    ink__vocab vocab = {0};
    ink_status st = ink__train_wordpiece(&vocab, t, &m->words, err);
    if (st == INK_OK)
        st = ink__train_write_wordpiece(dir, &vocab, t->options.lowercase, err);
    ink__vocab_free(&vocab);
    return st;
}

static ink_status learn_spm(const char *dir, ink__training *t, struct material *m, ink_error *err)
{
    ink__spm_model model = {0};
    char *bytes = NULL;
    size_t len = 0;
    ink_status st = ink__train_spm(&model, &bytes, &len, t, &m->sample, err);
    if (st == INK_OK)
        st = ink__train_write_spm(dir, &model, bytes, len, err);
    ink__spm_model_free(&model);
    free(bytes);
    return st;
}

/* The directory is begun first: that it cannot be made is said before anything is read. */
static ink_status train(ink__training *t, struct material *m, ink_error *err)
{
    ink__atomic_folder *folder;
    ink_status st;
    INK_TRY(ink__atomic_folder_open(&folder, t->options.out, err));
    const char *dir = ink__atomic_folder_path(folder);
    INK_TRY_GOTO(read_material(m, t, err));
    t->progress.stage = "training";
    INK_TRY_GOTO(ink__training_tick(t, true, err));
    INK_TRY_GOTO(m->wordpiece ? learn_wordpiece(dir, t, m, err) : learn_spm(dir, t, m, err));
    t->progress.tokens = t->options.vocab_size;
    INK_TRY_GOTO(ink__training_tick(t, true, err));
    st = ink__atomic_folder_commit(folder, err);
    if (st == INK_OK)
        t->report->vocab_size = t->options.vocab_size;
done:
    ink__atomic_folder_free(folder);
    return st;
}

ink_status ink_train_tokenizer(ink_train_tokenizer_report *report, const ink_train_tokenizer_options *options,
                               ink_error *err)
{
    if (!report || !options)
        return ink_fail(err, INK_E_ARG, "ink_train_tokenizer: report and options may not be NULL");
    ink__training t = {.options = *options, .report = report, .progress.stage = "reading"};
    struct material m = {0};
    *report = (ink_train_tokenizer_report){0};
    clock_gettime(CLOCK_MONOTONIC, &t.start);
    INK_TRY(check(&t.options, err));
    m.wordpiece = strcmp(options->type, "wordpiece") == 0;
    m.sample.most = t.options.input_sentences;
    m.sample.random = ink__random_start(t.options.seed, 0);
    m.normalizer.clean = m.normalizer.cjk = true;
    m.normalizer.strip = m.normalizer.lower = t.options.lowercase;
    ink_status st = ink__normalizer_init(&m.normalizer, err);
    if (st == INK_OK)
        st = train(&t, &m, err);
    free_material(&m);
    return st;
}
