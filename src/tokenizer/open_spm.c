/* A SentencePiece model with the settings of the files beside it, as transformers 5 builds
 * XLMRobertaTokenizer, CamembertTokenizer and AlbertTokenizer from it where there is no tokenizer.json: each
 * numbers the pieces in its own way (convert_slow_tokenizer.py) and has its own normalizer. */
#include "tokenizer/open.h"
#include "tokenizer/spm.h"
#include "core/memory.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

/* The tokens with a name, in the order in which transformers adds them. */
enum { BOS, EOS, UNK, SEP, PAD, CLS, MASK, NAMED };
static const char *const keys[NAMED] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};

/* The first ids are those of `front`, each a named token by its key or a text of no use; of the model's
 * pieces the first `dropped` are left out. */
typedef struct spm_family {
    const char *class, *model_type;
    const char *usual[NAMED];
    const char *front[5];
    size_t n_front, dropped;
    bool mask_last, mask_takes_space;
    bool albert;
} spm_family;

static const spm_family families[] = {
    {.class = "XLMRobertaTokenizer",
     .model_type = "xlm-roberta",
     .usual = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .front = {"bos_token", "pad_token", "eos_token", "unk_token"},
     .n_front = 4,
     .dropped = 3,
     .mask_last = true},
    {.class = "CamembertTokenizer",
     .model_type = "camembert",
     .usual = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .front = {"<s>NOTUSED", "pad_token", "</s>NOTUSED", "unk_token", "<unk>NOTUSED"},
     .n_front = 5,
     .dropped = 1,
     .mask_last = true,
     .mask_takes_space = true},
    {.class = "AlbertTokenizer",
     .model_type = "albert",
     .usual = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
     .albert = true},
};

typedef struct named_token {
    const char *content;
    ink__added_token token;
} named_token;

/* --- Settings ------------------------------------------------------------------------------------------- */

static ink_status no_family(const char *where, const char *what, const char *value, ink_error *err)
{
    return ink_fail(err, INK_E_UNSUPPORTED,
                    "%s: %s is \"%.80s\"; of SentencePiece models, those of XLMRobertaTokenizer, "
                    "CamembertTokenizer and AlbertTokenizer are read",
                    where, what, value);
}

/* By tokenizer_class, with or without "Fast"; where there is none, by config.json's model_type. */
static ink_status find_family(const spm_family **found, const char *dir, const ink__json *config,
                              ink_error *err)
{
    const char *class = NULL, *model_type = "missing";
    ink__json model = {0};
    ink_status st = INK_OK;
    char *path = NULL;
    *found = NULL;
    if (config->root)
        INK_TRY(ink__json_string(&class, config, config->root, "tokenizer_class", err));
    for (size_t i = 0; class && i < sizeof families / sizeof *families; ++i) {
        const size_t len = strlen(families[i].class);
        if (strncmp(class, families[i].class, len) == 0 &&
            (class[len] == '\0' || strcmp(class + len, "Fast") == 0))
            *found = &families[i];
    }
    if (class)
        return *found ? INK_OK : no_family(config->path, "tokenizer_class", class, err);

    if (ink__file_exists(dir, "config.json")) {
        INK_TRY_GOTO(ink__path_join(&path, dir, "config.json", err));
        INK_TRY_GOTO(ink__json_open(&model, path, err));
        INK_TRY_GOTO(ink__json_string(&model_type, &model, model.root, "model_type", err));
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; ++i)
        if (strcmp(model_type, families[i].model_type) == 0)
            *found = &families[i];
    if (!*found)
        st = no_family(dir, "model_type", model_type, err);
done:
    ink__json_close(&model);
    free(path);
    return st;
}

