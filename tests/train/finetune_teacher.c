/* Runs with a teacher: what a student learns from it, whose labels count, which texts are left out, stops
 * while it scores, and teachers that cannot be. */
#include "train/finetune.h"
#include "io/safetensors.h"

#include <signal.h>
#include <sys/wait.h>

TestSuite(finetune_teacher, .init = make_scratch, .fini = remove_scratch, .timeout = 300);

/* A model that has learned the reviews of a kind. */
static const char *teacher_of(const char *name, char kind)
{
    char file[40];
    snprintf(file, sizeof file, "%s.jsonl", name);
    const char *train = reviews(file, 300, kind, 1), *dev = reviews("teacher-dev.jsonl", 40, kind, 5);
    ink_finetune_options o = options_of(&train, &dev, lasting(name));
    o.epochs = kind == 'm' ? 15 : 8, o.learning_rate = 5e-3, o.eval_steps = 0;
    assert_ok(finetune(&o), err);
    return o.out;
}

/* Eight records whose labels are the wrong ones. */
static const char *lies(void)
{
    return keep(scratch_text("lies.jsonl", "{\"text\":\"the hotel is good\",\"label\":\"bad\"}\n"
                                           "{\"text\":\"the food is great\",\"label\":\"bad\"}\n"
                                           "{\"text\":\"it is fast\",\"label\":\"bad\"}\n"
                                           "{\"text\":\"you love it\",\"label\":\"bad\"}\n"
                                           "{\"text\":\"the hotel is bad\",\"label\":\"good\"}\n"
                                           "{\"text\":\"the food is slow\",\"label\":\"good\"}\n"
                                           "{\"text\":\"it is late\",\"label\":\"good\"}\n"
                                           "{\"text\":\"you hate it\",\"label\":\"good\"}\n"));
}

static ink_finetune_options taught(const char *const *train, const char *const *dev, const char *out,
                                   const char *teacher, const char *const *unlabelled)
{
    ink_finetune_options o = options_of(train, dev, out);
    o.teacher = teacher, o.unlabelled = unlabelled, o.n_unlabelled = unlabelled ? 1 : 0;
    return o;
}

Test(finetune_teacher, a_student_learns_from_texts_without_labels_what_the_teacher_knows)
{
    const char *teacher = teacher_of("teacher", 's'), *train = lies();
    const char *dev = reviews("dev.jsonl", 60, 's', 77), *unlabelled = reviews("u.jsonl", 300, 's', 9);
    ink_finetune_options o = taught(&train, &dev, lasting("taught"), teacher, &unlabelled);
    o.distill_weight = 1, o.epochs = 5, o.learning_rate = 5e-3, o.eval_steps = 0;
    assert_ok(finetune(&o), err);
    cr_expect(report.teacher_value > 0.9 && report.best > 0.9, "teacher %g, student %g", report.teacher_value,
              report.best);
    cr_expect(report.train == 8 && report.unlabelled == 300, "%d and %d", (int)report.train,
              (int)report.unlabelled);
    cr_expect(report.steps == 5 * ((300 + 8 + 7) / 8), "an epoch is all of them: %d", (int)report.steps);
    cr_expect(strstr(said, "unlabelled: 300 texts"), "%s", said);
    cr_expect(strstr(said, "of 8 training records the label they have"), "%s", said);
    cr_expect(!is_in(o.out, "teacher"), "its answers go with the checkpoints");
    /* The same records without it. */
    o.out = lasting("alone"), o.teacher = NULL, o.n_unlabelled = 0;
    assert_ok(finetune(&o), err);
    cr_expect(report.best < 0.6 && isnan(report.teacher_value) && report.unlabelled == 0, "%g", report.best);
}

Test(finetune_teacher, lists_of_labels_and_values_are_taught_as_well)
{
    for (const char *kind = "mr"; *kind; ++kind) {
        char name[] = {'t', *kind, 0}, out[] = {'o', *kind, 0};
        const char *teacher = teacher_of(name, *kind);
        const char *train = reviews("train.jsonl", 24, *kind, 3), *dev = reviews("dev.jsonl", 40, *kind, 77);
        const char *unlabelled = reviews("u.jsonl", 400, *kind, 9);
        ink_finetune_options o = taught(&train, &dev, lasting(out), teacher, &unlabelled);
        o.distill_weight = 1, o.epochs = *kind == 'm' ? 20 : 5, o.learning_rate = *kind == 'm' ? 2e-3 : 5e-3,
        o.eval_steps = 0;
        assert_ok(finetune(&o), err);
        const double bar = *kind == 'm' ? 0.85 : 0.6; /* as in tests/train/finetune.c */
        cr_expect(*kind == 'm' ? report.best > bar : report.best < bar, "%c: student %g, teacher %g", *kind,
                  report.best, report.teacher_value);
        cr_expect(strstr(said, "teacher: dev "), "%s", said);
    }
}

