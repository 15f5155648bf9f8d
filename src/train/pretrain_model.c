/* The models of a pretraining run: where each starts from, its config.json, and the parameters of all. See
 * pretrain_run.h. */
#include "core/memory.h"
#include "io/file.h"
#include "model/model.h"
#include "train/export.h"
#include "train/pretrain_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- starts ---------------------------------------------------------------------------------------- */

static ink__pretrained_head head_of(const ink__pretrained *p)
{
    return p->arch->pretraining[p->head];
}

/* A family that has no such head cannot learn this way. */
static ink_status check_family(const ink__pretraining *run, const ink__pretrained *p, const char *where,
                               ink_error *err)
{
    if (head_of(p).class)
        return INK_OK;
    return ink_fail(err, INK_E_ARG,
                    "%s: is a model of the family %s, and objective %s is learned by those of electra: start "
                    "from one, or from a size, or learn by mlm",
                    where, p->arch->model_type, run->objective->name);
}

static ink_status open_one(ink__pretraining *run, ink__pretrained *p, ink_error *err)
{
    const ink_model_options plain = {
        .version = 1, .backend = INK_BACKEND_REF, .precision = INK_PRECISION_F32};
    INK_TRY(ink_model_open(&p->base, p->dir, &plain, err));
    ink_model *base = p->base;
    if (base->config.int8)
        return ink_fail(err, INK_E_ARG,
                        "%s: is in 8 bits, too coarse to learn from; start from the model of floats it was "
                        "made of",
                        p->dir);
    p->arch = base->config.arch;
    INK_TRY(check_family(run, p, p->dir, err));
    return ink__params_bind_pretraining(&base->params, &base->config, p->head, base->tensors, p->dir, err);
}

ink_status ink__pretrain_open(ink__pretraining *run, ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    run->n_models = run->objective->n_networks;
    run->sized_by_file = o->size && ink__config_text_is_file(o->size);
    for (size_t i = 0; i < run->n_models; ++i) {
        ink__pretrained *p = &run->models[i];
        p->folder = run->objective->networks[i].folder, p->head = run->objective->networks[i].head;
        if (!o->from)
            continue;
        INK_TRY(p->folder ? ink__path_join(&p->dir, o->from, p->folder, err)
                          : ink__strndup(&p->dir, o->from, strlen(o->from), err));
        if (p->folder && access(p->dir, F_OK) != 0)
            continue;
        INK_TRY(open_one(run, p, err));
    }
    const ink_model *base = run->models[0].base;
    run->save_dtype = o->save_dtype ? o->save_dtype : "f32";
    if (!base) {
        INK_TRY(ink_tokenizer_open(&run->own_tokenizer, o->tokenizer, err));
        run->tokenizer = run->own_tokenizer, run->tokenizer_dir = o->tokenizer;
        return INK_OK;
    }
    ink_model_info info;
    ink_model_get_info(&info, base);
    run->tokenizer = base->tokenizer, run->tokenizer_dir = o->from;
    if (!o->save_dtype)
        run->save_dtype = strcmp(info.dtype, "F16") == 0    ? "f16"
                          : strcmp(info.dtype, "BF16") == 0 ? "bf16"
                                                            : "f32";
    return INK_OK;
}

/* ---- configurations -------------------------------------------------------------------------------- */

/* A generator half as wide as its discriminator (Clark et al., arXiv 2003.10555, section 3.2: a quarter to a
 * half does best), in heads of 64. */
static ink_status derive(ink__text *text, const ink__pretrained *from, ink_error *err)
{
    enum { HEAD = 64 };
    const size_t heads = (from->config.H / 2 + HEAD / 2) / HEAD, N = heads ? heads : 1;
    const ink__config_number numbers[] = {
        {"hidden_size", N * HEAD}, {"num_attention_heads", N}, {"intermediate_size", 4 * N * HEAD}};
    return ink__config_text_numbers(text, &from->config_text, "config.json", numbers, 3, err);
}

static ink_status write_base(ink__text *text, const ink__pretraining *run, const ink__pretrained *p,
                             ink_error *err)
{
    const ink_pretrain_options *o = run->options;
    if (p->base)
        return ink__config_text_load(text, p->dir, err);
    if (p != &run->models[0])
        return derive(text, &run->models[0], err);
    return ink__config_text_start(text, run->objective->family, o->size, run->tokenizer, err);
}

