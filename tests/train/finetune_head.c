/* Where a new head begins. */
#include "train/finetune.h"
#include "io/safetensors.h"
#include "tensor/convert.h"

TestSuite(finetune_head, .init = make_scratch, .fini = remove_scratch, .timeout = 60);

/* At rate 0 the saved biases are those that training began with. */
static void expect_biases(const char *out, const char *text, const char *weights, const double *wanted,
                          size_t C)
{
    const char *train = keep(scratch_text("start.jsonl", text));
    ink__tensors *tensors;
    float bias[8];
    ink_finetune_options o = options_of(&train, &train, lasting(out));
    o.learning_rate = 0, o.epochs = 1, o.class_weights = weights;
    assert_ok(finetune(&o), err);
    assert_ok(ink__tensors_open_dir(&tensors, o.out, &err), err);
    const ink__tensor *t = ink__tensors_find(tensors, "classifier.bias");
    cr_assert(t && t->shape[0] == C && C <= 8);
    ink__tensor_to_f32(bias, t);
    for (size_t c = 0; c < C; ++c)
        cr_expect(fabs(bias[c] - wanted[c]) < 1e-6, "label %d of %s starts at %g, wanted %g", (int)c, text,
                  bias[c], wanted[c]);
    ink__tensors_free(tensors);
}

Test(finetune_head, a_new_head_begins_with_the_constant_answer_of_least_loss)
{
    static const char many[] =
        "{\"text\":\"a\",\"labels\":[\"x\"]}\n{\"text\":\"b\",\"labels\":[\"x\",\"y\"]}\n"
        "{\"text\":\"c\",\"labels\":[]}\n{\"text\":\"d\",\"labels\":[\"x\"]}\n";
    static const char value[] = "{\"text\":\"a\",\"label\":1.5}\n{\"text\":\"b\",\"label\":4.0}\n"
                                "{\"text\":\"c\",\"label\":5.0}\n";
    static const char one[] = "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"x\"}\n"
                              "{\"text\":\"c\",\"label\":\"y\"}\n";
    expect_biases("out-0", many, NULL, (const double[]){log(3.5 / 1.5), log(1.5 / 3.5)}, 2);
    expect_biases("out-1", many, "balanced", (const double[]){log(1.5 / 1.5), log(3.5 / 3.5)}, 2);
    expect_biases("out-2", value, NULL, (const double[]){3.5}, 1);
    expect_biases("out-3", one, NULL, (const double[]){0, 0}, 2);
}
