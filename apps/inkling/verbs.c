/* All verbs, in the order in which the overview names them. */
#include "cli.h"

const cli_verb *const cli_verbs[] = {&verb_classify,
                                     &verb_embed,
                                     &verb_tokenize,
                                     &verb_finetune,
                                     &verb_evaluate,
                                     &verb_train_tokenizer,
                                     &verb_pretrain,
                                     &verb_quantize,
                                     &verb_calibrate,
                                     &verb_info,
                                     &verb_bench,
                                     &verb_completion,
                                     NULL};
