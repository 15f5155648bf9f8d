/* What a finetuning run says of itself when little or nothing was learned, and that it says nothing
 * otherwise. */
#include "train/finetune.h"

TestSuite(finetune_verdict, .init = make_scratch, .fini = remove_scratch, .timeout = 300);

/* What the warning says depends on the reason: nothing learned yet, or all learned thrown away. */
Test(finetune_verdict, a_model_that_is_no_better_than_guessing_is_told)
{
    const char *train = reviews("train.jsonl", 60, 's', 5), *dev = reviews("dev.jsonl", 30, 's', 6);
    ink_finetune_options o = options_of(&train, &dev, lasting("little"));
    o.learning_rate = 1e-8, o.epochs = 1;
    assert_ok(finetune(&o), err);
    cr_expect(strstr(report.warning, "On dev the model is not better than always saying \""), "%s",
              report.warning);
    cr_expect(strstr(report.warning, "It learned from 8 updates only. More epochs or a higher"), "%s",
              report.warning);
    cr_expect(!report.diverged, "%s", report.warning);
    o.out = lasting("far"), o.learning_rate = 100, o.optimizer = "sgd", o.max_grad_norm = 0,
    o.warmup_ratio = 0;
    assert_ok(finetune(&o), err);
    cr_expect(report.diverged && strstr(report.warning, "The run diverged: its loss began at 0."), "%s",
              report.warning);
    cr_expect(is_in(o.out, "model.safetensors"));
    o = options_of(&train, &dev, lasting("one label"));
    o.learning_rate = 0.05, o.epochs = 30, o.eval_steps = 60;
    assert_ok(finetune(&o), err);
    cr_expect(report.diverged && strstr(report.warning, "The run collapsed: after 240 updates"), "%s",
              report.warning);
    cr_expect(strstr(said, "update 60: the model gives every dev record the label \""), "%s", said);
    cr_expect(!strstr(said, "update 120: the model gives"), "it is said again: %s", said);
    o = options_of(&train, &train, lasting("good"));
    o.epochs = 30;
    assert_ok(finetune(&o), err);
    cr_expect(!report.diverged && !report.warning[0], "%s", report.warning);
    train = reviews("values.jsonl", 60, 'r', 5), dev = reviews("dev.jsonl", 30, 'r', 6);
    o = options_of(&train, &dev, lasting("values"));
    o.learning_rate = 1e-8, o.epochs = 1;
    assert_ok(finetune(&o), err);
    cr_expect(strstr(report.warning, "always saying the mean: its R2 is "), "%s", report.warning);
    train = reviews("lists.jsonl", 60, 'm', 5), dev = reviews("dev.jsonl", 30, 'm', 6);
    o = options_of(&train, &dev, lasting("lists"));
    o.learning_rate = 5e-3, o.epochs = 20;
    assert_ok(finetune(&o), err);
    cr_expect(!report.warning[0] && report.best > 0, "%s", report.warning);
}
