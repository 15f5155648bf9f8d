/* An evaluation as people read it. */
#ifndef INKLING_CLI_EVALUATE_TABLE_H
#define INKLING_CLI_EVALUATE_TABLE_H

#include <inkling.h>

/* Prints it on stdout; compared is the other model's name, or NULL. */
void evaluate_table(const ink_evaluation *e, const char *model, const char *compared);

/* Only the comparison of the two, called first and second. */
void evaluate_comparison(const ink_evaluation *e, const char *first, const char *second);

/* The thresholds that were chosen and what they do, those with the most records first. */
void evaluate_thresholds(const ink_label_threshold *labels, size_t n);

#endif
