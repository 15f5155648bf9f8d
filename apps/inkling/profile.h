/* INK_VERBOSE=profile: one CSV line an operation on stderr. */
#ifndef INKLING_APP_PROFILE_H
#define INKLING_APP_PROFILE_H

#include <inkling.h>

/* ink_model_open, watched if the environment asks for it. */
ink_status profile_model_open(ink_model **model, const char *dir, ink_error *err);

#endif
