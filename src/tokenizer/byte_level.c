/* Byte-level BPE's pipeline: see byte_level.h. The references are tokenizers' pre_tokenizers/byte_level.rs
 * and models/bpe.
 *
 * Most texts are well-formed UTF-8 that NFC leaves alone: their words are encoded where they stand. Others go
 * through a buffer of characters with the bytes each one came from; it holds some words, or one that is
 * longer. */
#include "tokenizer/byte_level.h"
#include "tokenizer/bpe_pretokenize.h"
#include "tokenizer/nfc.h"
#include "tokenizer/unicode.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

typedef struct byte_level {
    ink__normalizer normalizer; /* off */
    uint8_t *classes;           /* [65536] enum ink__bpe_class */
    bool nfc, prefix_space, whole_parts;
    bool trim, keep_prefix;
    ink__bpe model;
} byte_level;

/* --- Offsets ----------------------------------------------------------------------------------------------
 */

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Takes `leading` characters off the front of a span and `trailing` off its end, as far as there are any. */
static ink_span trim_span(const byte_level *b, const unsigned char *text, ink_span span, size_t leading,
                          size_t trailing)
{
    if (leading == 1 && b->keep_prefix && span.begin == 0)
        leading = 0;
    for (; leading > 0 && span.begin < span.end; --leading) {
        uint32_t cp;
        span.begin += ink__utf8_decode(&cp, text + span.begin, text + span.end);
    }
    for (; trailing > 0 && span.begin < span.end; --trailing)
        do
            --span.end;
        while (span.end > span.begin && is_continuation(text[span.end]));
    return span;
}

/* An added token's text may end in any white space; U+0120 is how files write a space. */
static ink_span trim_added(const ink_tokenizer *tokenizer, const unsigned char *text, ink_span span)
{
    const byte_level *b = tokenizer->stages;
    size_t leading = 0, trailing = 0;
    bool only_spaces = true;
    for (size_t at = span.begin; b->trim && at < span.end;) {
        uint32_t cp;
        at += ink__utf8_decode(&cp, text + at, text + span.end);
        const bool space = cp == 0x120 || (ink__unicode_class(cp) & INK__SPACE);
        only_spaces &= space;
        leading += only_spaces;
        trailing = space ? trailing + 1 : 0;
    }
    return b->trim ? trim_span(b, text, span, leading, trailing) : span;
}

typedef struct context {
    const byte_level *level;
    const unsigned char *text;
} context;

static void push_token(ink__sink *sink, const void *state, int32_t id, const ink__bpe_word *word,
                       size_t begin, size_t end)
{
    const context *c = state;
    const unsigned char *bytes = word->bytes;
    ink_span span;
    size_t leading = 0, trailing = 0;
    if (word->map) {
        span = (ink_span){word->map[begin].begin, word->map[end - 1].end};
    } else {
        size_t from = begin, to = end; /* a part of a character has the whole one's offsets */
        while (is_continuation(bytes[from]))
            --from;
        while (to < word->len && is_continuation(bytes[to]))
            ++to;
        span = (ink_span){word->begin + from, word->begin + to};
    }
    if (c->level->trim && id != c->level->model.unk && (bytes[begin] == ' ' || bytes[end - 1] == ' ')) {
        while (leading < end - begin && bytes[begin + leading] == ' ')
            ++leading;
        while (trailing < end - begin && bytes[end - 1 - trailing] == ' ')
            ++trailing;
        span = trim_span(c->level, c->text, span, leading, trailing);
    }
    ink__sink_push(sink, id, span);
}

static ink_status push_added(ink__sink *sink, const ink_tokenizer *tokenizer, const unsigned char *text,
                             int32_t id, ink_span span, ink_error *err)
{
    INK_TRY(ink__sink_reserve(sink, 1, err));
    ink__sink_push(sink, id, trim_added(tokenizer, text, span));
    return INK_OK;
}

/* --- Words where they stand --------------------------------------------------------------------------------
 */

static ink_status encode_words(ink__sink *sink, ink__bpe_buffer *buffer, const byte_level *b,
                               const unsigned char *text, size_t begin, size_t end, ink_error *err)
{
    const context c = {b, text};
    for (size_t at = begin, len; at < end; at += len) {
        len = b->whole_parts ? end - at : ink__bpe_split(b->classes, text + at, text + end);
        const ink__bpe_word word = {text + at, len, at, NULL};
        INK_TRY(ink__bpe_encode(sink, &buffer->model, &b->model, &word, push_token, &c, err));
    }
    return INK_OK;
}

