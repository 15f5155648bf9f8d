/* The folder that a training run writes: whether it may, found before any work is done, and the lock that
 * keeps two processes out of one folder. */
#ifndef INK_TRAIN_OUT_FOLDER_H
#define INK_TRAIN_OUT_FOLDER_H

#include "core/status.h"

/* What can be said of out before any data are read: INK_E_ARG if it may not be used, INK_E_IO if it cannot. A
 * folder that is there is locked until *lock, a descriptor or -1, is closed, so that no other process trains
 * in it; one that dies lets go of it. `result` is the file that a finished run has. */
ink_status ink__out_check(int *lock, const char *out, const char *result, bool resume, ink_error *err);
/* Makes it where it is missing, and locks it unless *lock says that it is. */
ink_status ink__out_make(int *lock, const char *out, ink_error *err);

#endif
