/* A bench's numbers as a table for people, on stdout. */
#ifndef INKLING_BENCH_TABLE_H
#define INKLING_BENCH_TABLE_H

#include <inkling.h>

void bench_table(const ink_bench *bench, const ink_model *model, const char *dir);

#endif