/* text[begin, end) is what its normalizer makes of it. */
static ink_status encode_plain(ink__sink *sink, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                               const unsigned char *text, size_t begin, size_t end, bool parse_special,
                               ink_error *err)
{
    ink__segments segments;
    ink__segment segment;
    ink__segments_start_normalized(&segments, &tokenizer->added, text + begin, end - begin, parse_special);
    while (ink__segments_next(&segment, &segments)) {
        const ink_span span = {begin + segment.begin, begin + segment.end};
        if (segment.id >= 0)
            INK_TRY(push_added(sink, tokenizer, text, segment.id, span, err));
        else
            INK_TRY(encode_words(sink, &scratch->bpe, tokenizer->stages, text, span.begin, span.end, err));
    }
    return INK_OK;
}

/* --- Words in a buffer -------------------------------------------------------------------------------------
 */

/* Bytes that the buffer takes before its words are encoded. */
enum { ENOUGH = 4096 };

static ink_status append(ink__bpe_buffer *buffer, const ink__char *ch, ink_error *err)
{
    INK_TRY(ink__grow(&buffer->bytes, &buffer->capacity, buffer->len + 4, 1, "a word", err));
    INK_TRY(
        ink__grow(&buffer->map, &buffer->map_capacity, buffer->len + 4, sizeof *buffer->map, "a word", err));
    const size_t n = ink__utf8_encode((char *)buffer->bytes + buffer->len, ch->cp);
    for (size_t i = 0; i < n; ++i)
        buffer->map[buffer->len++] = (ink_span){ch->begin, ch->end};
    return INK_OK;
}

/* Encodes the words of the buffer, all of them if nothing follows (`last`), and keeps the rest. */
static ink_status drain(ink__sink *sink, ink__bpe_buffer *buffer, const byte_level *b,
                        const unsigned char *text, bool last, ink_error *err)
{
    const context c = {b, text};
    const unsigned char *bytes = buffer->bytes;
    size_t at = 0, len;
    for (; at < buffer->len; at += len) {
        if (b->whole_parts && !last)
            break;
        len = b->whole_parts ? buffer->len : ink__bpe_split(b->classes, bytes + at, bytes + buffer->len);
        if (!last && at + len + INK__BPE_AHEAD > buffer->len)
            break; /* what comes next may belong to this word */
        const ink__bpe_word word = {bytes + at, len, 0, buffer->map + at};
        INK_TRY(ink__bpe_encode(sink, &buffer->model, &b->model, &word, push_token, &c, err));
    }
    if (at > 0) {
        buffer->len -= at;
        memmove(buffer->bytes, buffer->bytes + at, buffer->len);
        memmove(buffer->map, buffer->map + at, buffer->len * sizeof *buffer->map);
    }
    return INK_OK;
}

static ink_status encode_stream(ink__sink *sink, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                                ink__stream *stream, bool parse_special, ink_error *err)
{
    const byte_level *b = tokenizer->stages;
    const ink__added *added = &tokenizer->added;
    const bool look = added->normalized.n > 0 && (parse_special || added->normalized_ordinary);
    ink__bpe_buffer *buffer = &scratch->bpe;
    size_t enough = ENOUGH, done = 0; /* end of the last added token, with the white space it took along */
    bool part_begins = true;
    if (look) {
        INK_TRY(ink__added_stream_reserve(&scratch->added, added, err));
        ink__added_stream_start(&scratch->added, added, parse_special);
    }
    buffer->len = 0;
    for (;;) {
        ink__char ch;
        int32_t id = -1;
        if (!(look ? ink__added_stream_next(&ch, &id, &scratch->added, stream)
                   : ink__stream_next(&ch, stream)))
            break;
        if (id >= 0) {
            /* White space that it took along is still there: a run of it waits for what comes next. */
            while (buffer->len > 0 && buffer->map[buffer->len - 1].begin >= ch.begin)
                --buffer->len;
            done = ch.end;
            INK_TRY(drain(sink, buffer, b, stream->text, true, err));
            INK_TRY(push_added(sink, tokenizer, stream->text, id, (ink_span){ch.begin, ch.end}, err));
            part_begins = true;
            continue;
        }
        if (ch.begin < done)
            continue;
        if (part_begins && b->prefix_space && ch.cp != ' ') {
            const ink__char space = {' ', ch.begin, ch.end};
            INK_TRY(append(buffer, &space, err));
        }
        part_begins = false;
        INK_TRY(append(buffer, &ch, err));
        if (buffer->len >= enough) {
            INK_TRY(drain(sink, buffer, b, stream->text, false, err));
            enough = 2 * buffer->len > ENOUGH ? 2 * buffer->len : ENOUGH;
        }
    }
    return drain(sink, buffer, b, stream->text, true, err);
}

