/* Saved classifiers: they open again, keep what is not the classifier's, and are there whole or not at all.
 */
#include "train/export.h"
#include "io/scratch.h"

#include <inkling/model.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(export, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__text config;
static ink__tensors *from;
static ink__tensor tensors[512];

/* A golden model as a classifier of other labels, the head cut or filled up to as many rows. */
static ink__export export_of(const char *golden, const char *dir, size_t C, ink__dtype dtype)
{
    static char golden_dir[256];
    static const char *const labels[] = {"a", "b", "c", "d", "e"};
    static float zeros[5 * 64];
    ink__text base = {0};
    ink__json json;
    ink__config c;
    snprintf(golden_dir, sizeof golden_dir, INK_TEST_DATA "/golden/%s", golden);
    assert_ok(ink__config_text_load(&base, golden_dir, &err), err);
    assert_ok(ink__json_parse(&json, base.data, base.len, golden, &err), err);
    assert_ok(ink__config_read(&c, &json, &err), err);
    const ink__classifier classifier = {
        .arch = c.arch, .task = INK__TASK_SINGLE, .labels = labels, .C = C, .dtype = dtype};
    assert_ok(ink__config_text_classifier(&config, &base, golden, &classifier, &err), err);
    assert_ok(ink__tensors_open_dir(&from, golden_dir, &err), err);
    for (size_t i = 0; i < ink__tensors_count(from); ++i) {
        tensors[i] = *ink__tensors_at(from, i);
        cr_assert(tensors[i].dtype == INK__F32, "%s", tensors[i].name);
        if (tensors[i].shape[0] == c.C && strncmp(tensors[i].name, "classifier.", 11) == 0) {
            tensors[i].bytes = tensors[i].bytes / c.C * C;
            tensors[i].shape[0] = C, tensors[i].data = zeros;
            cr_assert(tensors[i].bytes <= sizeof zeros);
        }
    }
    ink__config_free(&c);
    ink__json_close(&json);
    ink__text_free(&base);
    return (ink__export){dir, golden_dir, &config, tensors, ink__tensors_count(from), dtype};
}

static void expect_same_file(const char *dir, const char *golden_dir, const char *name)
{
    char a[512], b[512];
    size_t a_len, b_len;
    snprintf(a, sizeof a, "%s/%s", dir, name);
    snprintf(b, sizeof b, "%s/%s", golden_dir, name);
    char *x = read_back(&a_len, a), *y = read_back(&b_len, b);
    cr_expect(a_len == b_len && memcmp(x, y, a_len) == 0, "%s", a);
    free(x);
    free(y);
}

Test(export, a_classifier_of_every_family_opens_again)
{
    static const char *const goldens[] = {
        "bert-tiny-cls", "distilbert-tiny-cls", "roberta-cls", "xlm-roberta-cls",   "camembert-cls",
        "albert-shared", "modernbert-cls",      "mpnet-cls",   "electra-projected",
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; ++i) {
        ink_model *model;
        char name[64];
        snprintf(name, sizeof name, "%s-out/", goldens[i]);
        const char *dir = scratch_path(name);
        const ink__export what = export_of(goldens[i], dir, 4, INK__F32);
        assert_ok(ink__export_write(&what, &err), err);
        assert_ok(ink_model_open(&model, dir, NULL, &err), err);
        cr_expect(ink_model_labels(model) == 4 && strcmp(ink_model_label(model, 3), "d") == 0, "%s",
                  goldens[i]);
        expect_same_file(dir, what.tokenizer_dir, "vocab.txt");
        expect_same_file(dir, what.tokenizer_dir, "tokenizer_config.json");
        cr_expect(entries_in(dir) == 5, "%s: %d files", goldens[i], entries_in(dir));
        ink_model_free(model);
        ink__tensors_free(from);
    }
    cr_expect(entries_in(scratch) == sizeof goldens / sizeof *goldens, "a temporary stays behind");
}

