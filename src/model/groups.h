/* Groups of whole sequences, each of which one thread takes through all layers. */
#ifndef INK_MODEL_GROUPS_H
#define INK_MODEL_GROUPS_H

#include <stddef.h>

/* Rows of a group at most: the states of many more do not stay in a core's own cache from layer to layer, and
 * with far fewer the weights, which every group reads again, count. */
enum { INK__GROUP = 640 };

/* starts [n+1] = the first sequence of each of n groups, and B: a multiple of `threads` groups at best, of
 * about equally many rows and none of more than `most`. Returns n; 0 where groups are no good, for a sequence
 * is longer than that, or the busiest thread would have over a sixteenth more rows than its share. starts has
 * room for B+1, busy [threads] is scratch. */
size_t ink__groups_make(size_t *starts, size_t *busy, const size_t *offsets, size_t B, size_t threads,
                        size_t most);

#endif
