/* textclass MODEL_DIR LABELLED OUT_DIR: finetunes a model on labelled records, then labels each line of stdin
 * with the result. The whole of Inkling's interface that a program needs to teach and then to ask.
 *
 *   cc textclass.c $(pkg-config --cflags --libs inkling) -o textclass
 *   echo 'Where is my parcel?' | ./textclass model/ tickets.csv tickets-model/
 *
 * Ctrl-C stops the training with a checkpoint; the same command goes on from there, and a finished OUT_DIR is
 * used as it is. */
#include <inkling.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static int on_progress(const ink_finetune_progress *p, void *user)
{
    (void)user;
    if (p->message)
        fprintf(stderr, "%s\n", p->message);
    else if (p->evaluated)
        fprintf(stderr, "update %llu of %llu: loss %.4f, dev %s %.4f\n", (unsigned long long)p->step,
                (unsigned long long)p->steps, p->loss, p->metric, p->value);
    return stop;
}

static ink_status teach(const char *out, const char *from, const char *labelled, ink_error *err)
{
    ink_finetune_options options = INK_FINETUNE_OPTIONS_INIT;
    ink_finetune_report report;
    options.out = out, options.from = from;
    options.train = &labelled, options.n_train = 1;
    options.epochs = 5;
    options.resume = true;
    options.progress = on_progress;
    signal(SIGINT, on_signal);
    const ink_status status = ink_finetune(&report, &options, err);
    signal(SIGINT, SIG_DFL);
    if (status == INK_OK)
        fprintf(stderr, "%s: %s %.4f on %llu records that it did not learn from\n", out, report.metric,
                report.best, (unsigned long long)report.dev);
    return status;
}

static void print_decision(const ink_model *model, const float *scores)
{
    size_t best = 0;
    for (size_t c = 1; c < ink_model_labels(model); ++c)
        if (scores[c] > scores[best])
            best = c;
    printf("%-12s %.4f\n", ink_model_label(model, best), scores[best]);
}

static ink_status answer(const char *dir, ink_error *err)
{
    ink_model *model = NULL;
    ink_session *session = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    ink_status status = ink_model_open(&model, dir, NULL, err);
    if (status == INK_OK)
        status = ink_session_create(&session, model, NULL, err);
    const size_t labels = status == INK_OK ? ink_model_labels(model) : 0;
    float *scores = calloc(labels + 1, sizeof *scores);
    while (scores && status == INK_OK && (len = getline(&line, &room, stdin)) > 0) {
        const ink_text text = {.text = line, .len = (size_t)len - (line[len - 1] == '\n')};
        status = ink_classify_texts(scores, labels, NULL, session, &text, 1, NULL, err);
        if (status == INK_OK)
            print_decision(model, scores);
    }
    free(scores);
    free(line);
    ink_session_free(session);
    ink_model_free(model);
    return status;
}

int main(int argc, char **argv)
{
    ink_error err = INK_ERROR_INIT;
    if (argc != 4) {
        fprintf(stderr, "usage: textclass MODEL_DIR LABELLED OUT_DIR < LINES\n");
        return 2;
    }
    ink_status status = teach(argv[3], argv[1], argv[2], &err);
    if (status == INK_OK)
        status = answer(argv[3], &err);
    if (status != INK_OK)
        fprintf(stderr, "textclass: %s\n", err.text);
    return status == INK_OK ? EXIT_SUCCESS : status == INK_E_CANCELLED ? 128 + SIGINT : EXIT_FAILURE;
}
