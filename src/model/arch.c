/* The list of architectures: see arch.h. */
#include "model/arch.h"
#include "model/arch_families.h"

#include <stdio.h>
#include <string.h>

static const ink__arch *const archs[] = {
    &ink__arch_bert,    &ink__arch_distilbert,  &ink__arch_electra,
    &ink__arch_roberta, &ink__arch_xlm_roberta, &ink__arch_camembert,
    &ink__arch_albert,  &ink__arch_modernbert,  &ink__arch_mpnet,
};

enum { ARCHS = sizeof archs / sizeof *archs };

const ink__arch *ink__arch_find(const char *model_type)
{
    for (size_t i = 0; i < ARCHS; ++i)
        if (strcmp(archs[i]->model_type, model_type) == 0)
            return archs[i];
    return NULL;
}

void ink__arch_names(char *text, size_t size)
{
    text[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < ARCHS && used < size; ++i)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", archs[i]->model_type);
}
