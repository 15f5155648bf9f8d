/* Any bytes as a SentencePiece model; one that passes the check is rewritten, read back, loaded and used: by
 * SentencePiece, as a bare tokenizer, and as a unigram model of our own. */
#include "fuzz.h"
#include "tokenizer/spm.h"
#include "tokenizer/spm_bare.h"
#include "tokenizer/spm_shim.h"

#include <string.h>

static ink_status count(void *context, int32_t id, size_t begin, size_t end, ink_error *err)
{
    (void)err;
    MUST(id >= 0 && begin <= end);
    ++*(size_t *)context;
    return INK_OK;
}

static const char *const texts[] = {"", "a", " Hello  the w\xC3\xB6rld \xE2\x96\x81",
                                    "\xEF\xAC\x81 \xFF e\xCC\x81",
                                    "000 0000 aaaaaaa\x01\xE3\x8C\x80\xF0\x9F\x91\xA8<s>"};
enum { TEXTS = sizeof texts / sizeof *texts };

static void use(const ink__spm *spm, size_t n)
{
    ink_error err;
    MUST(ink__spm_size(spm) == n && ink__spm_piece_text(spm, n - 1));
    for (size_t i = 0; i < TEXTS; ++i) {
        size_t pieces = 0;
        (void)!ink__spm_encode(count, &pieces, spm, texts[i], strlen(texts[i]), &err);
    }
}

static void use_bare(const ink__spm_model *model)
{
    ink_tokenizer *t = calloc(1, sizeof *t);
    ink_encoding e = {0};
    ink_error err;
    MUST(t);
    if (ink__spm_bare_init(t, model, "m.model", &err) == INK_OK)
        for (size_t i = 0; i < TEXTS; ++i)
            if (ink_tokenizer_encode(&e, t, texts[i], strlen(texts[i]), NULL, 0, NULL, &err) == INK_OK)
                for (size_t k = 0; k < e.length; ++k)
                    MUST(e.ids[k] >= 0 && (size_t)e.ids[k] < model->n && e.spans[k].begin <= e.spans[k].end &&
                         e.spans[k].end <= strlen(texts[i]));
    ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

/* The parts of a word lie end to end, and each but the unknown ones is its token. */
static void cut(ink__spm_scratch *s, const ink__unigram *u, const ink__vocab *vocab, int32_t unk)
{
    ink_error err;
    size_t end = 0;
    MUST(ink__unigram_encode(s, u, &err) == INK_OK);
    for (size_t i = 0; i < s->n_parts; ++i) {
        const ink__spm_part *p = &s->parts[i];
        size_t len = 0;
        const char *token = ink__vocab_token(vocab, p->id, &len);
        MUST(p->begin == end && p->end > p->begin && token);
        MUST(p->id == unk || (len == p->end - p->begin && memcmp(token, s->word + p->begin, len) == 0));
        end = p->end;
    }
    MUST(end == s->word_len);
}

static void use_unigram(const ink__spm_model *model)
{
    ink__spm_scratch s = {0};
    ink__vocab vocab = {0};
    ink__unigram u = {0};
    ink_error err;
    double *scores = calloc(model->n, sizeof *scores);
    bool *hidden = calloc(model->n, sizeof *hidden);
    MUST(scores && hidden);
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *p = &model->pieces[i];
        int32_t before;
        scores[i] = p->score, hidden[i] = p->type == INK__SPM_CONTROL;
        MUST(ink__vocab_add(&vocab, &before, (int32_t)i, p->text, p->len, "m", &err) == INK_OK && before < 0);
    }
    MUST(ink__unigram_init(&u, &vocab, scores, hidden, model->n, (int32_t)model->unk, "m", &err) == INK_OK);
    for (size_t i = 0; i < TEXTS; ++i) {
        ink__aligned text = {0};
        size_t bad = 0;
        MUST(ink__aligned_load(&text, &bad, (const unsigned char *)texts[i], 0, strlen(texts[i]), &err) ==
             INK_OK);
        s.word_len = 0;
        for (size_t k = 0; k < text.n; ++k)
            MUST(ink__spm_put_char(&s, text.chars[k].cp, &text.chars[k], &err) == INK_OK);
        cut(&s, &u, &vocab, (int32_t)model->unk);
        ink__aligned_release(&text);
    }
    ink__unigram_release(&u);
    ink__vocab_free(&vocab);
    ink__spm_scratch_free(&s);
    free(scores);
    free(hidden);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ink__spm_model model, again;
    ink_error err = {0};
    ink__spm *spm;
    char *bytes;
    size_t len;
    if (ink__spm_model_read(&model, data, size, "m.model", &err) != INK_OK) {
        MUST(err.status == INK_E_FORMAT || err.status == INK_E_UNSUPPORTED);
        return 0;
    }
    MUST(ink__spm_model_write(&bytes, &len, &model, &err) == INK_OK);
    MUST(ink__spm_model_read(&again, bytes, len, "m.model", &err) == INK_OK && again.n == model.n);
    if (ink__spm_load(&spm, bytes, len, "m.model", &err) == INK_OK)
        use(spm, model.n);
    else
        MUST(err.status == INK_E_FORMAT);
    ink__spm_free(spm);
    use_bare(&model);
    use_unigram(&model);
    ink__spm_model_free(&model);
    ink__spm_model_free(&again);
    free(bytes);
    return 0;
}
