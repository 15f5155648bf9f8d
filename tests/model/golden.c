/* Every model of tests/golden against what Hugging Face's own classes computed, on every backend. */
#include "support/golden.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ink_backend backends[] = {INK_BACKEND_REF, INK_BACKEND_DNNL, INK_BACKEND_FUSED};
static const char *const backend_names[] = {"ref", "dnnl", "fused"};

/* PyTorch's own float32 is about 2e-6 from the truth on these models; the contract is 1e-5. */
static const double tolerance = 1e-5;

static void check_hidden(const struct golden *g, ink_session *s, size_t H, const char *label)
{
    float *hidden = calloc(g->R * H, sizeof *hidden);
    ink_error err;
    cr_assert(ink_encode(hidden, g->R * H, s, &g->batch, &err) == INK_OK, "%s: %s", label, err.text);
    const float *expected = golden_floats(g, "hidden", g->n_rows * H);
    cr_assert(expected);
    double worst = 0;
    for (size_t i = 0; i < g->n_rows; ++i) {
        const double d = max_difference(hidden + (size_t)g->rows[i] * H, expected + i * H, H);
        worst = d > worst ? d : worst;
    }
    cr_expect(worst < tolerance, "%s: hidden states differ by %g", label, worst);
    free(hidden);
}

/* Every sequence alone has the bits it has among all the others, on every architecture. */
static void check_alone(const struct golden *g, ink_session *s, size_t H, const char *label)
{
    float *all = calloc(g->R * H, sizeof *all), *alone = calloc(g->R * H, sizeof *alone);
    ink_error err;
    cr_assert(ink_encode(all, g->R * H, s, &g->batch, &err) == INK_OK, "%s: %s", label, err.text);
    for (size_t b = 0; b < g->B; ++b) {
        size_t offsets[2];
        const ink_batch one = golden_one(g, b, offsets);
        cr_assert(ink_encode(alone, g->R * H, s, &one, &err) == INK_OK, "%s: %s", label, err.text);
        cr_expect(memcmp(alone, all + g->offsets[b] * H, offsets[1] * H * sizeof *all) == 0,
                  "%s: sequence %zu", label, b);
    }
    free(all), free(alone);
}

static void check_head(const struct golden *g, ink_session *s, size_t C, const char *label)
{
    float *out = calloc(g->B * C, sizeof *out);
    ink_error err;
    const float *logits = golden_floats(g, "logits", g->B * C), *probs = golden_floats(g, "probs", g->B * C);
    cr_assert(logits && probs, "%s", label);
    cr_assert(ink_logits(out, g->B * C, s, &g->batch, &err) == INK_OK, "%s: %s", label, err.text);
    cr_expect(max_difference(out, logits, g->B * C) < tolerance, "%s: logits differ by %g", label,
              max_difference(out, logits, g->B * C));
    cr_assert(ink_classify(out, g->B * C, s, &g->batch, &err) == INK_OK, "%s: %s", label, err.text);
    cr_expect(max_difference(out, probs, g->B * C) < tolerance, "%s: scores differ by %g", label,
              max_difference(out, probs, g->B * C));
    free(out);
}

static void check_pooling(const struct golden *g, ink_session *s, size_t H, bool normalize, const char *label)
{
    static const struct {
        const char *name;
        ink_pooling pooling;
    } modes[] = {{"mean", INK_POOLING_MEAN}, {"max", INK_POOLING_MAX}};
    float *out = calloc(g->B * H, sizeof *out);
    ink_error err;
    for (size_t i = 0; i < 2; ++i) {
        const float *expected = golden_floats(g, modes[i].name, g->B * H);
        cr_assert(expected);
        cr_assert(ink_embed(out, g->B * H, s, &g->batch, modes[i].pooling, false, &err) == INK_OK, "%s",
                  err.text);
        cr_expect(max_difference(out, expected, g->B * H) < tolerance, "%s: %s pooling differs by %g", label,
                  modes[i].name, max_difference(out, expected, g->B * H));
    }
    /* Where the directory says how to pool and normalise, its own way. */
    const float *embedding = golden_floats(g, "embedding", g->B * H);
    if (embedding) {
        cr_assert(ink_embed(out, g->B * H, s, &g->batch, INK_POOLING_AUTO, normalize, &err) == INK_OK, "%s",
                  err.text);
        cr_expect(max_difference(out, embedding, g->B * H) < tolerance, "%s: embedding differs by %g", label,
                  max_difference(out, embedding, g->B * H));
    }
    free(out);
}

static void check_model(const char *name, size_t backend)
{
    struct golden g;
    ink_error err;
    ink_model *model;
    ink_session *session;
    char label[128];
    snprintf(label, sizeof label, "%s on %s", name, backend_names[backend]);
    golden_open(&g, name);
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    options.backend = backends[backend];
    cr_assert(ink_model_open(&model, g.dir, &options, &err) == INK_OK, "%s: %s", label, err.text);
    ink_session_options plan = INK_SESSION_OPTIONS_INIT;
    plan.threads = 1, plan.max_tokens = g.R;
    cr_assert(ink_session_create(&session, model, &plan, &err) == INK_OK, "%s: %s", label, err.text);
    ink_model_info info;
    ink_model_get_info(&info, model);
    check_hidden(&g, session, info.hidden, label);
    check_alone(&g, session, info.hidden, label);
    check_pooling(&g, session, info.hidden, info.normalize, label);
    cr_expect((info.labels > 0) ==
                  (golden_floats(&g, "logits", g.B * (info.labels ? info.labels : 1)) != NULL),
              "%s: head", label);
    if (info.labels)
        check_head(&g, session, info.labels, label);
    ink_session_free(session);
    ink_model_free(model);
    golden_close(&g);
}

static void check_backend(size_t backend)
{
    static char names[GOLDEN_NAMES_MAX][64];
    const size_t n = golden_names(names);
    cr_assert(n >= 10);
    for (size_t i = 0; i < n; ++i)
        check_model(names[i], backend);
}

Test(golden, ref_equals_hugging_face)
{
    check_backend(0);
}

Test(golden, dnnl_equals_hugging_face)
{
    check_backend(1);
}

Test(golden, fused_equals_hugging_face)
{
    check_backend(2);
}
