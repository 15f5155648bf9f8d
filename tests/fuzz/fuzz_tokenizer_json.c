/* Any bytes as a tokenizer.json; one that opens is asked about all its tokens and encodes a few texts. */
#include "fuzz.h"
#include "tokenizer/open.h"

#include <string.h>

static void use(const ink_tokenizer *t)
{
    static const char *const texts[] = {"", "Hello the [MASK] caf\xC3\xA9 \xE5\xAD\x97.",
                                        "a  foo\tb \xFF e\xCC\x81\xE3\x80\xAE", "[CLS][SEP][UNK]##s ##"};
    ink_encoding e = {0};
    ink_error err;
    for (size_t id = 0; id < ink_tokenizer_vocab_size(t); ++id) {
        size_t len;
        const char *text = ink__vocab_token(&t->vocab, (int32_t)id, &len);
        MUST(!text || ink_tokenizer_id(t, text, len) == (int32_t)id);
    }
    for (int i = 0; i < 16; ++i) {
        const char *text = texts[i / 4], *pair = texts[i % 4];
        ink_encode_options o = {1, i % 2, i % 3 == 0, 0, false};
        o.max_length = i % 5 == 0 ? 0 : ink_tokenizer_specials(t, true) + (size_t)i;
        MUST(ink_tokenizer_encode(&e, t, text, strlen(text), pair, strlen(pair), &o, &err) == INK_OK);
        MUST(e.length <= e.total);
        for (size_t k = 0; k < e.length; ++k)
            MUST(ink_tokenizer_token(t, e.ids[k]) && e.spans[k].begin <= e.spans[k].end);
    }
    ink_encoding_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink_tokenizer *t = calloc(1, sizeof *t);
    ink_error err = {0};
    MUST(t);
    if (ink__tokenizer_parse_json(t, (const char *)data, size, "tokenizer.json", &err) == INK_OK)
        use(t);
    else
        MUST(err.status == INK_E_FORMAT || err.status == INK_E_UNSUPPORTED);
    ink_tokenizer_free(t);
    return 0;
}
