/* Sessions: what they refuse, that texts and ids agree, and that steady work allocates nothing. */
#include "support/random_model.h"

#include <criterion/criterion.h>
#include <inkling.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Every allocation that the library's own objects ask for passes here (see tests/CMakeLists.txt). */
static size_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
    ++allocations;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    ++allocations;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    ++allocations;
    return __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    ++allocations;
    return __real_aligned_alloc(align, size);
}

static const struct random_model shape = {"bert", 32, 2, 4, 48, 40, 3, 3};

enum { H = 32, C = 3, MAX_TOKENS = 64 };

struct fixture {
    char dir[256];
    ink_model *model;
    ink_session *session;
    ink_error err;
};

static void open_fixture(struct fixture *f, ink_backend backend)
{
    memset(f, 0, sizeof *f);
    scratch_dir(f->dir);
    random_model_write(f->dir, &shape);
    const ink_model_options options = {.version = 1, .backend = backend, .precision = INK_PRECISION_F32};
    cr_assert(ink_model_open(&f->model, f->dir, &options, &f->err) == INK_OK, "%s", f->err.text);
    const ink_session_options plan = {1, 1, MAX_TOKENS};
    cr_assert(ink_session_create(&f->session, f->model, &plan, &f->err) == INK_OK, "%s", f->err.text);
}

static void close_fixture(struct fixture *f)
{
    ink_session_free(f->session);
    ink_model_free(f->model);
    scratch_remove(f->dir);
}

#define TEXT(string) string, sizeof(string) - 1

static const ink_text texts[] = {
    {TEXT("the movie was very good"), NULL, 0},
    {TEXT(""), NULL, 0},
    {TEXT("bad service"), TEXT("never again")},
    {TEXT("you not it and the not the movie you not it and the not the movie you not it and the not the "
          "movie a b "
          "c d e f g h i j k l m n o p"),
     NULL, 0},
};

enum { TEXTS = sizeof texts / sizeof *texts };

Test(session, texts_score_as_their_ids_do)
{
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    float scores[TEXTS * C], one[C];
    ink_text_use uses[TEXTS];
    cr_assert(ink_classify_texts(scores, TEXTS * C, uses, f.session, texts, TEXTS, NULL, &f.err) == INK_OK,
              "%s", f.err.text);
    for (size_t i = 0; i < TEXTS; ++i) {
        ink_encoding e = {0};
        const ink_encode_options options = {.version = 1, .max_length = 40};
        cr_assert(ink_tokenizer_encode(&e, ink_model_tokenizer(f.model), texts[i].text, texts[i].len,
                                       texts[i].pair, texts[i].pair_len, &options, &f.err) == INK_OK);
        const size_t offsets[] = {0, e.length};
        const ink_batch batch = {e.ids, e.types, offsets, 1};
        cr_assert(ink_classify(one, C, f.session, &batch, &f.err) == INK_OK, "%s", f.err.text);
        cr_expect(memcmp(one, scores + i * C, sizeof one) == 0, "text %zu", i);
        cr_expect(uses[i].used == e.length && uses[i].tokens == e.total, "text %zu", i);
        cr_expect(fabsf(one[0] + one[1] + one[2] - 1) < 1e-6f);
        ink_encoding_free(&e);
    }
    cr_expect(uses[1].used == 2, "an empty text is its special tokens");
    cr_expect(uses[3].used == 40 && uses[3].tokens > 40, "the long one was cut at the model's positions");
    close_fixture(&f);
}

Test(session, the_same_call_twice_allocates_nothing)
{
    static const ink_backend backends[] = {INK_BACKEND_REF, INK_BACKEND_DNNL, INK_BACKEND_FUSED};
    for (size_t b = 0; b < 3; ++b) {
        struct fixture f;
        open_fixture(&f, backends[b]);
        float scores[TEXTS * C], vectors[TEXTS * H];
        for (int round = 0; round < 2; ++round) {
            const size_t before = allocations;
            cr_assert(ink_classify_texts(scores, TEXTS * C, NULL, f.session, texts, TEXTS, NULL, &f.err) ==
                      INK_OK);
            cr_assert(ink_embed_texts(vectors, TEXTS * H, NULL, f.session, texts, TEXTS, NULL, &f.err) ==
                      INK_OK);
            cr_expect(round == 0 || allocations == before, "%zu allocations on backend %zu",
                      allocations - before, b);
        }
        close_fixture(&f);
    }
    cr_expect(allocations > 0, "the counter is connected");
}

