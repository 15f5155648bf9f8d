/* Opens a tokenizer from a Hugging Face directory: decides which files count and reads the settings that hold
 * for every kind; open_json.c and open_vocab.c do the rest. */
#include "tokenizer/open.h"
#include "core/memory.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

ink_status ink__added_flags(ink__added_token *token, const ink__json *json, const json_t *object, bool all,
                            ink_error *err)
{
    static const char *const keys[] = {"special", "single_word", "lstrip", "rstrip", "normalized"};
    bool *const flags[] = {&token->special, &token->single_word, &token->lstrip, &token->rstrip,
                           &token->normalized};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
        if (all && !json_is_boolean(json_object_get(object, keys[i])))
            return ink_fail(err, INK_E_FORMAT, "%s: an added token lacks \"%s\", wanted true or false",
                            json->path, keys[i]);
        if (flags[i] == &token->normalized)
            token->normalized = !token->special;
        INK_TRY(ink__json_bool(flags[i], json, object, keys[i], err));
    }
    return INK_OK;
}

ink_status ink__tokenizer_add(ink_tokenizer *t, ink__added_token token, const char *content, size_t len,
                              const double *said, const char *path, ink_error *err)
{
    if (len == 0)
        return INK_OK;
    token.id = ink__vocab_find(&t->vocab, content, len);
    const bool is_new = token.id < 0;
    if (is_new)
        token.id = (int32_t)t->vocab.index.used;
    if (said && *said != (double)token.id)
        return ink_fail(err, INK_E_FORMAT, "%s: the added token \"%.*s\" has id %.17g, but %s %d", path,
                        (int)(len < 80 ? len : 80), content, *said,
                        is_new ? "the next free id is" : "in the vocabulary it has id", (int)token.id);
    if (is_new) {
        int32_t before;
        INK_TRY(ink__vocab_add(&t->vocab, &before, token.id, content, len, path, err));
    }
    return ink__added_put(&t->added, token, err);
}

/* Where a config is, what holds for any kind of tokenizer. */
static ink_status read_limits(ink_tokenizer *t, const ink__json *config, ink_error *err)
{
    const char *side = "right";
    double max_length = -1;
    INK_TRY(ink__json_string(&side, config, config->root, "truncation_side", err));
    if (strcmp(side, "right") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: truncation_side is \"%.40s\"; texts are cut on the right only", config->path,
                        side);
    INK_TRY(ink__json_double(&max_length, config, config->root, "max_len", err));
    INK_TRY(ink__json_double(&max_length, config, config->root, "model_max_length", err));
    /* Hugging Face writes 1e30 where it means that there is no limit. */
    if (max_length >= 1 && max_length < 9007199254740992.0)
        t->model_max_length = (size_t)max_length;
    return INK_OK;
}

/* What the SentencePiece model of the directory is called, or NULL. */
static const char *spm_name(const char *dir)
{
    static const char *const names[] = {"sentencepiece.bpe.model", "spiece.model", "sentencepiece.model"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (ink__file_exists(dir, names[i]))
            return names[i];
    return NULL;
}

ink_status ink_tokenizer_open(ink_tokenizer **tokenizer, const char *dir, ink_error *err)
{
    ink_status st = INK_OK;
    ink_tokenizer *t = NULL;
    ink__json config = {0};
    char *path = NULL;
    if (!tokenizer || !dir)
        return ink_fail(err, INK_E_ARG, "ink_tokenizer_open: tokenizer and dir may not be NULL");
    *tokenizer = NULL;
    INK_TRY_GOTO(ink__calloc(&t, 1, sizeof *t, "the tokenizer", err));
    t->model_max_length = SIZE_MAX;
    if (ink__file_exists(dir, "tokenizer_config.json")) {
        INK_TRY_GOTO(ink__path_join(&path, dir, "tokenizer_config.json", err));
        INK_TRY_GOTO(ink__json_open(&config, path, err));
        INK_TRY_GOTO(read_limits(t, &config, err));
        free(path);
        path = NULL;
    }
    if (ink__file_exists(dir, "tokenizer.json")) {
        INK_TRY_GOTO(ink__path_join(&path, dir, "tokenizer.json", err));
        INK_TRY_GOTO(ink__tokenizer_from_json(t, path, err));
    } else if (ink__file_exists(dir, "vocab.txt")) {
        INK_TRY_GOTO(ink__tokenizer_from_vocab(t, dir, &config, err));
    } else if (ink__file_exists(dir, "vocab.json")) {
        INK_TRY_GOTO(ink__tokenizer_from_merges(t, dir, &config, err));
    } else if (spm_name(dir)) {
        INK_TRY_GOTO(ink__tokenizer_from_spm(t, dir, spm_name(dir), &config, err));
    } else {
        st = ink_fail(err, INK_E_IO,
                      "%s: has neither tokenizer.json nor vocab.txt or vocab.json, nor a SentencePiece model "
                      "by one of its "
                      "names",
                      dir);
        goto done;
    }
    *tokenizer = t;
    t = NULL;
done:
    ink_tokenizer_free(t);
    ink__json_close(&config);
    free(path);
    return st;
}
