/* WordPiece by itself. */
#include "support.h"
#include "core/random.h"

/* The tokens of one text without specials, as encoding_text has them. */
static const char *encoded(const ink_tokenizer *t, const char *text)
{
    static ink_encoding e;
    ink_encode_options o = INK_ENCODE_OPTIONS_INIT;
    o.no_specials = true;
    assert_ok(ink_tokenizer_encode(&e, t, text, strlen(text), NULL, 0, &o, &err), err);
    return encoding_text(&e, t);
}

static void expect(const ink_tokenizer *t, const char *text, const char *wanted)
{
    const char *got = encoded(t, text);
    cr_expect(strcmp(got, wanted) == 0, "`%s` became\n  %s, wanted\n  %s", text, got, wanted);
}

Test(wordpiece, takes_the_longest_piece_each_time)
{
    ink_tokenizer *t = tokenizer_of(
        json_around("\"un\":5,\"##want\":6,\"##wa\":7,\"##ed\":8,\"runn\":9,\"##ing\":10,\"u\":11,"
                    "\"##n\":12,\"##w\":13,\"unwantedly\":14",
                    UNCASED, ""));
    expect(t,
           "UNwant\xC3\xA9"
           "d running",
           "un@0-2 ##want@2-6 ##ed@6-9 runn@10-14 ##ing@14-17");
    expect(t, "unwan unw un u", "un@0-2 ##wa@2-4 ##n@4-5 un@6-8 ##w@8-9 un@10-12 u@13-14");
    expect(t, "unwantedly", "unwantedly@0-10");
    /* The whole word is unknown if any part of it is. */
    expect(t, "unwantex", "[UNK]@0-8");
    expect(t, "want", "[UNK]@0-4"); /* only known inside a word */
    ink_tokenizer_free(t);
}

