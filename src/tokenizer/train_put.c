/* Base64 (RFC 4648) and BPE's merges as text: see train_write.h. */
#include "core/memory.h"
#include "tokenizer/train_write.h"

#include <stdarg.h>
#include <stdlib.h>

ink_status ink__put(ink__text *text, ink_error *err, ...)
{
    ink_status st = INK_OK;
    va_list strings;
    va_start(strings, err);
    for (const char *s; st == INK_OK && (s = va_arg(strings, const char *));)
        st = ink__text_cstr(text, s, err);
    va_end(strings);
    return st;
}

ink_status ink__put_base64(ink__text *text, const unsigned char *bytes, size_t len, ink_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    INK_TRY(ink__text_reserve(text, len / 3 * 4 + 4, err));
    for (size_t i = 0; i < len; i += 3) {
        const size_t n = len - i < 3 ? len - i : 3;
        uint32_t held = 0;
        for (size_t k = 0; k < 3; ++k)
            held = held << 8 | (k < n ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; ++k)
            text->data[text->len++] = k <= n ? digits[held >> (18 - 6 * k) & 63] : '=';
    }
    return INK_OK;
}

typedef struct split {
    int32_t left, right;
    size_t at;
} split;

static int compare(const void *a, const void *b)
{
    const split *x = a, *y = b;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return x->right < y->right ? -1 : x->right > y->right;
}

/* The places in a piece where two pieces meet; room for one a byte. */
static size_t find_splits(split *splits, const ink__vocab *pieces, const ink__spm_piece *piece)
{
    size_t n = 0;
    for (size_t at = 1; at < piece->len; ++at) {
        if (((unsigned char)piece->text[at] & 0xC0) == 0x80)
            continue;
        const int32_t left = ink__vocab_find(pieces, piece->text, at);
        const int32_t right = ink__vocab_find(pieces, piece->text + at, piece->len - at);
        if (left >= 0 && right >= 0)
            splits[n++] = (split){left, right, at};
    }
    qsort(splits, n, sizeof *splits, compare);
    return n;
}

static ink_status put_all(ink__text *text, const ink__vocab *pieces, split *splits,
                          const ink__spm_model *model, ink_error *err)
{
    const char *comma = "\n      ";
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *piece = &model->pieces[i];
        const size_t n = piece->type == INK__SPM_NORMAL ? find_splits(splits, pieces, piece) : 0;
        for (size_t k = 0; k < n; ++k, comma = ",\n      ") {
            INK_TRY(ink__put(text, err, comma, "[", NULL));
            INK_TRY(ink__text_string(text, piece->text, splits[k].at, err));
            INK_TRY(ink__text_cstr(text, ", ", err));
            INK_TRY(ink__text_string(text, piece->text + splits[k].at, piece->len - splits[k].at, err));
            INK_TRY(ink__text_cstr(text, "]", err));
        }
    }
    return INK_OK;
}

ink_status ink__put_merges(ink__text *text, const ink__spm_model *model, ink_error *err)
{
    ink_status st = INK_OK;
    ink__vocab pieces = {0};
    split *splits = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *p = &model->pieces[i];
        int32_t before;
        longest = p->len > longest ? p->len : longest;
        if (p->type == INK__SPM_NORMAL)
            INK_TRY_GOTO(ink__vocab_add(&pieces, &before, (int32_t)i, p->text, p->len, "the model", err));
    }
    INK_TRY_GOTO(ink__calloc(&splits, longest, sizeof *splits, "a piece", err));
    INK_TRY_GOTO(ink__text_cstr(text, "[", err));
    INK_TRY_GOTO(put_all(text, &pieces, splits, model, err));
    st = ink__text_cstr(text, "\n    ]", err);
done:
    ink__vocab_free(&pieces);
    free(splits);
    return st;
}
