/* The tensors of a directory: one file, or shards that agree with their index. */
#include "io/safetensors.h"
#include "io/scratch.h"

TestSuite(shards, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__tensors *tensors;

/* A shard of one-byte tensors whose names are the letters. */
static void make_shard(const char *name, const char *letters)
{
    ink__tensor list[8];
    char names[8][2] = {0};
    const size_t n = strlen(letters);
    for (size_t i = 0; i < n; ++i) {
        names[i][0] = letters[i];
        list[i] = (ink__tensor){names[i], INK__I8, 1, {1}, &letters[i], 1, NULL};
    }
    assert_ok(ink__tensors_write(scratch_path(name), list, n, &err), err);
}

static ink_status open_with_index(const char *index)
{
    scratch_text("model.safetensors.index.json", index);
    return ink__tensors_open_dir(&tensors, scratch, &err);
}

Test(shards, tensors_of_all_shards_are_one_set)
{
    make_shard("s1", "db");
    make_shard("s2", "ca");
    assert_ok(open_with_index("{\"metadata\":{\"total_size\":4},"
                              "\"weight_map\":{\"a\":\"s2\",\"b\":\"s1\",\"c\":\"s2\",\"d\":\"s1\"}}"),
              err);
    cr_expect(ink__tensors_count(tensors) == 4);
    for (size_t i = 0; i < 4; ++i) {
        const ink__tensor *tensor = ink__tensors_at(tensors, i);
        cr_expect(tensor->name[0] == "abcd"[i] && *(const char *)tensor->data == "abcd"[i]);
    }
    ink__tensors_free(tensors);
}

Test(shards, the_shards_of_transformers_open)
{
    assert_ok(ink__tensors_open_dir(&tensors, INK_TEST_DATA "/golden/bert-sharded", &err), err);
    cr_expect(ink__tensors_find(tensors, "bert.embeddings.word_embeddings.weight") != NULL);
    ink__tensors_free(tensors);
}

Test(shards, a_single_file_comes_before_an_index)
{
    make_shard("model.safetensors", "x");
    assert_ok(open_with_index("nonsense"), err);
    cr_expect(ink__tensors_count(tensors) == 1);
    ink__tensors_free(tensors);
}

Test(shards, an_index_that_lies_is_refused)
{
    static const struct {
        const char *index, *wanted;
    } cases[] = {
        {"{}", "index.json: its \"weight_map\" is missing, wanted an object"},
        {"{\"weight_map\":[]}", "its \"weight_map\" is an array, wanted an object"},
        {"{\"weight_map\":{}}", "its \"weight_map\" names no tensor"},
        {"{\"weight_map\":{\"a\":1}}", "tensor \"a\" has a number for its file, wanted a name"},
        {"{\"weight_map\":{\"a\":\"../s1\"}}",
         "tensor \"a\" is said to be in \"../s1\", which is not a plain file name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\".\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"s1\\u0000\"}}", "not a plain file name"},
        {"{\"weight_map\":{\"a\":\"s1\",\"a\":\"s2\"}}", "duplicate object key"},
        {"{\"weight_map\":{\"a\":\"s1\",\"b\":\"s1\",\"c\":\"s1\"}}",
         "index.json: tensor \"c\" is not in s1, where the index puts it"},
        {"{\"weight_map\":{\"a\":\"s1\"}}", "shard s1 holds tensor \"b\", which is not in the index"},
        {"{\"weight_map\":{\"a\":\"s1\",\"b\":\"s3\",\"z\":\"s3\"}}",
         "tensor \"b\" is in two shards, s1 and s3"},
        {"{\"weight_map\":{\"a\":\"s2\",\"b\":\"s1\",\"c\":\"s2\"}}",
         "tensor \"a\" is in s1, not in s2 as the index says"},
    };
    make_shard("s1", "ab");
    make_shard("s2", "c");
    make_shard("s3", "bz");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        expect_failure(open_with_index(cases[i].index), err, INK_E_FORMAT, cases[i].wanted);
        cr_expect(tensors == NULL);
    }
    expect_failure(open_with_index("{\"weight_map\":{\"a\":\"s9\"}}"), err, INK_E_IO, "s9: cannot be opened");
}

Test(shards, pickled_weights_are_refused_with_a_way_out)
{
    expect_failure(ink__tensors_open_dir(&tensors, scratch, &err), err, INK_E_IO, "has no model.safetensors");
    scratch_text("pytorch_model.bin", "");
    expect_failure(ink__tensors_open_dir(&tensors, scratch, &err), err, INK_E_UNSUPPORTED,
                   "holds pickled weights (pytorch_model.bin), which can run code");
    expect_failure(ink__tensors_open_dir(&tensors, "/nowhere", &err), err, INK_E_IO,
                   "/nowhere: has no model");
}