Test(wordpiece, splits_only_between_characters)
{
    ink_tokenizer *t = tokenizer_of(
        json_around("\"\xD0\xB0\":5,\"##\xD0\xB1\":6,\"\xD0\xB0\xD0\xB1\xD0\xB2\":7,\"\xF0\x9F\x98\x80\":8",
                    UNCASED, ""));
    expect(t, "\xD0\x90\xD0\x91", "\xD0\xB0@0-2 ##\xD0\xB1@2-4");
    expect(t, "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "[UNK]@0-8");
    expect(t, "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80@0-4");
    ink_tokenizer_free(t);
}

Test(wordpiece, a_word_of_more_than_the_maximum_is_unknown)
{
    char text[300];
    ink_tokenizer *t = tokenizer_of(json_around("\"a\":5,\"##a\":6", UNCASED, ""));
    memset(text, 'a', sizeof text);
    text[100] = '\0';
    ink_encoding e = {0};
    assert_ok(ink_tokenizer_encode(&e, t, text, 100, NULL, 0, NULL, &err), err);
    cr_expect(e.length == 102 && e.ids[1] == 5 && e.ids[2] == 6);
    text[100] = 'a';
    assert_ok(ink_tokenizer_encode(&e, t, text, 101, NULL, 0, NULL, &err), err);
    cr_expect(e.length == 3 && e.ids[1] == 1 && e.spans[1].begin == 0 && e.spans[1].end == 101);
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(wordpiece, tokens_longer_than_the_length_table_can_tell_are_found)
{
    static const size_t cases[][3] = {/* characters, and those of the two tokens they become */
                                      {254, 254, 0}, {255, 255, 0},   {256, 255, 1},   {300, 300, 0},
                                      {301, 300, 1}, {554, 300, 254}, {555, 300, 255}, {556, 300, 256}};
    char vocab[2400], text[600];
    memset(text, 'q', sizeof text);
    snprintf(
        vocab, sizeof vocab,
        "\"%.254s\":5,\"%.255s\":6,\"%.300s\":7,\"##q\":8,\"##%.254s\":9,\"##%.255s\":10,\"##%.256s\":11",
        text, text, text, text, text, text);
    char *json = strdup(json_around(vocab, UNCASED, ""));
    memcpy(strstr(json, "word\":100") + 6, "999", 3);
    ink_tokenizer *t = tokenizer_of(json);
    ink_encoding e = {0};
    const ink_encode_options o = {1, false, true, 0, false};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const size_t n = cases[i][0];
        assert_ok(ink_tokenizer_encode(&e, t, text, n, NULL, 0, &o, &err), err);
        cr_expect(e.length == 1u + (cases[i][2] > 0) && e.spans[0].end == cases[i][1] &&
                      e.spans[e.length - 1].end == n && e.ids[0] != 1,
                  "%zu characters: %zu tokens, the first of %zu", n, e.length, e.spans[0].end);
    }
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
    free(json);
}

Test(wordpiece, an_added_token_is_no_piece_of_a_word)
{
    ink_tokenizer *t = tokenizer_of(json_around("\"f\":5,\"##o\":6,\"fox\":7", UNCASED,
                                                "{\"id\":8,\"content\":\"foo\",\"single_word\":true,"
                                                "\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
                                                "\"special\":false}"));
    expect(t, "foo Foo foox", "foo@0-3 f@4-5 ##o@5-6 ##o@6-7 [UNK]@8-12");
    ink_tokenizer_free(t);
}

/* --- Against the definition ----------------------------------------------------------------------------- */

enum { PIECES = 300, LETTERS = 7, FIRST = 5 /* the id of the first piece; the special tokens come before */ };

static char pieces[PIECES][2 + 4 * LETTERS + 1]; /* each with its prefix */

/* Up to `most` letters of one to four bytes. */
static void random_letters(char *word, ink__random *random, uint32_t most)
{
    static const char *const letters[] = {
        "a", "a", "b", "c", "\xC3\x9F", "\xD0\xB6", "\xE1\xBA\x9F", "\xF0\x90\x90\xA8"};
    for (uint32_t n = 1 + ink__random_below(random, most); n > 0; --n, word += strlen(word))
        strcpy(word, letters[ink__random_below(random, sizeof letters / sizeof *letters)]);
}

static bool is_piece(const char *text, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (strcmp(pieces[i], text) == 0)
            return true;
    return false;
}

static ink_tokenizer *random_tokenizer(ink__random *random)
{
    static char vocab[PIECES * (sizeof *pieces + 8)];
    size_t len = 0;
    for (size_t i = 0; i < PIECES; ++i) {
        do {
            strcpy(pieces[i], ink__random_below(random, 2) ? "##" : "");
            random_letters(pieces[i] + strlen(pieces[i]), random, LETTERS);
        } while (is_piece(pieces[i], i));
        len += (size_t)snprintf(vocab + len, sizeof vocab - len, "%s\"%s\":%zu", i ? "," : "", pieces[i],
                                FIRST + i);
    }
    return tokenizer_of(json_around(vocab, UNCASED, ""));
}

/* Bytes of the longest piece at word[start], found by looking at all of them, and its id; 0 if there is none.
 */
static size_t longest_piece(int32_t *id, const char *word, size_t start)
{
    size_t longest = 0;
    for (size_t i = 0; i < PIECES; ++i) {
        const bool continues = strncmp(pieces[i], "##", 2) == 0;
        const char *text = pieces[i] + (continues ? 2 : 0);
        const size_t len = strlen(text);
        if (continues == (start > 0) && len > longest && strncmp(word + start, text, len) == 0)
            longest = len, *id = (int32_t)(FIRST + i);
    }
    return longest;
}

/* Devlin's loop. */
static size_t defined_pieces(int32_t *ids, ink_span *spans, const char *word)
{
    const size_t len = strlen(word);
    size_t n = 0;
    for (size_t start = 0, used; start < len; start += used, ++n) {
        used = longest_piece(&ids[n], word, start);
        spans[n] = (ink_span){start, start + used};
        if (used == 0) {
            ids[0] = 1, spans[0] = (ink_span){0, len};
            return 1;
        }
    }
    return n;
}

Test(wordpiece, random_words_become_what_the_definition_says)
{
    ink__random random = ink__random_start(1, 0);
    const ink_encode_options bare = {1, false, true, 0, false};
    ink_encoding e = {0};
    size_t spelled = 0;
    for (int round = 0; round < 20; ++round) {
        ink_tokenizer *t = random_tokenizer(&random);
        for (int k = 0; k < 1000; ++k) {
            char word[4 * 20 + 1];
            int32_t ids[20];
            ink_span spans[20];
            random_letters(word, &random, 20);
            const size_t n = defined_pieces(ids, spans, word);
            assert_ok(ink_tokenizer_encode(&e, t, word, strlen(word), NULL, 0, &bare, &err), err);
            bool same = e.length == n;
            for (size_t i = 0; same && i < n; ++i)
                same = e.ids[i] == ids[i] && e.spans[i].begin == spans[i].begin &&
                       e.spans[i].end == spans[i].end;
            cr_expect(same, "`%s` became %s, wanted %zu pieces", word, encoding_text(&e, t), n);
            spelled += n > 1;
        }
        ink_tokenizer_free(t);
    }
    cr_expect(spelled > 5000, "only %zu words have more than one piece", spelled);
    ink_encoding_free(&e);
}
