/* One machine, one backend: a sequence's result has the same bits alone, in any batch, at any place in it,
 * and with any number of threads. */
#include "support/golden.h"
#include "support/random_model.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OTHERS = 63, LONGEST = 512 };

struct mix {
    int32_t *ids;
    size_t offsets[OTHERS + 2];
};

/* The subject of `length` tokens at place `at` among the others, whose lengths vary. */
static ink_batch mixed(struct mix *mix, const int32_t *subject, size_t length, size_t at, size_t others,
                       unsigned seed)
{
    size_t R = 0;
    mix->offsets[0] = 0;
    for (size_t b = 0; b <= others; ++b) {
        const size_t S = b == at ? length : 1 + random_next(&seed) % 40;
        for (size_t i = 0; i < S; ++i)
            mix->ids[R + i] = b == at ? subject[i] : (int32_t)(random_next(&seed) % RANDOM_MODEL_V);
        R += S;
        mix->offsets[b + 1] = R;
    }
    return (ink_batch){mix->ids, NULL, mix->offsets, others + 1};
}

static void encode_subject(float *out, ink_session *s, const ink_batch *batch, size_t at, size_t length,
                           size_t H)
{
    const size_t R = batch->offsets[batch->B];
    float *hidden = malloc(R * H * sizeof *hidden);
    ink_error err;
    cr_assert(ink_encode(hidden, R * H, s, batch, &err) == INK_OK, "%s", err.text);
    memcpy(out, hidden + batch->offsets[at] * H, length * H * sizeof *out);
    free(hidden);
}

static void check_length(ink_session *const sessions[2], size_t H, size_t length, const char *label)
{
    struct mix mix = {.ids = malloc((LONGEST + OTHERS * 40) * sizeof *mix.ids)};
    int32_t subject[LONGEST];
    unsigned seed = 17 + (unsigned)length;
    for (size_t i = 0; i < length; ++i)
        subject[i] = (int32_t)(random_next(&seed) % RANDOM_MODEL_V);
    float *alone = malloc(length * H * sizeof *alone), *other = malloc(length * H * sizeof *other);
    const ink_batch one = mixed(&mix, subject, length, 0, 0, 1);
    encode_subject(alone, sessions[0], &one, 0, length, H);
    static const size_t places[] = {0, OTHERS / 2, OTHERS};
    for (size_t t = 0; t < 2; ++t) {
        const ink_batch again = mixed(&mix, subject, length, 0, 0, 1);
        encode_subject(other, sessions[t], &again, 0, length, H);
        cr_expect(memcmp(alone, other, length * H * sizeof *alone) == 0, "%s: %zu rows alone, %zu threads",
                  label, length, t + 1);
        for (size_t p = 0; p < 3; ++p) {
            const ink_batch many = mixed(&mix, subject, length, places[p], OTHERS, 99 + (unsigned)p);
            encode_subject(other, sessions[t], &many, places[p], length, H);
            cr_expect(memcmp(alone, other, length * H * sizeof *alone) == 0,
                      "%s: %zu rows at place %zu of %d, %zu threads", label, length, places[p], OTHERS + 1,
                      t + 1);
        }
    }
    free(alone), free(other), free(mix.ids);
}

static void check(const struct random_model *shape, ink_backend backend, const size_t *lengths, size_t n)
{
    char dir[256], label[64];
    ink_error err;
    ink_model *model;
    ink_session *sessions[2];
    scratch_dir(dir);
    random_model_write(dir, shape);
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    options.backend = backend;
    cr_assert(ink_model_open(&model, dir, &options, &err) == INK_OK, "%s", err.text);
    for (size_t t = 0; t < 2; ++t) {
        ink_session_options plan = INK_SESSION_OPTIONS_INIT;
        plan.threads = t + 1, plan.max_tokens = LONGEST + OTHERS * 40;
        cr_assert(ink_session_create(&sessions[t], model, &plan, &err) == INK_OK, "%s", err.text);
    }
    snprintf(label, sizeof label, "%s H %zu backend %d", shape->model_type, shape->H, (int)backend);
    for (size_t i = 0; i < n; ++i)
        check_length(sessions, shape->H, lengths[i], label);
    ink_session_free(sessions[0]), ink_session_free(sessions[1]);
    ink_model_free(model);
    scratch_remove(dir);
}

static const size_t all_lengths[] = {1, 15, 16, 33, 100, 129, 512};
static const size_t few_lengths[] = {1, 40, 512};

static const struct random_model mini = {"bert", 384, 1, 12, 1536, LONGEST, 2, 5};
static const struct random_model odd = {"distilbert", 36, 3, 3, 50, LONGEST, 4, 6};

Test(bits, of_a_minilm_shape_do_not_depend_on_the_batch_on_fused)
{
    check(&mini, INK_BACKEND_FUSED, all_lengths, 7);
}

Test(bits, of_a_minilm_shape_do_not_depend_on_the_batch_on_dnnl)
{
    check(&mini, INK_BACKEND_DNNL, few_lengths, 3);
}

Test(bits, of_an_odd_shape_do_not_depend_on_the_batch_on_any_backend)
{
    check(&odd, INK_BACKEND_FUSED, all_lengths, 7);
    check(&odd, INK_BACKEND_DNNL, all_lengths, 7);
    check(&odd, INK_BACKEND_REF, few_lengths, 2);
}
