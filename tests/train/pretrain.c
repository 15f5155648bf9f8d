/* Pretraining runs: what is learned and written, from random weights and from a model; stopped and resumed
 * runs end in the same bytes, whatever the threads; what cannot be is refused by name. */
#include "io/safetensors.h"
#include "train/pretrain.h"

TestSuite(pretrain, .init = make_scratch, .fini = remove_scratch);

Test(pretrain, a_model_is_written_that_opens_and_says_what_it_is)
{
    const char *corpus = lines("c.txt", 60, 60), *out = lasting("out");
    size_t len;
    ink_model *model;
    ink_pretrain_options o = pretraining(&corpus, out);
    o.lr_scheduler = o.optimizer = NULL; /* as in _INIT */
    assert_ok(pretrain(&o), err);
    cr_expect(found.steps == 10 && found.sequences == 54 && found.held_out == 6 && found.documents == 60);
    cr_expect(isfinite(found.held_out_loss) && found.tokens > 10 * 8 * 8);
    cr_expect(strstr(said, "has no head that guesses tokens") && strstr(said, "60 documents"), "%s", said);
    char *config = read_in(&len, out, "config.json");
    cr_expect(strstr(config, "\"BertForMaskedLM\""), "%s", config);
    free(config);
    ink__tensors *tensors;
    assert_ok(ink__tensors_open_dir(&tensors, out, &err), err);
    cr_expect(ink__tensors_find(tensors, "cls.predictions.transform.dense.weight") &&
              ink__tensors_find(tensors, "cls.predictions.bias") &&
              ink__tensors_find(tensors, "bert.embeddings.word_embeddings.weight") &&
              !ink__tensors_find(tensors, "classifier.weight"));
    ink__tensors_free(tensors);
    assert_ok(ink_model_open(&model, out, NULL, &err), err);
    cr_expect(ink_model_labels(model) == 0);
    ink_model_free(model);
    cr_expect(!is_in(out, "last") && !is_in(out, ".tokens") && is_in(out, "log.jsonl"));
    o.resume = true;
    const double loss = found.held_out_loss;
    assert_ok(pretrain(&o), err);
    cr_expect(found.was_complete && found.steps == 10 && fabs(found.held_out_loss - loss) < 1e-9);
    cr_expect(!is_in(out, ".tokens"));

    /* It goes on from there, head and all. */
    const char *more = lasting("more");
    o.resume = false, o.from = out, o.out = more;
    assert_ok(pretrain(&o), err);
    cr_expect(!strstr(said, "has no head"), "%s", said);
    cr_expect(found.held_out_loss < loss, "%g, then %g", loss, found.held_out_loss);
}

/* Dropout is on: 0.1 would take long. */
Test(pretrain, a_tiny_model_learns_a_few_lines_by_heart)
{
    const char *corpus = lines("c.txt", 200, 4), *out = lasting("out");
    ink_pretrain_options o = pretraining(&corpus, out);
    o.steps = 1500, o.batch_size = 16, o.learning_rate = 3e-3, o.eval_steps = 1500;
    assert_ok(pretrain(&o), err);
    cr_expect(found.held_out_loss < 0.3 && found.held_out_accuracy > 0.9, "loss %g, accuracy %g",
              found.held_out_loss, found.held_out_accuracy);
    cr_expect(found.documents == 200 && found.repeated == 196, "%d", (int)found.repeated);
    cr_expect(strstr(said, "196 of 200 documents repeat an earlier one: kept"), "%s", said);
}