static void expect(struct fixture *f, ink_status got, ink_status wanted, const char *says)
{
    cr_expect(got == wanted, "%s instead of %s: %s", ink_status_name(got), ink_status_name(wanted),
              f->err.text);
    cr_expect(strstr(f->err.text, says) != NULL, "\"%s\" does not say \"%s\"", f->err.text, says);
}

Test(session, batches_that_do_not_fit_are_refused_with_their_place)
{
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    float hidden[MAX_TOKENS * H];
    int32_t ids[128] = {0}, types[128] = {0};
    size_t offsets[] = {0, 10, 30};
    const size_t room = MAX_TOKENS * H;
    const ink_batch good = {ids, types, offsets, 2};
    ink_batch batch = good;
    cr_expect(ink_encode(hidden, room, f.session, &good, &f.err) == INK_OK, "%s", f.err.text);

    batch.B = 0;
    expect(&f, ink_encode(hidden, room, f.session, &batch, &f.err), INK_E_ARG, "no sequences");
    expect(&f, ink_encode(hidden, room, f.session, NULL, &f.err), INK_E_ARG, "no sequences");
    expect(&f, ink_encode(hidden, 29 * H, f.session, &good, &f.err), INK_E_SHAPE,
           "the hidden states are 960");
    expect(&f, ink_classify(hidden, 5, f.session, &good, &f.err), INK_E_SHAPE,
           "2 sequences with 3 labels need 6");
    expect(&f, ink_embed(hidden, 63, f.session, &good, INK_POOLING_MEAN, false, &f.err), INK_E_SHAPE,
           "need 64");
    expect(&f, ink_embed(hidden, 64, f.session, &good, (ink_pooling)9, false, &f.err), INK_E_ARG,
           "no pooling 9");
    ids[12] = 239;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG, "id 239 in sequence 1, row 12");
    ids[12] = -1;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG, "id -1 in sequence 1, row 12");
    ids[12] = 0, types[3] = 2;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG,
           "token type 2 in sequence 0, row 3");
    types[3] = 0, offsets[1] = 30;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG,
           "sequence 1 runs from row 30 to 30");
    offsets[1] = 10, offsets[0] = 1;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG, "first offset is 1");
    offsets[0] = 0, offsets[2] = 51;
    expect(&f, ink_encode(hidden, room, f.session, &good, &f.err), INK_E_ARG, "wanted 1 to 40 tokens");
    const size_t three[] = {0, 30, 60, 90};
    batch = (ink_batch){ids, NULL, three, 3};
    expect(&f, ink_encode(hidden, room, f.session, &batch, &f.err), INK_E_SHAPE, "session planned for 64");
    expect(&f, ink_encode(hidden, room, NULL, &good, &f.err), INK_E_ARG, "session is NULL");
    expect(&f, ink_encode(NULL, room, f.session, &good, &f.err), INK_E_ARG, "output is NULL");
    expect(&f, ink_classify(NULL, room, f.session, &good, &f.err), INK_E_ARG, "output is NULL");
    expect(&f, ink_embed_texts(NULL, 0, NULL, f.session, texts, 1, NULL, &f.err), INK_E_ARG,
           "output is NULL");
    expect(&f, ink_embed_texts(hidden, room, NULL, f.session, NULL, 1, NULL, &f.err), INK_E_ARG,
           "texts is NULL");
    /* And it stays usable. */
    offsets[2] = 30;
    cr_expect(ink_encode(hidden, room, f.session, &good, &f.err) == INK_OK, "%s", f.err.text);
    close_fixture(&f);
}

