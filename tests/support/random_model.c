/* Random models: see random_model.h. The tensors come from the architecture's own table, so a new
 * architecture needs nothing here. */
#include "support/random_model.h"
#include "io/safetensors.h"
#include "model/params.h"

#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TENSORS_MAX = 512 };

unsigned random_next(unsigned *state)
{
    *state ^= *state << 13, *state ^= *state >> 17, *state ^= *state << 5;
    return *state;
}

float random_normal(unsigned *state)
{
    float sum = 0;
    for (int i = 0; i < 4; ++i)
        sum += (float)(random_next(state) >> 8) / 0x1p24f - 0.5f;
    return sum * 1.73f;
}

void scratch_dir(char dir[256])
{
    snprintf(dir, 256, "/tmp/inkling-test-XXXXXX");
    cr_assert(mkdtemp(dir), "no temporary directory");
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    return remove(path);
}

void scratch_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void scratch_write(const char *dir, const char *name, const char *text, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(text, 1, len, f) == len && fclose(f) == 0, "%s", path);
}

static void copy_golden(const char *dir, const char *file)
{
    char path[512], bytes[1 << 16];
    snprintf(path, sizeof path, "%s/golden/bert-bare/%s", INK_TEST_DATA, file);
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    const size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    scratch_write(dir, file, bytes, len);
}

static void write_config(const char *dir, const struct random_model *m)
{
    char text[4096];
    int n = snprintf(text, sizeof text,
                     "{\"model_type\":\"%s\",\"vocab_size\":%d,\"max_position_embeddings\":%zu",
                     m->model_type, RANDOM_MODEL_V, m->P);
    const char *keys = strcmp(m->model_type, "distilbert") == 0
                           ? ",\"dim\":%zu,\"n_layers\":%zu,\"n_heads\":%zu,\"hidden_dim\":%zu"
                           : ",\"hidden_size\":%zu,\"num_hidden_layers\":%zu,\"num_attention_heads\":%zu,"
                             "\"intermediate_size\":%zu";
    n += snprintf(text + n, sizeof text - (size_t)n, keys, m->H, m->L, m->N, m->F);
    n += snprintf(text + n, sizeof text - (size_t)n, ",\"id2label\":{");
    for (size_t c = 0; c < m->C; ++c)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s\"%zu\":\"label %zu\"", c ? "," : "", c, c);
    n += snprintf(text + n, sizeof text - (size_t)n, "}}");
    scratch_write(dir, "config.json", text, (size_t)n);
}

/* Norms start near one, matrices are scaled by their width so that activations stay of order one. */
static void fill(float *x, size_t n, const ink__param_spec *spec, const ink__tensor *t, unsigned *state)
{
    const bool gamma =
        spec->slot == INK__EMBED_GAMMA || spec->slot == INK__ATTN_GAMMA || spec->slot == INK__FF_GAMMA;
    const float scale = t->rank == 2 ? 2.0f / (float)(t->shape[1] < 16    ? 4
                                                      : t->shape[1] < 512 ? 12
                                                                          : 24)
                                     : 0.3f;
    for (size_t i = 0; i < n; ++i)
        x[i] = random_normal(state) * scale + (gamma ? 1.0f : 0.0f);
}

void random_model_write(const char *dir, const struct random_model *m)
{
    static ink__tensor tensors[TENSORS_MAX];
    static char names[TENSORS_MAX][128];
    char path[512];
    ink_error err;
    ink__json json;
    ink__config config;
    unsigned state = m->seed * 2654435761u + 1;
    size_t n = 0;
    write_config(dir, m);
    copy_golden(dir, "vocab.txt");
    copy_golden(dir, "tokenizer_config.json");
    snprintf(path, sizeof path, "%s/config.json", dir);
    cr_assert(ink__json_open(&json, path, &err) == INK_OK, "%s", err.text);
    cr_assert(ink__config_read(&config, &json, &err) == INK_OK, "%s", err.text);
    for (const ink__param_spec *spec = config.arch->params; spec->name; ++spec) {
        for (size_t l = 0; l < (strchr(spec->name, '{') ? config.L : 1); ++l) {
            ink__tensor *t = &tensors[n];
            cr_assert(n < TENSORS_MAX);
            const int used =
                snprintf(names[n], sizeof names[n], "%s", spec->need == INK__HEAD ? "" : config.arch->prefix);
            ink__param_name(names[n] + used, sizeof names[n] - (size_t)used, spec, l, &config);
            *t = (ink__tensor){.name = names[n], .dtype = INK__F32, .rank = strlen(spec->shape)};
            size_t count = 1;
            for (size_t i = 0; i < t->rank; ++i)
                count *= t->shape[i] = ink__param_size(&config, spec->shape[i]);
            float *x = malloc(count * sizeof *x);
            cr_assert(x);
            fill(x, count, spec, t, &state);
            t->data = x, t->bytes = count * sizeof *x, ++n;
        }
    }
    ink__config_free(&config);
    ink__json_close(&json);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    cr_assert(ink__tensors_write(path, tensors, n, &err) == INK_OK, "%s", err.text);
    for (size_t i = 0; i < n; ++i)
        free((void *)tensors[i].data);
}
