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
    cr_expect(!report.diverged && report.best > 0.9, "%s", report.warning);
    cr_expect(strstr(report.warning, "60 training texts are in dev, too (dev has 60 records)"), "%s",
              report.warning);
    cr_expect(report.warning[0] != ' ' && report.shared == 60, "\"%s\"", report.warning);
    dev = reviews("others.jsonl", 60, 's', 8), o = options_of(&train, &dev, lasting("as good"));
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

Test(finetune_verdict, a_kept_head_is_measured_first_and_never_ends_worse_on_dev)
{
    const char *train = reviews("train.jsonl", 80, 's', 3), *dev = reviews("dev.jsonl", 40, 's', 4);
    ink_finetune_options o = options_of(&train, &dev, lasting("first"));
    o.epochs = 10;
    assert_ok(finetune(&o), err);
    cr_expect(!strstr(said, "before training"), "%s", said);
    const double before = report.best;
    o.from = lasting("first"), o.out = lasting("again"), o.epochs = 1;
    o.learning_rate = 100, o.optimizer = "sgd", o.max_grad_norm = 0, o.warmup_ratio = 0;
    assert_ok(finetune(&o), err);
    cr_expect(strstr(said, "before training: dev accuracy "), "%s", said);
    cr_expect(report.best == before && report.best_step == 0, "%g before, %g after", before, report.best);
    cr_expect(strstr(report.warning, "No update made the model better on dev than it was"), "%s",
              report.warning);
    o.resume = true;
    assert_ok(finetune(&o), err);
    cr_expect(report.was_complete && report.best == before);
}

Test(finetune_verdict, labels_that_differ_in_case_or_spaces_are_named)
{
    const char *train =
        keep(scratch_text("train.csv", "text,label\ngood,Yes\nbad,no\nfine,\" yes\"\nlate,no\n"));
    ink_finetune_options o = options_of(&train, &train, lasting("twins"));
    o.epochs = 1;
    assert_ok(finetune(&o), err);
    cr_expect(
        strstr(said, "labels that differ only in case or spaces are learned as two: \" yes\" and \"Yes\""),
        "%s", said);
    cr_expect(strstr(said, "train: 2 labels have one record only: \" yes\", \"Yes\""), "%s", said);
}

Test(finetune_verdict, a_decimal_comma_is_told_from_other_text)
{
    const char *train = keep(scratch_text("train.csv", "text,label\ngood,4.5\nbad,\"1,5\"\n"));
    ink_finetune_options o = options_of(&train, &train, lasting("comma"));
    o.task = "regression";
    expect_failure(finetune(&o), err, INK_E_FORMAT, "decimals are written with a point");
}

Test(finetune_verdict, scores_that_are_far_too_sure_are_told)
{
    /* Most of dev is right, so that the labels are better than guessed; the rest is surely wrong. */
    const char *train = reviews("train.jsonl", 160, 's', 5), *right = reviews("right.jsonl", 100, 's', 8);
    const char *both[] = {right, right};
    char wrong[20000] = "", line[60];
    for (int i = 0; i < 30; ++i) {
        snprintf(line, sizeof line, "{\"text\":\"%s\",\"label\":\"%s\"}\n",
                 i % 2 ? "love great" : "hate late", i % 2 ? "bad" : "good");
        strcat(wrong, line);
    }
    both[1] = keep(scratch_text("wrong.jsonl", wrong));
    ink_finetune_options o = options_of(&train, both, lasting("sure"));
    o.n_dev = 2, o.epochs = 30, o.eval_steps = 600;
    assert_ok(finetune(&o), err);
    cr_expect(strstr(report.warning, "far too sure of themselves"), "%s (%g, loss %g)", report.warning,
              report.best, report.dev_loss);
}
