/* A SentencePiece model with the settings of the files beside it, as transformers 5 builds
 * XLMRobertaTokenizer, CamembertTokenizer and AlbertTokenizer from it where there is no tokenizer.json: each
 * numbers the pieces in its own way (convert_slow_tokenizer.py) and has its own normalizer. Where the files
 * name no class, the model is all there is: spm_bare.h. */
#include "tokenizer/open.h"
#include "tokenizer/spm.h"
#include "tokenizer/spm_bare.h"
#include "core/memory.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

/* The first ids are those of `front`, each a named token by its number or, for -1, a text of no use; of the
 * model's pieces the first `dropped` are left out. */
typedef struct spm_family {
    const char *class, *model_type;
    const char *usual[INK__NAMED];
    struct {
        int named;
        const char *text;
    } front[5];
    size_t n_front, dropped;
    bool mask_last, mask_takes_space;
    bool albert;
} spm_family;

static const spm_family families[] = {
    {.class = "XLMRobertaTokenizer",
     .model_type = "xlm-roberta",
     .usual = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .front = {{INK__BOS, NULL}, {INK__PAD, NULL}, {INK__EOS, NULL}, {INK__UNK, NULL}},
     .n_front = 4,
     .dropped = 3,
     .mask_last = true},
    {.class = "CamembertTokenizer",
     .model_type = "camembert",
     .usual = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"},
     .front =
         {{-1, "<s>NOTUSED"}, {INK__PAD, NULL}, {-1, "</s>NOTUSED"}, {INK__UNK, NULL}, {-1, "<unk>NOTUSED"}},
     .n_front = 5,
     .dropped = 1,
     .mask_last = true,
     .mask_takes_space = true},
    {.class = "AlbertTokenizer",
     .model_type = "albert",
     .usual = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
     .albert = true},
};

/* What the directory's files say. */
typedef struct spm_files {
    const char *dir, *path;      /* the model's */
    const ink__json *config;     /* tokenizer_config.json */
    const ink__json *map, *list; /* the two older files: see ink__beside_open */
    const ink__spm_model *model;
} spm_files;

/* --- Settings ------------------------------------------------------------------------------------------- */

static ink_status no_family(const char *where, const char *what, const char *value, ink_error *err)
{
    return ink_fail(err, INK_E_UNSUPPORTED,
                    "%s: %s is \"%.80s\"; of SentencePiece models, those of XLMRobertaTokenizer, "
                    "CamembertTokenizer and AlbertTokenizer are read",
                    where, what, value);
}

/* By tokenizer_class, with or without "Fast"; where there is none, by config.json's model_type; NULL where
 * nothing says what the model belongs to. */
static ink_status find_family(const spm_family **found, const char *dir, const ink__json *config,
                              ink_error *err)
{
    const char *class = NULL, *model_type = NULL;
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
    for (size_t i = 0; model_type && i < sizeof families / sizeof *families; ++i)
        if (strcmp(model_type, families[i].model_type) == 0)
            *found = &families[i];
    if (model_type && !*found)
        st = no_family(dir, "model_type", model_type, err);
done:
    ink__json_close(&model);
    free(path);
    return st;
}

/* A mask token given by its text alone takes the space before it along where the family's does. */
static ink_status read_named(ink__named named[INK__NAMED], const spm_family *family, const spm_files *files,
                             ink_error *err)
{
    for (int i = 0; i < INK__NAMED; ++i)
        named[i] = (ink__named){.content = family->usual[i], .given = true, .token.special = true};
    INK_TRY(ink__named_read(named, files->config, err));
    INK_TRY(ink__named_read(named, files->map, err));
    const json_t *mask = json_object_get(files->map->root, "mask_token");
    if (!mask || json_is_null(mask))
        mask = json_object_get(files->config->root, "mask_token");
    if (family->mask_takes_space && !json_is_object(mask))
        named[INK__MASK].token.lstrip = true;
    return INK_OK;
}

/* --- Tokens --------------------------------------------------------------------------------------------- */

typedef struct builder {
    ink_tokenizer *tokenizer;
    double *scores; /* [capacity] */
    size_t n;
    const char *where;
    ink_error *err;
} builder;

static ink_status put(builder *b, const char *text, size_t len, double score)
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