static void expect_same_weights(const char *a, const char *b, bool same)
{
    size_t a_len, b_len;
    char *x = read_in(&a_len, a, "model.safetensors"), *y = read_in(&b_len, b, "model.safetensors");
    cr_expect((a_len == b_len && memcmp(x, y, a_len) == 0) == same, "the weights are %sthe same",
              same ? "not " : "");
    free(x), free(y);
}

Test(finetune_teacher, a_weight_of_0_gives_the_model_of_no_teacher)
{
    const char *teacher = teacher_of("teacher", 's'), *train = reviews("train.jsonl", 60, 's', 5);
    ink_finetune_options o = taught(&train, NULL, lasting("with"), teacher, NULL);
    o.distill_weight = 0, o.class_weights = "balanced", o.label_smoothing = 0.1;
    assert_ok(finetune(&o), err);
    o.out = lasting("without"), o.teacher = NULL;
    assert_ok(finetune(&o), err);
    expect_same_weights(lasting("with"), lasting("without"), true);
}

/* bert-tiny-cls with its labels the other way round, and files of no value to the test left out. */
static const char *turned_round(void)
{
    static const char *const files[] = {"model.safetensors", "vocab.txt", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    const char *dir = lasting("turned");
    cr_assert(mkdir(dir, 0700) == 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char from[600], to[600];
        snprintf(from, sizeof from, "%s/%s", start_dir, files[i]);
        snprintf(to, sizeof to, "%s/%s", dir, files[i]);
        cr_assert(symlink(from, to) == 0);
    }
    size_t len;
    char *config = read_in(&len, start_dir, "config.json"), *from = strstr(config, "\"id2label\""), *to;
    json_t *root;
    (void)from, (void)to;
    root = json_loadb(config, len, 0, NULL);
    json_object_set_new(root, "id2label",
                        json_pack("{s:s,s:s,s:s}", "0", "positive", "1", "neutral", "2", "negative"));
    json_object_set_new(root, "label2id",
                        json_pack("{s:i,s:i,s:i}", "positive", 0, "neutral", 1, "negative", 2));
    char *text = json_dumps(root, 0);
    scratch_text("turned/config.json", text);
    json_decref(root);
    free(text), free(config);
    return dir;
}

/* Whatever the order of the labels, and whoever's it is, the teacher is as good as it is by itself. */
Test(finetune_teacher, labels_are_matched_by_name)
{
    const char *turned = turned_round(), *train = reviews("train.jsonl", 40, 't', 3);
    const char *dev = reviews("dev.jsonl", 50, 't', 77);
    ink_model *model;
    ink_evaluation *evaluation;
    ink_evaluate_options e = INK_EVALUATE_OPTIONS_INIT;
    e.inputs = &dev, e.n_inputs = 1, e.threads = 1;
    assert_ok(ink_model_open(&model, turned, NULL, &err), err);
    assert_ok(ink_evaluate(&evaluation, model, &e, &err), err);
    const double wanted = ink_evaluation_metric(evaluation, "accuracy")->estimate.value;
    ink_evaluation_free(evaluation);
    ink_model_free(model);
    for (int new_head = 0; new_head < 2; ++new_head) {
        ink_finetune_options o = taught(&train, &dev, lasting(new_head ? "new" : "kept"), turned, NULL);
        if (new_head)
            o.from = NULL, o.size = "tiny", o.tokenizer = start_dir;
        o.epochs = 1;
        assert_ok(finetune(&o), err);
        cr_expect(fabs(report.teacher_value - wanted) < 1e-9, "%g, wanted %g", report.teacher_value, wanted);
        assert_ok(ink_model_open(&model, o.out, NULL, &err), err);
        const char *first = new_head ? "positive" : "negative"; /* a head that is kept has its own order */
        cr_expect(strcmp(ink_model_label(model, 0), first) == 0, "%s", ink_model_label(model, 0));
        ink_model_free(model);
    }
}

Test(finetune_teacher, labels_may_be_fewer_but_none_the_teacher_does_not_give)
{
    const char *few = keep(scratch_text("few.jsonl", "{\"text\":\"good\",\"label\":\"positive\"}\n"
                                                     "{\"text\":\"bad\",\"label\":\"negative\"}\n"
                                                     "{\"text\":\"great\",\"label\":\"positive\"}\n"
                                                     "{\"text\":\"late\",\"label\":\"negative\"}\n"));
    const char *others = reviews("others.jsonl", 20, 's', 3), *dev = reviews("dev.jsonl", 30, 't', 7);
    ink_finetune_options o = taught(&few, &dev, lasting("out"), start_dir, NULL);
    assert_ok(finetune(&o), err);
    cr_expect(strstr(said, "train: no record has \"neutral\": the teacher alone tells of it"), "%s", said);
    cr_expect(strstr(said, "what it says is not worth learning"), "%s", said);
    o.train = &others, o.out = lasting("other");
    expect_failure(finetune(&o), err, INK_E_ARG,
                   "does not give: \"bad\", \"good\"; it gives, and they do not have: \"negative\", "
                   "\"neutral\", \"positive\"");
    cr_expect(!is_in(lasting("other"), "log.jsonl"), "nothing is written");
}

Test(finetune_teacher, texts_are_learned_from_once)
{
    const char *train = keep(scratch_text("train.csv", "text,label\nthe hotel is good,positive\n"
                                                       "the food is bad,negative\nit is ok,neutral\n"));
    const char *dev = keep(scratch_text("dev.csv", "text,label\nslow food,negative\nfast,positive\n"));
    const char *unlabelled =
        keep(scratch_text("u.txt", "you love it\n\nthe food is bad\nslow food\nyou love it\nyou hate it\n"));
    ink_finetune_options o = taught(&train, &dev, lasting("out"), start_dir, &unlabelled);
    assert_ok(finetune(&o), err);
    cr_expect(report.unlabelled == 2, "%d", (int)report.unlabelled);
    cr_expect(strstr(said,
                     "unlabelled: 2 texts; left out are 1 that repeat one of them, 1 that stand in train, "
                     "1 in dev, and 1 that are empty"),
              "%s", said);
    unlabelled = keep(scratch_text("none.txt", "slow food\n\n"));
    o.out = lasting("none");
    expect_failure(finetune(&o), err, INK_E_FORMAT, "no text without a label is left: of 2, 1 are empty, 1");
}

/* A run whose data and texts have all that could shift answers: duplicates, records held out, pairs. */
static ink_finetune_options thorough(const char *const *train, const char *const *unlabelled, const char *out,
                                     const char *teacher)
{
    ink_finetune_options o = taught(train, NULL, out, teacher, unlabelled);
    o.gradient_accumulation_steps = 2, o.class_weights = "balanced", o.drop_duplicates = true;
    return o;
}

Test(finetune_teacher, a_run_that_was_stopped_ends_in_the_same_files)
{
    const char *teacher = teacher_of("teacher", 's'), *train = reviews("train.jsonl", 60, 's', 5);
    const char *unlabelled = reviews("u.jsonl", 80, 's', 9);
    ink_finetune_options o = thorough(&train, &unlabelled, lasting("whole"), teacher);
    assert_ok(finetune(&o), err);
    /* Told once at least for each kind of input, at the end of it. */
    for (uint64_t at = 1; at <= 2; ++at) {
        o.out = lasting(at == 1 ? "once" : "twice"), o.resume = true, o.threads = at;
        watch.stop_scoring = at;
        expect_failure(finetune(&o), err, INK_E_CANCELLED, "stopped when the teacher had scored ");
        cr_expect(is_in(o.out, "teacher") && !is_in(o.out, "last"), "its answers are kept");
        watch.stop_scoring = 0, watch.stop_every = 3;
        expect_failure(finetune(&o), err, INK_E_CANCELLED, "stopped after update 3 of");
        cr_expect(strstr(said, "texts had been scored"), "%s", said);
        watch.stop_every = 0;
        assert_ok(finetune(&o), err);
        cr_expect(!strstr(said, "a second"), "nothing is scored again: %s", said);
        expect_same_folders(lasting("whole"), o.out, "stopped");
    }
}

/* Answers of another teacher for the same texts are none. */
Test(finetune_teacher, what_another_teacher_said_is_not_used)
{
    const char *other = teacher_of("other", 't'), *train = reviews("train.jsonl", 60, 't', 5);
    ink_finetune_options o = thorough(&train, NULL, lasting("whole"), start_dir);
    assert_ok(finetune(&o), err);
    o.out = lasting("mixed"), o.teacher = other, watch.stop_scoring = 1;
    expect_failure(finetune(&o), err, INK_E_CANCELLED, "stopped when the teacher had scored ");
    o.teacher = start_dir, o.resume = true, watch.stop_scoring = 0;
    assert_ok(finetune(&o), err);
    cr_expect(!strstr(said, "had been scored"), "%s", said);
    expect_same_folders(lasting("whole"), o.out, "mixed");
}

/* Eight times the weights are the same weights, to the bit. */
Test(finetune_teacher, the_scale_of_class_weights_does_not_matter)
{
    const char *train = reviews("train.jsonl", 60, 't', 5), *unlabelled = reviews("u.jsonl", 40, 't', 9);
    const char *weights[] = {keep(scratch_text("1.json", "{\"positive\":1,\"negative\":0.5,\"neutral\":2}")),
                             keep(scratch_text("8.json", "{\"positive\":8,\"negative\":4,\"neutral\":16}")),
                             keep(scratch_text("x.json", "{\"positive\":1,\"negative\":0.5,\"neutral\":3}"))};
    static const char *const outs[] = {"one", "eight", "other"};
    for (size_t i = 0; i < 3; ++i) {
        ink_finetune_options o = taught(&train, NULL, lasting(outs[i]), start_dir, &unlabelled);
        o.class_weights = weights[i], o.from = NULL, o.size = "tiny", o.tokenizer = start_dir;
        o.epochs = 1;
        assert_ok(finetune(&o), err);
    }
    expect_same_weights(lasting("one"), lasting("eight"), true);
    expect_same_weights(lasting("one"), lasting("other"), false);
}

static int die(const ink_finetune_progress *p, void *user)
{
    (void)user;
    if (p->texts > 0)
        raise(SIGKILL);
    return 0;
}

Test(finetune_teacher, a_run_killed_while_the_teacher_scores_begins_again)
{
    const char *train = reviews("train.jsonl", 60, 't', 5), *unlabelled = reviews("u.jsonl", 40, 't', 9);
    ink_finetune_options o = thorough(&train, &unlabelled, lasting("whole"), start_dir);
    o.out = lasting("killed");
    const pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) { /* before this process has threads, which no child would have */
        o.progress = die;
        _exit(ink_finetune(&report, &o, &err));
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%d", status);
    o.out = lasting("whole");
    assert_ok(finetune(&o), err);
    o.out = lasting("killed");
    scratch_text("killed/teacher", "half a file, of another run perhaps");
    o.resume = true;
    assert_ok(finetune(&o), err);
    expect_same_folders(lasting("whole"), lasting("killed"), "killed");
}

Test(finetune_teacher, a_run_is_not_continued_with_another_teacher_or_other_texts)
{
    const char *teacher = teacher_of("teacher", 's'), *other = lasting("other");
    const char *train = reviews("train.jsonl", 60, 's', 5), *unlabelled = reviews("u.jsonl", 40, 's', 9);
    ink_finetune_options o = taught(&train, NULL, other, teacher, NULL);
    assert_ok(finetune(&o), err);
    o = taught(&train, NULL, lasting("out"), teacher, &unlabelled);
    watch.stop_every = 2;
    cr_expect(finetune(&o) == INK_E_CANCELLED);
    watch.stop_every = 0, o.resume = true;
#define REFUSED(name, ...)                                                                                   \
    do {                                                                                                     \
        ink_finetune_options x = o;                                                                          \
        __VA_ARGS__;                                                                                         \
        expect_failure(finetune(&x), err, INK_E_ARG, "a run with \"" name "\"");                             \
        cr_expect(!strstr(said, "a second"), "told before anything is scored: %s", said);                    \
    } while (0)
    REFUSED("teacher", x.teacher = other);
    REFUSED("teacher", x.teacher = NULL, x.n_unlabelled = 0);
    REFUSED("unlabelled", x.n_unlabelled = 0);
    REFUSED("temperature", x.temperature = 3);
    REFUSED("distill_weight", x.distill_weight = 0.5);
#undef REFUSED
    reviews("u.jsonl", 40, 's', 10);
    expect_failure(finetune(&o), err, INK_E_ARG, "since it began the texts without labels have changed");
    reviews("u.jsonl", 40, 's', 9);
    size_t len;
    char *weights = read_in(&len, other, "model.safetensors");
    const char *path = lasting("teacher/model.safetensors");
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(weights, 1, len, file) == len && fclose(file) == 0);
    free(weights);
    expect_failure(finetune(&o), err, INK_E_ARG, "since it began the teacher's weights have changed");
}