static ink_status configure(ink__pretraining *run, ink__pretrained *p, ink__dtype dtype, ink_error *err)
{
    const char *where = p->base ? p->dir : run->options->size ? run->options->size : "config.json";
    ink__text base = {0};
    ink_status st;
    INK_TRY_GOTO(write_base(&base, run, p, err));
    INK_TRY_GOTO(ink__json_parse(&p->config_json, base.data, base.len, where, err));
    INK_TRY_GOTO(ink__config_read(&p->config, &p->config_json, err));
    p->arch = p->config.arch;
    INK_TRY_GOTO(check_family(run, p, where, err));
    if (p->arch != run->models[0].arch) {
        st = ink_fail(err, INK_E_ARG, "%s: is a %s, beside an %s: they cannot share embeddings", where,
                      p->arch->model_type, run->models[0].arch->model_type);
        goto done;
    }
    if (p->config.int8) {
        st = ink_fail(err, INK_E_ARG, "%s: is that of a model in 8 bits, too coarse to learn in", where);
        goto done;
    }
    st = ink__config_text_pretrained(&p->config_text, &base, where, head_of(p).class, dtype, err);
done:
    ink__text_free(&base);
    return st;
}

ink_status ink__pretrain_configure(ink__pretraining *run, ink_error *err)
{
    ink__dtype dtype;
    INK_TRY(ink__save_dtype_find(&dtype, run->save_dtype, err));
    for (size_t i = 0; i < run->n_models; ++i)
        INK_TRY(configure(run, &run->models[i], dtype, err));
    return INK_OK;
}

/* ---- parameters ------------------------------------------------------------------------------------ */

static ink_status make_one(ink__pretraining *run, ink__pretrained *p, ink_error *err)
{
    ink__pretrained *first = &run->models[0];
    double deviation = 0.02;
    INK_TRY(ink__json_double(&deviation, &p->config_json, p->config_json.root, "initializer_range", err));
    const ink__store_options start = {.from = p->base ? &p->base->params : NULL,
                                      .head = head_of(p).params,
                                      .deviation = deviation,
                                      .seed = run->options->seed};
    const unsigned long long seed = run->options->seed;
    INK_TRY(p == first ? ink__store_create(&p->store, &p->config, &start, err)
                       : ink__store_extend(&p->store, &first->store, &p->config, &start, err));
    if (run->options->from && !p->base)
        return ink__pretrain_say(run, err, "%s is not there: a new one is made from seed %llu", p->dir, seed);
    if (p->base && !p->base->params.model[head_of(p).params->slot])
        return ink__pretrain_say(run, err, "%s has no head that %s: a new one is made from seed %llu", p->dir,
                                 p->head == INK__GUESSES ? "guesses tokens" : "tells replaced tokens", seed);
    return INK_OK;
}

/* The starts' own layouts of the weights are not needed any longer. */
ink_status ink__pretrain_make(ink__pretraining *run, ink_error *err)
{
    for (size_t i = 0; i < run->n_models; ++i)
        INK_TRY(make_one(run, &run->models[i], err));
    for (size_t i = 0; i < run->n_models; ++i) {
        ink_model_free(run->models[i].base);
        run->models[i].base = NULL;
    }
    run->tokenizer = NULL;
    return INK_OK;
}

/* ---- results --------------------------------------------------------------------------------------- */

static ink_status export_one(const ink__pretraining *run, const ink__pretrained *p, const char *dir,
                             ink_error *err)
{
    ink__export what = {.dir = dir, .tokenizer_dir = run->tokenizer_dir, .config = &p->config_text};
    INK_TRY(ink__save_dtype_find(&what.dtype, run->save_dtype, err));
    return ink__export_store(&what, &p->store, err);
}

/* The second first: where the first stands, the run's result does. Its folder is made here, to be filled file
 * by file as the run's own: a folder under a temporary name would stay if the process were killed. */
ink_status ink__pretrain_export(const ink__pretraining *run, ink_error *err)
{
    const char *out = run->options->out;
    for (size_t i = run->n_models; i-- > 0;) {
        const ink__pretrained *p = &run->models[i];
        char *dir = NULL;
        ink_status st = INK_OK;
        if (p->folder)
            INK_TRY(ink__path_join(&dir, out, p->folder, err));
        if (dir && mkdir(dir, 0777) != 0 && errno != EEXIST)
            st = ink__fail_errno(err, dir, "cannot be made");
        if (st == INK_OK)
            st = export_one(run, p, dir ? dir : out, err);
        free(dir);
        INK_TRY(st);
    }
    return INK_OK;
}

void ink__pretrain_free_models(ink__pretraining *run)
{
    for (size_t i = INK__NETWORKS; i-- > 0;) {
        ink__pretrained *p = &run->models[i];
        ink__store_free(&p->store);
        ink__config_free(&p->config);
        ink__json_close(&p->config_json);
        ink__text_free(&p->config_text);
        ink_model_free(p->base);
        free(p->dir);
    }
}
