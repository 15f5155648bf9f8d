/* What is wrong with labelled data, found before a model learns it: texts that repeat or contradict each
 * other, texts in both train and dev, empty and over-long ones; and the parting of data into train and dev.
 */
#ifndef INK_TRAIN_FINDINGS_H
#define INK_TRAIN_FINDINGS_H

#include "train/dataset.h"

enum { INK__EXAMPLES = 3 };

/* How often, and where the first few are. */
typedef struct ink__finding {
    size_t count;
    size_t records[INK__EXAMPLES]; /* of the set that was looked at */
    size_t others[INK__EXAMPLES];  /* the record that each is compared with; itself where there is none */
} ink__finding;

typedef struct ink__findings {
    ink__finding repeated;     /* the text of an earlier record, and its labels */
    ink__finding contradicted; /* the text of an earlier record, but other labels or another value */
    ink__finding shared;       /* a text that the other set has as well */
    ink__finding empty;        /* no tokens but special ones */
    ink__finding cut;          /* longer than the maximum: only the beginning is used */
    ink__finding bad_bytes;    /* not UTF-8: U+FFFD stands in its place */
    size_t *label_counts;      /* [C] records that have each label */
} ink__findings;

/* Looks through a set; `other`, which may be NULL, is the one it should share no text with. "Earlier" is
 * the first record of the same text; texts are compared by their digests (core/digest.h). */
ink_status ink__findings_make(ink__findings *findings, const ink__dataset *dataset, const ink__dataset *other,
                              ink_error *err);
void ink__findings_free(ink__findings *findings);

/* *first [n], to be freed: for each record the first one of its text, perhaps itself. */
ink_status ink__find_firsts(size_t **first, const ink__dataset *dataset, ink_error *err);

/* Of records with the same text, whatever their labels, only the first stays, and none whose text is in
 * `other` (which may be NULL). *dropped = how many went. INK_E_FORMAT: none would stay. */
ink_status ink__drop_duplicates(size_t *dropped, ink__dataset *dataset, const ink__dataset *other,
                                ink_error *err);

/* Moves a tenth of the records from dataset to *held, drawn by the seed, class by class: of each class that
 * has two different texts at least one goes and one stays. A multi-label record counts for its rarest label,
 * those of a regression are of one class. Records of one text go together, so that none is on both sides.
 * INK_E_FORMAT: too few records for that. */
ink_status ink__hold_out(ink__dataset *held, ink__dataset *dataset, uint64_t seed, ink_error *err);

#endif