Test(session, options_that_make_no_sense_are_refused)
{
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    ink_session *s;
    float scores[C];
    ink_session_options plan = {7, 1, 16};
    expect(&f, ink_session_create(&s, f.model, &plan, &f.err), INK_E_ARG, "version 7");
    plan = (ink_session_options){1, 5000, 16};
    expect(&f, ink_session_create(&s, f.model, &plan, &f.err), INK_E_ARG, "5000 threads");
    plan = (ink_session_options){1, 1, SIZE_MAX};
    expect(&f, ink_session_create(&s, f.model, &plan, &f.err), INK_E_SHAPE, "tokens");
    cr_expect(s == NULL);
    expect(&f, ink_session_create(&s, NULL, NULL, &f.err), INK_E_ARG, "NULL");
    ink_text_options options = {2, 0, false, INK_POOLING_AUTO, false, {0, 0, 0}};
    expect(&f, ink_classify_texts(scores, C, NULL, f.session, texts, 1, &options, &f.err), INK_E_ARG,
           "version 2");
    options = (ink_text_options){1, 41, false, INK_POOLING_AUTO, false, {0, 0, 0}};
    expect(&f, ink_classify_texts(scores, C, NULL, f.session, texts, 1, &options, &f.err), INK_E_ARG,
           "40 positions");
    options.max_length = 1;
    expect(&f, ink_classify_texts(scores, C, NULL, f.session, texts, 1, &options, &f.err), INK_E_ARG, "");
    expect(&f, ink_classify_texts(scores, 2, NULL, f.session, texts, 1, NULL, &f.err), INK_E_SHAPE,
           "room for 2");
    close_fixture(&f);
}

/* The long text's results as windows of 16 tokens that share 3, and computed by hand from their logits. */
Test(session, windows_are_pooled_by_tokens_by_mean_or_by_the_largest)
{
    enum { LENGTH = 16, ROOM = LENGTH - 2, STRIDE = 3, STEP = ROOM - STRIDE };
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    ink_encoding e = {0};
    cr_assert(ink_tokenizer_encode(&e, ink_model_tokenizer(f.model), texts[3].text, texts[3].len, NULL, 0,
                                   NULL, &f.err) == INK_OK);
    double sums[3][C] = {{0}}, weights[3] = {0, 1, 0};
    size_t windows = 0, computed = 0;
    for (size_t begin = 1, n = 0; begin + n < e.length - 1 || windows == 0; ++windows) {
        begin += windows ? STEP : 0;
        n = e.length - 1 - begin < ROOM ? e.length - 1 - begin : ROOM;
        int32_t ids[LENGTH] = {e.ids[0]};
        float logits[C];
        memcpy(ids + 1, e.ids + begin, n * sizeof *ids);
        ids[n + 1] = e.ids[e.length - 1];
        const size_t offsets[] = {0, n + 2};
        const ink_batch batch = {ids, NULL, offsets, 1};
        cr_assert(ink_logits(logits, C, f.session, &batch, &f.err) == INK_OK, "%s", f.err.text);
        for (size_t c = 0; c < C; ++c) {
            sums[0][c] += logits[c];
            sums[1][c] = windows == 0 || logits[c] > sums[1][c] ? logits[c] : sums[1][c];
            sums[2][c] += (double)(n + 2) * logits[c];
        }
        weights[0] += 1, weights[2] += (double)(n + 2), computed += n + 2;
    }
    cr_assert(windows > 2);
    for (int choice = 0; choice < 4; ++choice) {
        const int pooling = choice > 0 ? choice - 1 : 0; /* auto is mean */
        const ink_text_options options = {.version = 1,
                                          .max_length = LENGTH,
                                          .long_texts = {INK_LONG_CHUNK, STRIDE, (ink_long_pooling)choice}};
        float got[C], wanted[C], sum = 0;
        ink_text_use use;
        cr_assert(ink_classify_texts(got, C, &use, f.session, texts + 3, 1, &options, &f.err) == INK_OK, "%s",
                  f.err.text);
        for (size_t c = 0; c < C; ++c)
            sum += wanted[c] = expf((float)(sums[pooling][c] / weights[pooling]));
        for (size_t c = 0; c < C; ++c)
            cr_expect(fabsf(got[c] - wanted[c] / sum) < 1e-6f, "pooling %d: %g, wanted %g", pooling, got[c],
                      wanted[c] / sum);
        cr_expect(use.tokens == e.total && use.used == e.total && use.windows == windows &&
                  use.computed == computed);
    }
    ink_encoding_free(&e);
    close_fixture(&f);
}

