/* Names of operations: see inkling/profile.h. */
#include <inkling/profile.h>

const char *ink_operation_name(ink_operation operation)
{
    static const char *const names[INK_OPERATIONS] = {
        "embedding", "qkv", "attention", "attn_out+norm", "ff_in+activation", "ff_out+norm", "head",
    };
    return (size_t)operation < INK_OPERATIONS ? names[operation] : NULL;
}