static ink_status put_tokens(builder *b, const spm_family *family, const ink__named named[INK__NAMED],
                             const ink__spm_model *model)
{
    for (size_t i = 0; i < family->n_front; ++i) {
        const int name = family->front[i].named;
        const char *text = name < 0 ? family->front[i].text : named[name].content;
        INK_TRY(put(b, text, strlen(text), strcmp(text, "<unk>NOTUSED") == 0 ? -100.0 : 0.0));
    }
    for (size_t i = family->dropped; i < model->n; ++i)
        INK_TRY(put(b, model->pieces[i].text, model->pieces[i].len, model->pieces[i].score));
    if (family->mask_last)
        INK_TRY(put(b, named[INK__MASK].content, strlen(named[INK__MASK].content), 0));
    return INK_OK;
}

/* transformers gives ids to what it lacks in the order of the names; the model's own control pieces and
 * user-defined ones are added tokens as well. */
static ink_status add_tokens(ink_tokenizer *t, const ink__named named[INK__NAMED], const spm_files *files,
                             ink_error *err)
{
    const ink__spm_model *model = files->model;
    INK_TRY(ink__listed_add(t, files->config, files->list, err));
    INK_TRY(ink__named_add(t, named, files->path, files->config, files->map, err));
    for (size_t i = 0; i < model->n; ++i) {
        const ink__spm_piece *p = &model->pieces[i];
        const ink__added_token token = {.special = p->type == INK__SPM_CONTROL};
        if ((token.special || p->type == INK__SPM_USER_DEFINED) &&
            ink__vocab_find(&t->vocab, p->text, p->len) >= 0)
            INK_TRY(ink__tokenizer_add(t, token, p->text, p->len, NULL, files->path, err));
    }
    return ink__tokenizer_seal_added(t, files->path, err);
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

static ink_status add_template(ink_tokenizer *t, const spm_family *family, const ink__named named[INK__NAMED],
                               const char *where, ink_error *err)
{
    const char *cls_text = family->albert ? "[CLS]" : named[INK__BOS].content;
    const char *sep_text = family->albert ? "[SEP]" : named[INK__EOS].content;
    const int32_t cls = ink__vocab_find(&t->vocab, cls_text, strlen(cls_text));
    const int32_t sep = ink__vocab_find(&t->vocab, sep_text, strlen(sep_text));
    if (cls < 0 || sep < 0)
        return ink_fail(err, INK_E_FORMAT, "%s: \"%.80s\" or \"%.80s\" is not among the tokens", where,
                        cls_text, sep_text);
    t->single = (ink__template){{{cls, 0}, {sep, 0}}, .before = 1, .n = 2};
    if (family->albert)
        t->pair =
            (ink__template){{{cls, 0}, {sep, 0}, {sep, 1}}, .before = 1, .middle = 1, .n = 3, .type_b = 1};
    else
        t->pair = (ink__template){{{cls, 0}, {sep, 0}, {sep, 0}, {sep, 0}}, .before = 1, .middle = 2, .n = 4};
    return INK_OK;
}

static ink_status build(ink_tokenizer *t, const spm_family *family, const spm_files *files, ink_error *err)
{
    const ink__spm_model *model = files->model;
    ink__named named[INK__NAMED];
    ink__spm_stages *stages;
    builder b = {.tokenizer = t, .where = files->path, .err = err};
    ink_status st = INK_OK;
    INK_TRY(check_unknown(family, model, files->path, err));
    INK_TRY(read_named(named, family, files, err));
    INK_TRY(ink__spm_init(&stages, t, err));
    stages->model_type = model->type;
    INK_TRY(add_steps(stages, family, model, files->config, files->path, err));
    INK_TRY(ink__calloc(&b.scores, family->n_front + model->n + 1, sizeof *b.scores, "the scores", err));
    INK_TRY_GOTO(put_tokens(&b, family, named, model));
    INK_TRY_GOTO(add_template(t, family, named, files->path, err));
    stages->unk = family->albert ? 1 : 3;
    INK_TRY_GOTO(add_tokens(t, named, files, err));
    st = ink__spm_build(t, b.scores, b.n, files->path, err);
done:
    free(b.scores);
    return st;
}

static ink_status build_beside(ink_tokenizer *t, const spm_family *family, spm_files files, ink_error *err)
{
    ink__json map = {0}, list = {0};
    files.map = &map, files.list = &list;
    ink_status st = ink__beside_open(&map, &list, files.dir, files.config, err);
    if (st == INK_OK)
        st = build(t, family, &files, err);
    ink__json_close(&map);
    ink__json_close(&list);
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
    if (st == INK_OK)
        st = ink__spm_model_read(&model, map.data, map.size, path, err);
    if (st == INK_OK)
        st = family
                 ? build_beside(t, family,
                                (spm_files){.dir = dir, .path = path, .config = config, .model = &model}, err)
                 : ink__spm_bare_init(t, &model, path, err);
    ink__spm_model_free(&model);
    ink__map_close(&map);
    free(path);
    return st;
}
