/* sentiment MODEL_DIR: labels each line of stdin. The whole of Inkling's interface that a program needs to
 * turn text into decisions: six calls.
 *
 *   cc sentiment.c $(pkg-config --cflags --libs inkling) -o sentiment
 *   printf 'A lovely film.\nTwo hours wasted.\n' | ./sentiment model/ */
#include <inkling.h>

#include <stdio.h>
#include <stdlib.h>

static void print_decision(const ink_model *model, const float *scores, const ink_text_use *use)
{
    size_t best = 0;
    for (size_t c = 1; c < ink_model_labels(model); ++c)
        if (scores[c] > scores[best])
            best = c;
    printf("%-12s %.4f%s\n", ink_model_label(model, best), scores[best],
           use->used < use->tokens ? "  (only the beginning was read)" : "");
}

int main(int argc, char **argv)
{
    ink_error err = INK_ERROR_INIT;
    ink_model *model = NULL;
    ink_session *session = NULL;
    float *scores = NULL;
    char *line = NULL;
    size_t room = 0, labels;
    ssize_t len;
    int status = EXIT_FAILURE;
    if (argc != 2) {
        fprintf(stderr, "usage: sentiment MODEL_DIR < LINES\n");
        return 2;
    }
    if (ink_model_open(&model, argv[1], NULL, &err) != INK_OK ||
        ink_session_create(&session, model, NULL, &err) != INK_OK)
        goto done;
    labels = ink_model_labels(model);
    scores = calloc(labels ? labels : 1, sizeof *scores);
    if (!scores)
        goto done;
    while ((len = getline(&line, &room, stdin)) > 0) {
        if (line[len - 1] == '\n')
            --len;
        const ink_text text = {.text = line, .len = (size_t)len};
        ink_text_use use;
        if (ink_classify_texts(scores, labels, &use, session, &text, 1, NULL, &err) != INK_OK)
            goto done;
        print_decision(model, scores, &use);
    }
    status = EXIT_SUCCESS;
done:
    if (status != EXIT_SUCCESS)
        fprintf(stderr, "sentiment: %s\n", err.text[0] ? err.text : "no memory");
    free(line);
    free(scores);
    ink_session_free(session);
    ink_model_free(model);
    return status;
}