Test(finetune_teacher, several_seeds_ask_the_teacher_once)
{
    const char *train = reviews("train.jsonl", 60, 't', 5), *unlabelled = reviews("u.jsonl", 40, 't', 9);
    ink_finetune_options o = thorough(&train, &unlabelled, lasting("out"), start_dir);
    o.seeds = 2;
    assert_ok(finetune(&o), err);
    const char *first = strstr(said, " tokens a second");
    cr_expect(first && !strstr(first + 1, " tokens a second"), "%s", said);
    cr_expect(!is_in(o.out, "teacher") && !is_in(lasting("out/seed-42"), "teacher"));
    cr_expect(is_in(o.out, "finetune.json"));
}

Test(finetune_teacher, pairs_of_texts_are_taught)
{
    const char *teacher = teacher_of("teacher", 'p'), *train = reviews("train.jsonl", 40, 'p', 3);
    const char *dev = reviews("dev.jsonl", 20, 'p', 77), *unlabelled = reviews("u.jsonl", 60, 'p', 9);
    const char *lines = keep(scratch_text("u.txt", "one text\n"));
    ink_finetune_options o = taught(&train, &dev, lasting("out"), teacher, &unlabelled);
    o.text_pair = "text_pair";
    assert_ok(finetune(&o), err);
    cr_expect(report.unlabelled > 50, "%d", (int)report.unlabelled);
    o.unlabelled = &lines, o.out = lasting("lines");
    expect_failure(finetune(&o), err, INK_E_ARG, "u.txt");
}

