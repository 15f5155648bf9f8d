/* BERT's pipeline: see bert.h. The stages pull from one another, so a text of any length passes through in
 * the memory of one word. */
#include "tokenizer/bert.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <stdlib.h>
#include <string.h>

static ink_status encode(ink__sink *sink, size_t *bad, ink__scratch *scratch, const ink_tokenizer *tokenizer,
                         const unsigned char *text, size_t begin, size_t end, bool parse_special,
                         ink_error *err)
{
    const ink__bert *bert = tokenizer->stages;
    const ink__added *added = &tokenizer->added;
    const bool look = added->normalized.n > 0 && (parse_special || added->normalized_ordinary);
    ink__stream stream;
    ink__stream_start(&stream, &bert->normalizer, text, begin, end);
    ink__word_start(&scratch->word);
    if (look) {
        INK_TRY(ink__added_stream_reserve(&scratch->added, added, err));
        ink__added_stream_start(&scratch->added, added, parse_special);
    }
    for (;;) {
        bool found;
        ink__word *word = &scratch->word;
        INK_TRY(ink__pretokenize_next(word, &found, &stream, look ? &scratch->added : NULL,
                                      bert->model.max_chars, err));
        if (!found)
            break;
        if (word->added >= 0) {
            INK_TRY(ink__sink_reserve(sink, 1, err));
            ink__sink_push(sink, word->added, (ink_span){word->begin, word->end});
        } else {
            INK_TRY(ink__wordpiece_encode(sink, &bert->model, word, err));
        }
    }
    *bad += stream.bad;
    return INK_OK;
}

static ink_status normalize(char **out, size_t *out_len, const ink_tokenizer *tokenizer, const char *text,
                            size_t len, ink_error *err)
{
    const ink__bert *bert = tokenizer->stages;
    size_t capacity = 0;
    ink__stream stream;
    ink__char ch;
    *out = NULL, *out_len = 0;
    ink__stream_start(&stream, &bert->normalizer, (const unsigned char *)text, 0, len);
    do {
        const ink_status st = ink__grow(out, &capacity, *out_len + 4, 1, "an added token", err);
        if (st != INK_OK) {
            free(*out);
            *out = NULL;
            return st;
        }
        if (!ink__stream_next(&ch, &stream))
            break;
        *out_len += ink__utf8_encode(*out + *out_len, ch.cp);
    } while (true);
    return INK_OK;
}

static void free_stages(void *stages)
{
    ink__bert *bert = stages;
    if (!bert)
        return;
    ink__normalizer_release(&bert->normalizer);
    ink__wordpiece_release(&bert->model);
    free(bert);
}

static const ink__pipeline pipeline = {"WordPiece", encode, normalize, free_stages, NULL};

ink_status ink__bert_init(ink_tokenizer *tokenizer, const ink__bert_config *config, const char *where,
                          ink_error *err)
{
    const ink__vocab *vocab = &tokenizer->vocab;
    ink__bert *bert;
    const int32_t unk = ink__vocab_find(vocab, config->unk, strlen(config->unk));
    if (unk < 0)
        return ink_fail(err, INK_E_FORMAT,
                        "%s: the unknown token \"%s\" is not in the vocabulary of %zu tokens", where,
                        config->unk, vocab->size);
    INK_TRY(ink__calloc(&bert, 1, sizeof *bert, "the tokenizer", err));
    tokenizer->pipeline = &pipeline;
    tokenizer->stages = bert;
    bert->normalizer.clean = config->clean;
    bert->normalizer.cjk = config->cjk;
    bert->normalizer.strip = config->strip;
    bert->normalizer.lower = config->lower;
    INK_TRY(ink__normalizer_init(&bert->normalizer, err));
    return ink__wordpiece_init(&bert->model, vocab, vocab->size, config->prefix, config->prefix_len, unk,
                               config->max_chars, err);
}
