/* Training a tokenizer: text in, a Hugging Face directory with a vocabulary of its own out. */
#ifndef INKLING_TRAIN_TOKENIZER_H
#define INKLING_TRAIN_TOKENIZER_H

#include <inkling/base.h>
#include <inkling/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a training stands. */
typedef struct ink_train_tokenizer_progress {
    const char *stage;                /* "reading" or "training"; static */
    uint64_t records;                 /* read so far */
    uint64_t bytes_read, bytes_total; /* of the inputs, as they are stored; total 0: not known */
    uint64_t tokens;                  /* of the vocabulary, so far; 0 where SentencePiece does not say */
    double seconds;
} ink_train_tokenizer_progress;

/* Called about ten times a second on the thread that called ink_train_tokenizer. Non-zero stops the training
 * with INK_E_CANCELLED; then nothing is written. */
typedef int ink_train_tokenizer_callback(const ink_train_tokenizer_progress *progress, void *user);

/* Start from INK_TRAIN_TOKENIZER_OPTIONS_INIT, and set out, type and inputs. The strings stay the caller's.
 */
typedef struct ink_train_tokenizer_options {
    uint32_t version;          /* 1 */
    const char *out;           /* the directory that is made: it may not be there yet, unless it is empty */
    const char *type;          /* "unigram", "bpe", "wordpiece" */
    size_t vocab_size;         /* tokens in all, special ones included; 0: 30000 */
    const char *const *inputs; /* [n_inputs] as in ink_job_options; none: stdin */
    size_t n_inputs;
    ink_format format;
    char delimiter;               /* as in ink_job_options */
    const char *text, *text_pair; /* field names: "text", and NULL: there is no second text */
    bool lowercase;            /* an uncased tokenizer: capitals become small; WordPiece drops accents too */
    double character_coverage; /* share of the text's characters whose kinds get a token, the commonest first;
                                * the others are unknown; 0.98 to 1. 0: 0.9995 */
    bool byte_fallback;        /* unigram and bpe: 256 tokens for bytes, so that no character is unknown */
    size_t input_sentences;    /* unigram and bpe: at most so many lines are trained on, drawn evenly from
                                * all of them; 0: 200000 */
    uint64_t seed;             /* of the draw */
    bool leave_out_bad;        /* bad records are counted and left out; default: the first one is the end */
    ink_train_tokenizer_callback *progress; /* may be NULL */
    void *user;
} ink_train_tokenizer_options;
#define INK_TRAIN_TOKENIZER_OPTIONS_INIT                                                                     \
    {                                                                                                        \
        1, NULL, NULL, 0, NULL, 0, INK_FORMAT_AUTO, 0, NULL, NULL, false, 0, false, 0, 42, false, NULL, NULL \
    }

/* What became of it. Also filled when it fails. */
typedef struct ink_train_tokenizer_report {
    uint64_t records, left_out; /* records read, and the bad ones among them */
    uint64_t bad_bytes;         /* ill-formed UTF-8 sequences read as U+FFFD */
    uint64_t sentences, used;   /* unigram and bpe: lines with text in them, and those trained on */
    uint64_t words;             /* wordpiece: different words */
    size_t vocab_size;          /* tokens written */
    double seconds;
    char first_error[512]; /* of the records left out */
    uint64_t unread;       /* as in ink_job_report */
    char notes[1024];      /* as in ink_job_report */
} ink_train_tokenizer_report;

/* Learns a vocabulary of exactly vocab_size tokens and writes the directory, all of it or nothing:
 *
 *   wordpiece  vocab.txt, tokenizer.json, tokenizer_config.json (BertTokenizer), special_tokens_map.json
 *   unigram    spiece.model, tokenizer.json, tokenizer_config.json (PreTrainedTokenizerFast), ...
 *   bpe        the same without a model file, which Hugging Face would take for a unigram one
 *
 * It opens with ink_tokenizer_open and with transformers' AutoTokenizer, and both give the same ids. The
 * special tokens are [PAD] [UNK] [CLS] [SEP] [MASK] with the ids 0 to 4, a text becomes [CLS] A [SEP], a pair
 * [CLS] A [SEP] B [SEP], and the maximum length is 512. The same inputs, options and seed give the same
 * bytes, whatever the machine's load or number of processors.
 *
 * wordpiece reads all of the text and keeps its different words, with their counts. unigram and bpe are
 * trained by SentencePiece, on lines: of more than 512 bytes each is cut, between words where there are any;
 * of more than input_sentences lines an even draw is kept (Vitter's algorithm R). That holds memory to about
 * 40 bytes a byte kept. SentencePiece's trainer ends its process where it meets what it did not expect, so it
 * runs in a child process (fork), which ends with this call.
 *
 * INK_E_ARG        settings that cannot be; a vocab_size that the text is too small or has too many
 * characters for (the text says what would do); out is there already INK_E_FORMAT     a bad record; there is
 * no text in the inputs; SentencePiece gave up INK_E_IO         an input cannot be read, or the directory not
 * written INK_E_CANCELLED  the callback said so */
INK_API INK_NODISCARD ink_status ink_train_tokenizer(ink_train_tokenizer_report *report,
                                                     const ink_train_tokenizer_options *options,
                                                     ink_error *err);

#ifdef __cplusplus
}
#endif
#endif