/* A copy of start_dir whose last weights are no numbers. */
static const char *broken(void)
{
    static const char *const files[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    const char *dir = lasting("broken");
    size_t len;
    char *weights = read_in(&len, start_dir, "model.safetensors");
    cr_assert(mkdir(dir, 0700) == 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char from[600], to[600];
        snprintf(from, sizeof from, "%s/%s", start_dir, files[i]);
        snprintf(to, sizeof to, "%s/%s", dir, files[i]);
        cr_assert(symlink(from, to) == 0);
    }
    memset(weights + len - 256, 0xFF, 256);
    FILE *file = fopen(lasting("broken/model.safetensors"), "wb");
    cr_assert(file && fwrite(weights, 1, len, file) == len && fclose(file) == 0);
    free(weights);
    return dir;
}

Test(finetune_teacher, teachers_and_texts_that_cannot_be_are_told)
{
    const char *train = reviews("train.jsonl", 30, 't', 5), *dev = reviews("dev.jsonl", 20, 't', 6);
    const char *values = teacher_of("values", 'r'), *stdin_name = "-", *missing = lasting("missing.txt");
    const char *empty = keep(scratch_text("empty.txt", ""));
#define REFUSED(status, sentence, ...)                                                                       \
    do {                                                                                                     \
        ink_finetune_options o = taught(&train, &dev, lasting("out"), start_dir, NULL);                      \
        __VA_ARGS__;                                                                                         \
        expect_failure(finetune(&o), err, status, sentence);                                                 \
    } while (0)
    REFUSED(INK_E_IO, "no-teacher", o.teacher = lasting("no-teacher"));
    REFUSED(INK_E_ARG, "has no classification head", o.teacher = INK_TEST_DATA "/golden/bert-bare");
    REFUSED(INK_E_ARG,
            "gives a text a value, and the training data are read as \"single\"; --task regression",
            o.teacher = values);
    REFUSED(INK_E_ARG, "a temperature of 0, wanted", o.temperature = 0);
    REFUSED(INK_E_ARG, "a temperature of nan", o.temperature = NAN);
    REFUSED(INK_E_ARG, "a teacher's weight of 1.5, wanted 0 to 1", o.distill_weight = 1.5);
    REFUSED(INK_E_ARG, "and none is given", o.teacher = NULL, o.unlabelled = &dev, o.n_unlabelled = 1);
    REFUSED(INK_E_ARG, "standard input can be read only once", o.train = &stdin_name);
    REFUSED(INK_E_ARG, "standard input can be read only once", o.unlabelled = &stdin_name,
            o.n_unlabelled = 1);
    const char *no_path = NULL;
    REFUSED(INK_E_ARG, "has no path", o.unlabelled = &no_path, o.n_unlabelled = 1);
    REFUSED(INK_E_IO, "missing.txt", o.unlabelled = &missing, o.n_unlabelled = 1);
    REFUSED(INK_E_FORMAT, "empty.txt: no record", o.unlabelled = &empty, o.n_unlabelled = 1);
    REFUSED(INK_E_NUMERIC, "broken: the score of sequence", o.teacher = broken());
#undef REFUSED
}
