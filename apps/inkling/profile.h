/* INK_VERBOSE=profile: one CSV line an operation on stderr. */
#ifndef INKLING_APP_PROFILE_H
#define INKLING_APP_PROFILE_H

#include <inkling.h>

/* Has the model watched if the environment asks for it. */
void profile_options(ink_model_options *options);

#endif