/* Once for every kind of length that does not depend on time, with a batch that grows. */
Test(pretrain, stopped_and_resumed_it_ends_in_the_same_bytes_whatever_the_threads)
{
    const char *corpus = lines("c.txt", 70, 70);
    for (int by_tokens = 0; by_tokens < 2; ++by_tokens) {
        const char *whole = lasting(by_tokens ? "whole-t" : "whole"),
                   *parts = lasting(by_tokens ? "parts-t" : "parts");
        ink_pretrain_options o = pretraining(&corpus, whole);
        o.batch_ramp = 0.5, o.gradient_accumulation_steps = 2, o.lr_scheduler = "cosine";
        if (by_tokens)
            o.steps = 0, o.tokens = 1500;
        assert_ok(pretrain(&o), err);
        cr_expect(by_tokens ? found.tokens >= 1500 && found.tokens < 1700 : found.steps == 10);
        o.out = parts, o.resume = true, watch.stop_every = 3, o.threads = 2;
        size_t stops = 0;
        ink_status st;
        while ((st = pretrain(&o)) == INK_E_CANCELLED)
            cr_assert(++stops < 20 && is_in(parts, "last"));
        watch.stop_every = 0;
        assert_ok(st, err);
        cr_expect(stops >= 2, "%zu stops", stops);
        static const char *const files[] = {"model.safetensors", "config.json", "pretrain.json", "log.jsonl"};
        expect_same_run(whole, parts, files, 4);
    }
}

/* The rate has come down when the time is over. */
Test(pretrain, minutes_end_the_run_and_its_schedule_and_count_what_was_before)
{
    const char *corpus = lines("c.txt", 70, 70), *out = lasting("out");
    ink_pretrain_options o = pretraining(&corpus, out);
    o.steps = 0, o.minutes = 1.5 / 60, o.eval_steps = 1000000;
    watch.stop_every = 2;
    cr_assert(pretrain(&o) == INK_E_CANCELLED);
    const double before = last_done;
    cr_expect(before > 0 && before < 1, "%g", before);
    watch.stop_every = 1, o.resume = true;
    const ink_status st = pretrain(&o);
    cr_expect((st == INK_E_CANCELLED || st == INK_OK) && last_done > before, "%g, then %g", before,
              last_done);
    watch.stop_every = 0;
    assert_ok(pretrain(&o), err);
    cr_expect(last_done == 1 && (found.was_complete || last_rate < 0.5 * 2e-3), "rate %g", last_rate);
}

Test(pretrain, a_cache_serves_several_runs)
{
    const char *corpus = lines("c.txt", 70, 70), *cache = lasting("cache");
    ink_pretrain_options o = pretraining(&corpus, lasting("a"));
    o.cache = cache, o.steps = 2;
    assert_ok(pretrain(&o), err);
    cr_expect(!strstr(said, "from the cache") && is_in(scratch, "cache"));
    o.out = lasting("b");
    assert_ok(pretrain(&o), err);
    cr_expect(strstr(said, "from the cache") && is_in(scratch, "cache"), "%s", said);
}

Test(pretrain, what_cannot_be_is_refused_by_name)
{
    const char *corpus = lines("c.txt", 70, 70), *out = lasting("out");
    const ink_pretrain_options good = pretraining(&corpus, out);
    ink_pretrain_options o;
#define REFUSED(status, sentence, ...)                                                                       \
    do {                                                                                                     \
        o = good;                                                                                            \
        __VA_ARGS__;                                                                                         \
        expect_failure(pretrain(&o), err, status, sentence);                                                 \
    } while (0)
    REFUSED(INK_E_ARG, "just one of them", o.minutes = 1);
    REFUSED(INK_E_ARG, "just one of them", o.steps = 0);
    REFUSED(INK_E_ARG, "mask rate", o.mask_rate = 0);
    REFUSED(INK_E_ARG, "held-out share", o.held_out = 0.9);
    REFUSED(INK_E_ARG, "neither is given", o.from = NULL);
    REFUSED(INK_E_ARG, "positions", o.max_length = 100000);
    REFUSED(INK_E_ARG, "no learning-rate schedule", o.lr_scheduler = "up");
    REFUSED(INK_E_ARG, "no corpus", o.n_corpus = 0);
    watch.stop_every = 3;
    cr_assert(pretrain(&good) == INK_E_CANCELLED);
    watch.stop_every = 0;
    REFUSED(INK_E_ARG, "an unfinished run already", o.resume = false);
    REFUSED(INK_E_ARG, "\"mask_rate\" 0.15, now it is 0.2", o.resume = true, o.mask_rate = 0.2);
    const char *other = lines("d.txt", 71, 71);
    REFUSED(INK_E_ARG, "\"corpus\"", o.resume = true, o.corpus = &other);
    lines("c.txt", 72, 72);
    REFUSED(INK_E_ARG, "contents of the corpus have changed", o.resume = true);
}
