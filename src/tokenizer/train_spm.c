/* SentencePiece's trainers (Kudo, "Subword regularization", ACL 2018, for unigram; byte-pair encoding of
 * Sennrich et al. 2016) in a child process. They answer most of what is wrong with a text with a status, but
 * some of it (too little text, above all) by ending the process, which a library may not do. The child writes
 * one byte, DONE or FAILED, and behind it the model or a sentence; what SentencePiece says before it ends the
 * process has no such byte in front. */
#include "core/memory.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "tokenizer/spm_shim.h"
#include "tokenizer/train.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE = 1, FAILED = 2, READ_BYTES = 1 << 16 };

/* ---- the child ------------------------------------------------------------------------------------------
 */

struct walk {
    ink__sample *sample;
    size_t next;
};

/* A sentence has been copied when the next one is asked for: its memory can go. */
static bool next_sentence(void *context, const char **text, size_t *len)
{
    struct walk *w = context;
    if (w->next > 0) {
        free(w->sample->kept[w->next - 1].bytes);
        w->sample->kept[w->next - 1].bytes = NULL;
    }
    if (w->next == w->sample->n)
        return false;
    *text = w->sample->kept[w->next].bytes;
    *len = w->sample->kept[w->next].len;
    ++w->next;
    return true;
}

/* Ends the process, so that nothing that the caller has registered runs twice. */
static void child(int out, pid_t parent, const ink_train_tokenizer_options *o, ink__sample *sample)
{
    const ink__spm_training training = {o->type, o->vocab_size, o->character_coverage, o->lowercase,
                                        o->byte_fallback};
    struct walk walk = {sample, 0};
    ink_error error = {0};
    char *bytes, verdict = DONE;
    size_t len;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, STDERR_FILENO) < 0)
        _exit(1);
    setlocale(LC_ALL, "C");
    if (ink__spm_train(&bytes, &len, &training, next_sentence, &walk, &error) != INK_OK) {
        verdict = FAILED;
        bytes = error.text;
        len = strlen(error.text);
    }
    if (ink__write_all(out, &verdict, 1, "a pipe", NULL) == INK_OK)
        (void)!ink__write_all(out, bytes, len, "a pipe", NULL);
    _exit(0);
}

/* ---- the parent -----------------------------------------------------------------------------------------
 */

/* All that the child writes, with the callback between. */
static ink_status listen(ink__text *said, int in, ink__training *training, ink_error *err)
{
    for (;;) {
        struct pollfd ready = {in, POLLIN, 0};
        INK_TRY(ink__training_tick(training, false, err));
        if (poll(&ready, 1, 100) <= 0)
            continue;
        INK_TRY(ink__text_reserve(said, READ_BYTES, err));
        const ssize_t n = read(in, said->data + said->len, READ_BYTES);
        if (n == 0)
            return INK_OK;
        if (n < 0 && errno != EINTR)
            return ink__fail_errno(err, "a pipe", "cannot be read");
        said->len += n > 0 ? (size_t)n : 0;
    }
}

static ink_status run(ink__text *said, ink__training *training, ink__sample *sample, ink_error *err)
{
    int ends[2];
    const pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ink__fail_errno(err, "a pipe", "cannot be made");
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], parent, &training->options, sample);
    }
    close(ends[1]);
    ink_status st = pid > 0 ? listen(said, ends[0], training, err)
                            : ink__fail_errno(err, "SentencePiece's trainer", "cannot be started");
    close(ends[0]);
    if (pid > 0) {
        if (st != INK_OK)
            kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return st;
}

/* ---- what it said ---------------------------------------------------------------------------------------
 */

/* Of "... Vocabulary size is smaller than required_chars. 30 vs 87. ..." the 87; 0: it is another sentence.
 */
static size_t needed(const char *text)
{
    static const char mark[] = "smaller than required_chars. ";
    const char *at = strstr(text, mark);
    const char *number = at ? strstr(at + strlen(mark), " vs ") : NULL;
    return number ? (size_t)strtoul(number + strlen(" vs "), NULL, 10) : 0;
}

static ink_status refused(const ink__text *said, size_t wanted, ink_error *err)
{
    const bool its_own = said->len > 0 && said->data[0] == FAILED;
    char text[400];
    size_t n = 0;
    for (size_t i = its_own; i < said->len && n + 1 < sizeof text; ++i)
        if (said->data[i] != '\n' || n > 0)
            text[n++] = said->data[i];
    text[n] = '\0';
    if (its_own && needed(text) > 0)
        return ink_fail(
            err, INK_E_ARG,
            "a vocabulary of %zu tokens is too small: the special tokens and the text's characters "
            "take %zu; ask for more tokens, or for a lower character coverage",
            wanted, needed(text));
    if (its_own)
        return ink_fail(err, INK_E_FORMAT, "SentencePiece cannot train: %s", text);
    text[strcspn(text, "\n")] = '\0';
    return ink_fail(
        err, INK_E_FORMAT,
        "SentencePiece's trainer ended without a result; there may be too little text, or too little "
        "memory%s%s",
        n ? ": " : "", text);
}

ink_status ink__train_spm(ink__spm_model *model, char **bytes, size_t *len, ink__training *training,
                          ink__sample *sample, ink_error *err)
{
    static const char where[] = "the model that SentencePiece made";
    const size_t wanted = training->options.vocab_size;
    ink__text said = {0};
    ink_status st = run(&said, training, sample, err);
    if (st == INK_OK && (said.len == 0 || said.data[0] != DONE))
        st = refused(&said, wanted, err);
    if (st != INK_OK) {
        ink__text_free(&said);
        return st;
    }
    *len = said.len - 1;
    memmove(said.data, said.data + 1, *len);
    *bytes = said.data;
    INK_TRY(ink__spm_model_read(model, *bytes, *len, where, err));
    if (model->n < wanted)
        return ink_fail(
            err, INK_E_ARG,
            "a vocabulary of %zu tokens is too large for this text, which has pieces for %zu; ask for "
            "so many, or give more text",
            wanted, model->n);
    return INK_OK;
}