Test(export, weights_are_rounded_to_the_dtype_asked_for)
{
    static const ink__dtype dtypes[] = {INK__F16, INK__BF16};
    static const char *const words[] = {"float16", "bfloat16"};
    for (size_t i = 0; i < 2; ++i) {
        ink_model *model;
        ink_model_info info;
        size_t len;
        const char *dir = scratch_path(words[i]);
        const ink__export what = export_of("bert-tiny-cls", dir, 2, dtypes[i]);
        assert_ok(ink__export_write(&what, &err), err);
        assert_ok(ink_model_open(&model, dir, NULL, &err), err);
        ink_model_get_info(&info, model);
        cr_expect(strcmp(info.dtype, ink__dtype_name(dtypes[i])) == 0, "%s", info.dtype);
        ink_model_free(model);
        char path[512];
        snprintf(path, sizeof path, "%s/config.json", dir);
        char *text = read_back(&len, path);
        cr_expect(strstr(text, words[i]), "%s", text);
        free(text);
        ink__tensors_free(from);
    }
}

Test(export, weights_that_cannot_be_saved_are_refused_before_anything_is_written)
{
    static const struct {
        float value;
        ink__dtype dtype;
        const char *wanted;
    } cases[] = {
        {NAN, INK__F32, "weight 1 of w is not finite"},
        {INFINITY, INK__BF16, "weight 1 of w is not finite"},
        {65520, INK__F16, "weight 1 of w is 65520, too large for F16"},
        {-3.4e38f, INK__BF16, "weight 1 of w is -3.4e+38, too large for BF16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const float data[2] = {65519, cases[i].value};
        const ink__tensor w = {"w", INK__F32, 1, {2}, data, sizeof data, NULL};
        const ink__export what = {scratch_path("out"), scratch, &config, &w, 1, cases[i].dtype};
        expect_failure(ink__export_write(&what, &err), err, INK_E_NUMERIC, cases[i].wanted);
    }
    cr_expect(entries_in(scratch) == 0);
}

Test(export, an_existing_folder_keeps_what_else_is_in_it)
{
    const char *dir = scratch_path("out");
    cr_assert(mkdir(dir, 0777) == 0);
    scratch_text("out/log.jsonl", "{}\n");
    for (int again = 0; again < 2; ++again) {
        const ink__export what = export_of("bert-tiny-cls", dir, 3, INK__F32);
        assert_ok(ink__export_write(&what, &err), err);
        cr_expect(entries_in(dir) == 6 && holds(scratch_path("out/log.jsonl"), "{}\n"));
        ink__tensors_free(from);
    }
}

Test(export, a_disk_that_is_full_leaves_nothing)
{
    const ink__export what = export_of("bert-tiny-cls", scratch_path("out"), 3, INK__F32);
    const struct rlimit limit = {20000, 20000};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect_failure(ink__export_write(&what, &err), err, INK_E_IO, "cannot be written: File too large");
    cr_expect(entries_in(scratch) == 0, "%d files stay behind", entries_in(scratch));
    ink__tensors_free(from);
}

Test(export, places_that_cannot_be_written_are_named)
{
    const char *file = scratch_text("file", "x");
    ink__export what = {file, scratch, &config, NULL, 0, INK__F32};
    expect_failure(ink__export_write(&what, &err), err, INK_E_IO, "file: is a file, wanted a folder");
    what.dir = scratch_path("none/out");
    expect_failure(ink__export_write(&what, &err), err, INK_E_IO, "none/out: cannot be written: the folder ");
    what.dir = "";
    expect_failure(ink__export_write(&what, &err), err, INK_E_IO, "cannot be written");
    cr_expect(entries_in(scratch) == 1);
}

Test(export, dtypes_have_names)
{
    ink__dtype dtype;
    assert_ok(ink__save_dtype_find(&dtype, "bf16", &err), err);
    cr_expect(dtype == INK__BF16);
    expect_failure(ink__save_dtype_find(&dtype, "f64", &err), err, INK_E_ARG,
                   "\"f64\"; there are f32, f16, bf16");
}