/* --- The pipeline ------------------------------------------------------------------------------------------
 */

static void start_stream(ink__stream *stream, ink__nfc *nfc, const byte_level *b, const unsigned char *text,
                         size_t begin, size_t end)
{
    ink__stream_start(stream, &b->normalizer, text, begin, end);
    if (b->nfc) {
        nfc->classes = b->classes;
        nfc->failed = false;
        stream->nfc = nfc;
    }
}

static ink_status nfc_status(const ink__nfc *nfc, ink_error *err)
{
    return nfc->failed ? ink_fail(err, INK_E_MEMORY, "no memory to put a run of marks in order") : INK_OK;
}

static ink_status encode(ink__sink *sink, size_t *bad, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                         const unsigned char *text, size_t begin, size_t end, bool parse_special,
                         ink_error *err)
{
    const byte_level *b = tokenizer->stages;
    if (!b->prefix_space && ink__bpe_is_plain(b->classes, text + begin, end - begin, b->nfc))
        return encode_plain(sink, scratch, tokenizer, text, begin, end, parse_special, err);
    ink__stream stream;
    start_stream(&stream, &scratch->bpe.nfc, b, text, begin, end);
    INK_TRY(encode_stream(sink, scratch, tokenizer, &stream, parse_special, err));
    *bad += stream.bad;
    return nfc_status(&scratch->bpe.nfc, err);
}

static ink_status normalize(char **out, size_t *out_len, const ink_tokenizer *tokenizer, const char *text,
                            size_t len, ink_error *err)
{
    ink_status st = INK_OK;
    ink__nfc nfc = {0};
    size_t capacity = 0;
    ink__stream stream;
    ink__char ch;
    *out = NULL, *out_len = 0;
    start_stream(&stream, &nfc, tokenizer->stages, (const unsigned char *)text, 0, len);
    do {
        INK_TRY_GOTO(ink__grow(out, &capacity, *out_len + 4, 1, "an added token", err));
        if (!ink__stream_next(&ch, &stream))
            break;
        *out_len += ink__utf8_encode(*out + *out_len, ch.cp);
    } while (true);
    st = nfc_status(&nfc, err);
done:
    ink__nfc_free(&nfc);
    if (st != INK_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}

static void free_stages(void *stages)
{
    byte_level *b = stages;
    if (!b)
        return;
    ink__normalizer_release(&b->normalizer);
    ink__bpe_release(&b->model);
    free(b->classes);
    free(b);
}

static const ink__pipeline pipeline = {"BPE", encode, normalize, free_stages, trim_added};

ink_status ink__byte_level_init(ink_tokenizer *tokenizer, ink__bpe *model,
                                const ink__byte_level_config *config, const char *where, ink_error *err)
{
    byte_level *b;
    const int32_t unk =
        config->unk ? ink__vocab_find(&tokenizer->vocab, config->unk, strlen(config->unk)) : -1;
    ink_status st = ink__calloc(&b, 1, sizeof *b, "the tokenizer", err);
    if (st != INK_OK) {
        ink__bpe_release(model);
        return st;
    }
    tokenizer->pipeline = &pipeline;
    tokenizer->stages = b;
    b->model = *model;
    b->nfc = config->nfc;
    b->prefix_space = config->prefix_space;
    b->whole_parts = config->whole_parts;
    INK_TRY(ink__normalizer_init(&b->normalizer, err));
    INK_TRY(ink__calloc(&b->classes, 65536, 1, "character classes", err));
    ink__bpe_fill_classes(b->classes);
    if (config->unk && unk < 0)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: the unknown token \"%s\" is not in the vocabulary of %zu tokens", where,
                        config->unk, tokenizer->vocab.size);
    return ink__bpe_seal(&b->model, unk, config->fuse_unk, config->ignore_merges, where, err);
}

void ink__byte_level_trim(ink_tokenizer *tokenizer, bool keep_prefix)
{
    byte_level *b = tokenizer->stages;
    b->trim = true;
    b->keep_prefix = keep_prefix;
}
