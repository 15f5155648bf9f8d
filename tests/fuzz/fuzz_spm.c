/* Any bytes as a SentencePiece model; one that passes the check is rewritten, read back, loaded and used. */
#include "fuzz.h"
#include "tokenizer/spm_model.h"
#include "tokenizer/spm_shim.h"

#include <string.h>

static ink_status count(void *context, int32_t id, size_t begin, size_t end, ink_error *err)
{
    (void)err;
    MUST(id >= 0 && begin <= end);
    ++*(size_t *)context;
    return INK_OK;
}

static void use(const ink__spm *spm, size_t n)
{
    static const char *const texts[] = {"", "a", " Hello  the w\xC3\xB6rld \xE2\x96\x81",
                                        "\xEF\xAC\x81 \xFF e\xCC\x81"};
    ink_error err;
    MUST(ink__spm_size(spm) == n && ink__spm_piece_text(spm, n - 1));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        size_t pieces = 0;
        (void)!ink__spm_encode(count, &pieces, spm, texts[i], strlen(texts[i]), &err);
    }
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
    ink__spm_model_free(&model);
    ink__spm_model_free(&again);
    free(bytes);
    return 0;
}