Test(session, windows_have_the_same_bits_alone_and_together_and_a_short_text_those_it_always_has)
{
    const ink_text single[] = {texts[0], texts[3], texts[1], texts[3], texts[0]};
    enum { N = sizeof single / sizeof *single };
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    const ink_text_options plain = {.version = 1, .max_length = 16, .normalize = true};
    ink_text_options chunk = plain;
    chunk.long_texts = (ink_long_texts){INK_LONG_CHUNK, 5, INK_LONG_POOLING_WEIGHTED};
    float scores[N * C], one[C], cut[C], vectors[N * H], vector[H];
    cr_assert(ink_classify_texts(scores, N * C, NULL, f.session, single, N, &chunk, &f.err) == INK_OK, "%s",
              f.err.text);
    cr_assert(ink_embed_texts(vectors, N * H, NULL, f.session, single, N, &chunk, &f.err) == INK_OK);
    for (size_t i = 0; i < N; ++i) {
        cr_assert(ink_classify_texts(one, C, NULL, f.session, single + i, 1, &chunk, &f.err) == INK_OK);
        cr_assert(ink_classify_texts(cut, C, NULL, f.session, single + i, 1, &plain, &f.err) == INK_OK);
        cr_expect(memcmp(one, scores + i * C, sizeof one) == 0, "text %zu", i);
        cr_expect((memcmp(one, cut, sizeof one) == 0) == (single[i].len < 30), "text %zu", i);
        cr_assert(ink_embed_texts(vector, H, NULL, f.session, single + i, 1, &chunk, &f.err) == INK_OK);
        cr_expect(memcmp(vector, vectors + i * H, sizeof vector) == 0, "text %zu", i);
        double length = 0;
        for (size_t h = 0; h < H; ++h)
            length += (double)vector[h] * vector[h];
        cr_expect(fabs(length - 1) < 1e-5, "a vector of length %g", length);
    }
    chunk.long_texts.stride = 14;
    expect(&f, ink_classify_texts(one, C, NULL, f.session, single, 1, &chunk, &f.err), INK_E_ARG,
           "stride of 14");
    chunk.long_texts.stride = 5;
    expect(&f, ink_classify_texts(one, C, NULL, f.session, texts + 2, 1, &chunk, &f.err), INK_E_ARG,
           "pairs of texts");
    chunk.long_texts.how = INK_LONG_HEAD_TAIL;
    expect(&f, ink_classify_texts(one, C, NULL, f.session, single, 1, &chunk, &f.err), INK_E_ARG,
           "not chunked");
    chunk.long_texts.how = (ink_long)3;
    expect(&f, ink_classify_texts(one, C, NULL, f.session, single, 1, &chunk, &f.err), INK_E_ARG, "no way 3");
    close_fixture(&f);
}

struct side {
    const struct fixture *f;
    float scores[TEXTS * C];
    ink_status status;
};

static void *classify_beside(void *arg)
{
    struct side *side = arg;
    ink_session *session;
    const ink_session_options plan = {1, 1, MAX_TOKENS};
    side->status = ink_session_create(&session, side->f->model, &plan, NULL);
    for (int i = 0; i < 20 && side->status == INK_OK; ++i)
        side->status = ink_classify_texts(side->scores, TEXTS * C, NULL, session, texts, TEXTS, NULL, NULL);
    ink_session_free(session);
    return NULL;
}

Test(session, sessions_of_one_model_work_side_by_side)
{
    struct fixture f;
    open_fixture(&f, INK_BACKEND_FUSED);
    float scores[TEXTS * C];
    pthread_t threads[3];
    struct side sides[3];
    for (size_t i = 0; i < 3; ++i) {
        sides[i].f = &f;
        cr_assert(pthread_create(&threads[i], NULL, classify_beside, &sides[i]) == 0);
    }
    cr_assert(ink_classify_texts(scores, TEXTS * C, NULL, f.session, texts, TEXTS, NULL, &f.err) == INK_OK);
    for (size_t i = 0; i < 3; ++i) {
        pthread_join(threads[i], NULL);
        cr_expect(sides[i].status == INK_OK);
        cr_expect(memcmp(scores, sides[i].scores, sizeof scores) == 0);
    }
    close_fixture(&f);
}
