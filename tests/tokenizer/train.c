/* Training a tokenizer: a vocabulary worked out by hand, the size that was asked for or a sentence, the same
 * bytes again, every character of the text known, and texts that mean harm. */
#include "support.h"

#include <inkling/train_tokenizer.h>

#include <sched.h>

TestSuite(train, .init = make_scratch, .fini = remove_scratch);

static const char *const types[] = {"wordpiece", "unigram", "bpe"};
enum { TYPES = 3, LINES = 400 };

static ink_train_tokenizer_options options;
static ink_train_tokenizer_report report;

/* Trains on scratch/name into scratch/out. */
static ink_status train(const char *out, const char *type, size_t vocab_size, const char *name)
{
    static const char *input;
    input = scratch_path(name);
    options.version = 1;
    options.out = scratch_path(out);
    options.type = type;
    options.vocab_size = vocab_size;
    options.inputs = &input;
    options.n_inputs = 1;
    return ink_train_tokenizer(&report, &options, &err);
}

static bool is_there(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

static void expect_nothing_left(const char *what)
{
    DIR *dir = opendir(scratch);
    for (struct dirent *entry; (entry = readdir(dir));)
        cr_expect(strncmp(entry->d_name, "out", 3) != 0 && strncmp(entry->d_name, ".inkling", 8) != 0,
                  "%s left %s", what, entry->d_name);
    closedir(dir);
}

/* Some hundred lines of made-up words, with Chinese and accents among them, and one Greek letter. */
static void write_corpus(void)
{
    static const char *const syllables[] = {"ba", "ri", "to", "men", "sul", "ka", "ne", "vor"};
    static const char *const chinese[] = {"\xE4\xBD\xA0", "\xE5\xA5\xBD", "\xE4\xB8\x96", "\xE7\x95\x8C",
                                          "\xE4\xB8\xAD"};
    static char text[LINES * 200];
    size_t n = 0;
    uint32_t x = 1;
    for (int i = 0; i < LINES; ++i) {
        for (int word = 0; word < 8; ++word) {
            for (uint32_t k = 0; k < 1 + (x >> 28) % 3; ++k) {
                x = x * 1664525u + 1013904223u;
                n += (size_t)snprintf(text + n, sizeof text - n, "%s", syllables[x >> 29]);
            }
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", word % 3 ? " " : ", ");
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s Caf\xC3\xA9.\n", chinese[i % 5],
                              chinese[(x >> 20) % 5]);
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "rare: \xCE\xBE\n");
    scratch_bytes("corpus.txt", text, n);
}

/* --- What is learned --- */

/* The words of Hugging Face's course: hug 10 times, pug 5, pun 12, bun 4, hugs 5. */
static void write_hugs(void)
{
    static const struct {
        const char *word;
        int n;
    } words[] = {{"hug", 10}, {"pug", 5}, {"pun", 12}, {"bun", 4}, {"hugs", 5}};
    char text[400] = "";
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        for (int k = 0; k < words[i].n; ++k)
            strcat(strcat(text, words[i].word), k % 3 ? " " : "\n");
    scratch_text("hugs.txt", text);
}

Test(train, wordpiece_joins_the_commonest_pair_each_time)
{
    write_hugs();
    /* The pairs (u,g) 20, (u,n) 16, (h,ug) 15, (p,un) 12; then (p,ug) and (hug,s) have 5 each, and the first
     * has the lower ids; (b,un) has 4. */
    assert_ok(train("out", "wordpiece", 23, "hugs.txt"), err);
    cr_expect(
        holds(scratch_path("out/vocab.txt"),
              "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nb\ng\nh\nn\np\ns\nu\n##g\n##n\n##s\n##u\n##ug\n##un\nhug\n"
              "pun\npug\nhugs\nbun\n"));
    cr_expect(report.vocab_size == 23 && report.words == 5 && report.records == 15, "%zu, %d, %d",
              report.vocab_size, (int)report.words, (int)report.records);
}

Test(train, a_vocabulary_that_the_text_has_no_pieces_for_says_how_many_it_has)
{
    write_hugs();
    expect_failure(train("out", "wordpiece", 24, "hugs.txt"), err, INK_E_ARG, "when there are 23");
    expect_failure(train("out", "wordpiece", 15, "hugs.txt"), err, INK_E_ARG, "take 16");
    for (int i = 1; i < TYPES; ++i) {
        expect_failure(train("out", types[i], 10, "hugs.txt"), err, INK_E_ARG,
                       "too small: the special tokens and the text's characters take 13");
        expect_failure(train("out", types[i], 1000, "hugs.txt"), err, INK_E_ARG, "which has pieces for ");
        const char *number = strstr(err.text, "pieces for ");
        const size_t most = number ? strtoul(number + 11, NULL, 10) : 0;
        assert_ok(train("out", types[i], most, "hugs.txt"), err);
        cr_expect(report.vocab_size == most, "%s: %zu, wanted %zu", types[i], report.vocab_size, most);
        remove_scratch();
        cr_assert(mkdir(scratch, 0700) == 0);
        write_hugs();
    }
    expect_nothing_left("a failure");
}

/* A capital that lowercase does not know of would have been kept apart. */
Test(train, lowercase_knows_no_capitals_and_its_tokenizer_makes_them_small)
{
    scratch_text("caps.txt", "Ab aB AB ab Ab ab AB \xC3\x89t \xC3\xA9T \xC3\xA9t\n");
    for (int i = 0; i < TYPES; ++i) {
        char out[16];
        ink_tokenizer *t;
        snprintf(out, sizeof out, "out%d", i);
        options.lowercase = true;
        options.character_coverage = 1;
        assert_ok(train(out, types[i], i == 0 ? 12 : 11, "caps.txt"), err);
        assert_ok(ink_tokenizer_open(&t, scratch_path(out), &err), err);
        for (int32_t id = INK__NAMED; id < (int32_t)ink_tokenizer_vocab_size(t); ++id)
            for (const char *c = ink_tokenizer_token(t, id); *c; ++c)
                cr_expect(*c < 'A' || *c > 'Z', "%s: %s", types[i], ink_tokenizer_token(t, id));
        ink_tokenizer_free(t);
    }
}

/* --- What is written --- */

static void expect_same(const char *a, const char *b, const char *name)
{
    char path[2][64];
    size_t len[2];
    snprintf(path[0], sizeof path[0], "%s/%s", a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", b, name);
    char *first = read_back(&len[0], scratch_path(path[0])),
         *second = read_back(&len[1], scratch_path(path[1]));
    cr_expect(len[0] > 0 && len[0] == len[1] && memcmp(first, second, len[0]) == 0, "%s and %s differ",
              path[0], path[1]);
    free(first);
    free(second);
}

static bool same_file(const char *a, const char *b)
{
    size_t len[2];
    char *first = read_back(&len[0], scratch_path(a)), *second = read_back(&len[1], scratch_path(b));
    const bool same = len[0] == len[1] && memcmp(first, second, len[0]) == 0;
    free(first);
    free(second);
    return same;
}

Test(train, the_same_text_gives_the_same_bytes_on_one_processor_and_on_all)
{
    write_corpus();
    for (int i = 0; i < TYPES; ++i) {
        char once[16], again[16];
        cpu_set_t all, one;
        snprintf(once, sizeof once, "once%d", i);
        snprintf(again, sizeof again, "again%d", i);
        assert_ok(train(once, types[i], 120, "corpus.txt"), err);
        cr_assert(sched_getaffinity(0, sizeof all, &all) == 0);
        CPU_ZERO(&one);
        for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
            if (CPU_ISSET(cpu, &all))
                CPU_SET(cpu, &one);
        cr_assert(sched_setaffinity(0, sizeof one, &one) == 0);
        assert_ok(train(again, types[i], 120, "corpus.txt"), err);
        cr_assert(sched_setaffinity(0, sizeof all, &all) == 0);
        expect_same(once, again, "tokenizer.json");
        expect_same(once, again, "tokenizer_config.json");
        expect_same(once, again, "special_tokens_map.json");
        expect_same(once, again, i == 0 ? "vocab.txt" : i == 1 ? "spiece.model" : "tokenizer.json");
    }
}

Test(train, lines_are_drawn_by_the_seed)
{
    write_corpus();
    options.input_sentences = 40;
    options.seed = 1;
    assert_ok(train("a", "unigram", 60, "corpus.txt"), err);
    cr_expect(report.sentences == LINES + 1 && report.used == 40, "%d of %d", (int)report.used,
              (int)report.sentences);
    assert_ok(train("b", "unigram", 60, "corpus.txt"), err);
    options.seed = 2;
    assert_ok(train("c", "unigram", 60, "corpus.txt"), err);
    cr_expect(same_file("a/spiece.model", "b/spiece.model") &&
              !same_file("a/spiece.model", "c/spiece.model"));
}

/* Every line of the corpus, and one with letters it does not have. */
static size_t unknown_in(const char *out, const char *name)
{
    ink_tokenizer *t;
    static ink_encoding e;
    const ink_encode_options how = {1, false, false, 0, false};
    size_t len, unknown = 0;
    char *text = read_back(&len, scratch_path(name));
    assert_ok(ink_tokenizer_open(&t, scratch_path(out), &err), err);
    assert_ok(ink_tokenizer_encode(&e, t, text, len, NULL, 0, &how, &err), err);
    for (size_t i = 0; i < e.length; ++i)
        unknown += e.ids[i] == 1;
    cr_expect(e.length > 4 && e.ids[0] == 2 && e.ids[e.length - 1] == 3);
    ink_tokenizer_free(t);
    free(text);
    return unknown;
}

Test(train, nothing_of_the_text_is_unknown_where_all_characters_are_covered)
{
    write_corpus();
    scratch_text("other.txt", "\xD0\x96 \xE6\x97\xA5 zzz");
    options.character_coverage = 1;
    for (int bytes = 0; bytes < 2; ++bytes)
        for (int i = bytes; i < TYPES; ++i) {
            char out[16];
            ink_tokenizer *t;
            snprintf(out, sizeof out, "out%d%d", bytes, i);
            options.byte_fallback = bytes;
            assert_ok(train(out, types[i], bytes ? 350 : 120, "corpus.txt"), err);
            assert_ok(ink_tokenizer_open(&t, scratch_path(out), &err), err);
            cr_expect(ink_tokenizer_vocab_size(t) == (bytes ? 350 : 120), "%s: %zu", out,
                      ink_tokenizer_vocab_size(t));
            cr_expect(ink_tokenizer_model_max_length(t) == 512);
            cr_expect(ink_tokenizer_id(t, "[PAD]", 5) == 0 && ink_tokenizer_id(t, "[MASK]", 6) == 4);
            ink_tokenizer_free(t);
            cr_expect(unknown_in(out, "corpus.txt") == 0, "%s: the corpus", out);
            cr_expect((unknown_in(out, "other.txt") == 0) == bytes, "%s: other letters", out);
        }
}

Test(train, characters_beyond_the_coverage_are_unknown)
{
    write_corpus();
    options.character_coverage = 0.99;
    for (int i = 0; i < TYPES; ++i) {
        char out[16];
        snprintf(out, sizeof out, "out%d", i);
        assert_ok(train(out, types[i], 60, "corpus.txt"), err);
        cr_expect(unknown_in(out, "corpus.txt") > 0, "%s", types[i]);
    }
}

Test(train, a_chinese_character_is_a_word_of_its_own_for_wordpiece)
{
    write_corpus();
    options.character_coverage = 1;
    assert_ok(train("out", "wordpiece", 120, "corpus.txt"), err);
    ink_tokenizer *t;
    int found = 0;
    assert_ok(ink_tokenizer_open(&t, scratch_path("out"), &err), err);
    for (int32_t id = 0; id < 120; ++id) {
        const char *token = ink_tokenizer_token(t, id);
        const char *chinese = strpbrk(token, "\xE4\xE5\xE7");
        found += chinese != NULL;
        cr_expect(!chinese || strlen(token) == 3, "%s", token);
    }
    cr_expect(found == 5, "%d", found);
    ink_tokenizer_free(t);
}

/* --- What is refused --- */

Test(train, settings_that_cannot_be_are_named)
{
    write_hugs();
    expect_failure(train("out", "word", 23, "hugs.txt"), err, INK_E_ARG, "\"word\" is no type of tokenizer");
    expect_failure(train("out", "bpe", 5, "hugs.txt"), err, INK_E_ARG, "5 tokens, wanted at least 6");
    expect_failure(train("out", "bpe", (size_t)1 << 40, "hugs.txt"), err, INK_E_ARG,
                   "wanted at most 4194304");
    options.character_coverage = 1.5;
    expect_failure(train("out", "bpe", 20, "hugs.txt"), err, INK_E_ARG, "a character coverage of 1.5");
    options.character_coverage = 0.9;
    expect_failure(train("out", "wordpiece", 20, "hugs.txt"), err, INK_E_ARG, "wanted 0.98 to 1");
    options.character_coverage = 0;
    options.byte_fallback = true;
    expect_failure(train("out", "wordpiece", 300, "hugs.txt"), err, INK_E_ARG,
                   "WordPiece has no byte fallback");
    expect_failure(train("out", "bpe", 261, "hugs.txt"), err, INK_E_ARG, "wanted at least 262");
    options.byte_fallback = false;
    expect_failure(train("no/out", "bpe", 20, "hugs.txt"), err, INK_E_IO, "no/out");
    expect_failure(train("out", "bpe", 20, "none.txt"), err, INK_E_IO, "none.txt");
    cr_assert(mkdir(scratch_path("full"), 0700) == 0 && mkdir(scratch_path("empty"), 0700) == 0);
    scratch_text("full/vocab.txt", "a\n");
    expect_failure(train("full", "wordpiece", 20, "hugs.txt"), err, INK_E_ARG, "full: is not empty");
    cr_expect(holds(scratch_path("full/vocab.txt"), "a\n") && entries_in(scratch_path("full")) == 1);
    assert_ok(train("empty", "wordpiece", 20, "hugs.txt"), err);
    cr_expect(entries_in(scratch_path("empty")) == 4);
    expect_nothing_left("a refusal");
}

static int stop_when_training(const ink_train_tokenizer_progress *progress, void *user)
{
    (void)user;
    return strcmp(progress->stage, "training") == 0;
}

Test(train, a_callback_stops_it_and_nothing_is_written)
{
    write_corpus();
    options.progress = stop_when_training;
    for (int i = 0; i < TYPES; ++i)
        expect_failure(train("out", types[i], 120, "corpus.txt"), err, INK_E_CANCELLED,
                       "stopped after 401 records, while training");
    expect_nothing_left("a stop");
}

static int stop_later(const ink_train_tokenizer_progress *progress, void *user)
{
    int *calls = user;
    return strcmp(progress->stage, "training") == 0 && ++*calls > 1;
}

/* The second call comes while the child trains, or when it has ended: a vocabulary is stopped either way. */
Test(train, a_callback_stops_sentencepiece)
{
    int calls = 0;
    write_corpus();
    options.progress = stop_later;
    options.user = &calls;
    expect_failure(train("out", "unigram", 120, "corpus.txt"), err, INK_E_CANCELLED, "while training");
    expect_nothing_left("a stop");
}

/* --- Texts that mean harm --- */

static void expect_harmless(const char *what, const char *text, size_t len)
{
    scratch_bytes("harm.txt", text, len);
    for (int i = 0; i < TYPES; ++i)
        for (size_t size = 6; size <= 300; size += 49) {
            const ink_status st = train("out", types[i], size, "harm.txt");
            cr_expect(st == INK_OK || ((st == INK_E_ARG || st == INK_E_FORMAT) && strlen(err.text) > 20),
                      "%s, %s, %zu: %s", what, types[i], size, ink_status_name(st));
            cr_expect((st == INK_OK) == is_there("out"), "%s, %s, %zu", what, types[i], size);
            if (st == INK_OK) {
                ink_tokenizer *t;
                assert_ok(ink_tokenizer_open(&t, scratch_path("out"), &err), err);
                cr_expect(ink_tokenizer_vocab_size(t) == size);
                ink_tokenizer_free(t);
                const char *names[] = {"out/vocab.txt",
                                       "out/spiece.model",
                                       "out/tokenizer.json",
                                       "out/tokenizer_config.json",
                                       "out/special_tokens_map.json",
                                       "out"};
                for (size_t k = 0; k < sizeof names / sizeof *names; ++k)
                    remove(scratch_path(names[k]));
            }
        }
}

Test(train, texts_of_nothing_or_of_one_thing_are_harmless, .timeout = 100)
{
    static const struct {
        const char *what, *text;
    } texts[] = {
        {"nothing", ""},
        {"blank lines", "\n \n\t\n\r\n"},
        {"a letter", "a"},
        {"a letter twice", "a a\n"},
        {"control characters", "\x01\x02\n\x03\x7F"},
        {"ill-formed UTF-8", "ab\xFF\xC0\x80 \xED\xA0\x80 ab\xE4\xBD\n"},
        {"special tokens", "[MASK] [PAD][UNK] <unk> [CLS] [SEP]\n[MASK]\n"},
        {"SentencePiece's own", "\xE2\x96\x81 \xE2\x96\x85 \xE2\x81\x87 <0x41> \xE2\x96\x81\xE2\x96\x81\n"},
        {"a word in two lines", "abcdefgh\nabcdefgh\n"},
        {"periods", "abababababababababababab\nabababababababab\nababab\n"},
        {"marks",
         "\xCC\x81\xCC\x81 \xE2\x80\x8D \xEF\xB8\x8F \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9\n"},
        {"no characters", "\xEF\xBF\xBE \xEF\xBF\xBF \xF4\x8F\xBF\xBF \xEE\x80\x80\n"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        expect_harmless(texts[i].what, texts[i].text, strlen(texts[i].text));
    expect_harmless("NUL characters", "a\0b a\0b\0\0\n", 10);
}

Test(train, a_gigantic_word_is_harmless, .timeout = 100)
{
    enum { N = 20000 };
    static char text[N];
    memset(text, 'a', N);
    expect_harmless("one letter", text, N);
    uint32_t x = 7;
    for (size_t i = 0; i < N; ++i) {
        x = x * 1664525u + 1013904223u;
        text[i] = (char)('a' + (x >> 24) % 4);
    }
    expect_harmless("four letters", text, N);
    for (size_t i = 0; i + 3 <= N; i += 3)
        memcpy(text + i, i % 2 ? "\xE4\xBD\xA0" : "\xE5\xA5\xBD", 3);
    expect_harmless("Chinese", text, N);
}

/* SentencePiece's trainer ends its process where every sentence is empty after normalization. */
Test(train, a_trainer_that_ends_its_process_is_a_sentence)
{
    scratch_text("control.txt", "\x01\x02\n");
    expect_failure(train("out", "unigram", 20, "control.txt"), err, INK_E_FORMAT,
                   "SentencePiece's trainer ended without a result");
    expect_nothing_left("a failure");
}
