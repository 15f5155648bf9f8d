/* Inkling: BERT-style text encoders in C.
 *
 *   base.h       status, error, version; the rules of the interface
 *   tokenizer.h  text to token ids with byte offsets
 *   model.h      open a Hugging Face directory
 *   session.h    texts to scores or vectors; ids to hidden states
 *   profile.h    where an encoder's time goes
 *   job.h        whole files in, whole files out
 *   evaluate.h   how good a model is on labelled records
 *   finetune.h   labelled records and an encoder in, a classifier out
 *   quantize.h   a directory in 8 bits, measured before it is there
 *   calibrate.h  decisions with a stated error
 *   train_tokenizer.h  text in, a tokenizer with a vocabulary of its own out
 *   bench.h      how fast a model is on this machine, and how fast it could be
 *
 * The shortest program: ink_model_open, ink_session_create, ink_classify_texts, ink_model_label,
 * ink_session_free, ink_model_free (apps/sentiment/sentiment.c).
 *
 * Shape letters: B sequences, R packed rows (all tokens of a batch, no padding), S longest sequence, H
 * hidden, N heads, D = H/N, F feed-forward, L layers, V vocabulary, C labels. Arrays are row-major, written
 * [R,H]. */
#ifndef INKLING_H
#define INKLING_H

#include <inkling/base.h>
#include <inkling/profile.h>
#include <inkling/tokenizer.h>
#include <inkling/model.h>
#include <inkling/session.h>
#include <inkling/job.h>
#include <inkling/evaluate.h>
#include <inkling/finetune.h>
#include <inkling/quantize.h>
#include <inkling/calibrate.h>
#include <inkling/train_tokenizer.h>
#include <inkling/bench.h>

#endif