static ink_status read_named(named_token named[NAMED], const spm_family *family, const ink__json *config,
                             ink_error *err)
{
    for (int i = 0; i < NAMED; ++i) {
        named[i] = (named_token){.content = family->usual[i], .token.special = true};
        named[i].token.lstrip = i == MASK && family->mask_takes_space;
        const json_t *value = config->root ? json_object_get(config->root, keys[i]) : NULL;
        if (!value || json_is_null(value))
            continue;
        const json_t *content = json_is_object(value) ? json_object_get(value, "content") : value;
        if (json_string_length(content) == 0 ||
            strlen(json_string_value(content)) != json_string_length(content))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: \"%s\" is neither a string nor an object with \"content\"", config->path,
                            keys[i]);
        named[i].content = json_string_value(content);
        if (json_is_object(value)) {
            INK_TRY(ink__added_flags(&named[i].token, config, value, false, err));
            named[i].token.special = true;
        }
    }
    return INK_OK;
}

/* --- Tokens --------------------------------------------------------------------------------------------- */

typedef struct builder {
    ink_tokenizer *tokenizer;
    float *scores; /* [capacity] */
    size_t n;
    const char *where;
    ink_error *err;
} builder;

static ink_status put(builder *b, const char *text, size_t len, float score)
{
    int32_t before;
    INK_TRY(ink__vocab_add(&b->tokenizer->vocab, &before, (int32_t)b->n, text, len, b->where, b->err));
    if (before >= 0)
        return ink_fail(b->err, INK_E_FORMAT,
                        "%s: the piece \"%.*s\" is also a special token with an id of its own", b->where,
                        (int)(len < 80 ? len : 80), text);
    b->scores[b->n++] = score;
    return INK_OK;
}

static ink_status put_tokens(builder *b, const spm_family *family, const named_token named[NAMED],
                             const ink__spm_model *model)
{
    for (size_t i = 0; i < family->n_front; ++i) {
        const char *text = family->front[i];
        for (int k = 0; k < NAMED; ++k)
            if (strcmp(text, keys[k]) == 0)
                text = named[k].content;
        INK_TRY(put(b, text, strlen(text), strcmp(text, "<unk>NOTUSED") == 0 ? -100.0F : 0.0F));
    }
    for (size_t i = family->dropped; i < model->n; ++i)
        INK_TRY(put(b, model->pieces[i].text, model->pieces[i].len, model->pieces[i].score));
    if (family->mask_last)
        INK_TRY(put(b, named[MASK].content, strlen(named[MASK].content), 0));
    return INK_OK;
}

/* transformers gives ids to what it lacks in the order of the names; the model's own control pieces and
 * user-defined ones are added tokens as well. */
static ink_status add_tokens(ink_tokenizer *t, const named_token named[NAMED], const ink__spm_model *model,
                             const ink__json *config, const char *where, ink_error *err)
{
    if (config->root) {
        const json_t *decoder = json_object_get(config->root, "added_tokens_decoder");
        if (json_is_object(decoder))
            INK_TRY(ink__added_read_decoder(t, config, decoder, err));
    }
    for (int i = 0; i < NAMED; ++i)
        INK_TRY(ink__tokenizer_add(t, named[i].token, named[i].content, strlen(named[i].content), NULL, where,
                                   err));
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *p = &model->pieces[i];
        const ink__added_token token = {.special = p->type == INK__SPM_CONTROL};
        if ((token.special || p->type == INK__SPM_USER_DEFINED) &&
            ink__vocab_find(&t->vocab, p->text, p->len) >= 0)
            INK_TRY(ink__tokenizer_add(t, token, p->text, p->len, NULL, where, err));
    }
    return ink__tokenizer_seal_added(t, where, err);
}

/* --- Stages --------------------------------------------------------------------------------------------- */

static ink_status add_steps(ink__spm_stages *stages, const spm_family *family, const ink__spm_model *model,
                            const ink__json *config, const char *where, ink_error *err)
{
    bool lower = true, keep_accents = false, prefix = true;
    if (config->root) {
        INK_TRY(ink__json_bool(&lower, config, config->root, "do_lower_case", err));
        INK_TRY(ink__json_bool(&keep_accents, config, config->root, "keep_accents", err));
        INK_TRY(ink__json_bool(&prefix, config, config->root, "add_prefix_space", err));
    }
    stages->whitespace_split = true;
    stages->prepend = prefix ? INK__PREPEND_ALWAYS : INK__PREPEND_NEVER;
    if (family->albert) {
        INK_TRY(ink__spm_add_replace(stages, "``", "\"", err));
        INK_TRY(ink__spm_add_replace(stages, "''", "\"", err));
        if (!keep_accents) {
            INK_TRY(ink__spm_add_step(stages, (ink__step){.kind = INK__STEP_NFKD}, err));
            INK_TRY(ink__spm_add_step(stages, (ink__step){.kind = INK__STEP_STRIP_ACCENTS}, err));
        }
        if (lower)
            INK_TRY(ink__spm_add_step(stages, (ink__step){.kind = INK__STEP_LOWERCASE}, err));
    }
    return model->charsmap_len > 0
               ? ink__spm_add_charsmap(stages, model->charsmap, model->charsmap_len, where, err)
               : INK_OK;
}

