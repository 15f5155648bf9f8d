/* usage: label MODEL_DIR: labels one sentence, through the installed headers and nothing else. */
#include <inkling.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *sentence = "The service was very good, the staff great!";
    const ink_text text = {.text = sentence, .len = strlen(sentence)};
    ink_model *model = NULL;
    ink_session *session = NULL;
    ink_error err = {0};
    float scores[3];
    if (argc != 2 || ink_model_open(&model, argv[1], NULL, &err) ||
        ink_session_create(&session, model, NULL, &err) ||
        ink_classify_texts(scores, 3, NULL, session, &text, 1, NULL, &err)) {
        fprintf(stderr, "%s: %s\n", ink_status_name(err.status), err.text);
        return 1;
    }
    printf("%s %.3f, inkling %s\n", ink_model_label(model, 2), (double)scores[2], ink_version());
    ink_session_free(session);
    ink_model_free(model);
    return 0;
}