/* The first three are <unk>, <s> and </s>, or the first is <unk>, or <unk> is the second. */
static ink_status check_unknown(const spm_family *family, const ink__spm_model *model, const char *where,
                                ink_error *err)
{
    const bool right = family->albert ? model->unk == 1 : model->unk < family->dropped;
    if (!right || model->n <= family->dropped)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: the unknown piece is number %zu of %zu, which a %s does not expect", where,
                        model->unk, model->n, family->class);
    return INK_OK;
}

static ink_status build(ink_tokenizer *t, const ink__spm_model *model, const spm_family *family,
                        const ink__json *config, const char *where, ink_error *err)
{
    named_token named[NAMED];
    ink__spm_stages *stages;
    builder b = {.tokenizer = t, .where = where, .err = err};
    ink_status st = INK_OK;
    INK_TRY(check_unknown(family, model, where, err));
    INK_TRY(read_named(named, family, config, err));
    INK_TRY(ink__spm_init(&stages, t, err));
    stages->model_type = model->type;
    INK_TRY(add_steps(stages, family, model, config, where, err));
    INK_TRY(ink__calloc(&b.scores, family->n_front + model->n + 1, sizeof *b.scores, "the scores", err));
    INK_TRY_GOTO(put_tokens(&b, family, named, model));
    stages->unk = family->albert ? 1 : 3;
    INK_TRY_GOTO(add_tokens(t, named, model, config, where, err));
    INK_TRY_GOTO(ink__spm_build(t, b.scores, b.n, where, err));

    const char *cls_text = family->albert ? "[CLS]" : named[BOS].content;
    const char *sep_text = family->albert ? "[SEP]" : named[EOS].content;
    const int32_t cls = ink__vocab_find(&t->vocab, cls_text, strlen(cls_text));
    const int32_t sep = ink__vocab_find(&t->vocab, sep_text, strlen(sep_text));
    if (cls < 0 || sep < 0) {
        st = ink_fail(err, INK_E_FORMAT, "%s: \"%.80s\" or \"%.80s\" is not among the tokens", where,
                      cls_text, sep_text);
        goto done;
    }
    t->single = (ink__template){{{cls, 0}, {sep, 0}}, .before = 1, .n = 2};
    if (family->albert)
        t->pair =
            (ink__template){{{cls, 0}, {sep, 0}, {sep, 1}}, .before = 1, .middle = 1, .n = 3, .type_b = 1};
    else
        t->pair = (ink__template){{{cls, 0}, {sep, 0}, {sep, 0}, {sep, 0}}, .before = 1, .middle = 2, .n = 4};
done:
    free(b.scores);
    return st;
}

ink_status ink__tokenizer_from_spm(ink_tokenizer *t, const char *dir, const char *name,
                                   const ink__json *config, ink_error *err)
{
    const spm_family *family;
    ink__spm_model model = {0};
    ink__map map = {0};
    char *path;
    INK_TRY(find_family(&family, dir, config, err));
    INK_TRY(ink__path_join(&path, dir, name, err));
    ink_status st = ink__map_open(&map, path, err);
    if (st == INK_OK) {
        st = ink__spm_model_read(&model, map.data, map.size, path, err);
        if (st == INK_OK)
            st = build(t, &model, family, config, path, err);
        ink__spm_model_free(&model);
        ink__map_close(&map);
    }
    free(path);
    return st;
}
