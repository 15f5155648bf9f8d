/* Copying the files beside the weights: see companions.h. */
#include "model/companions.h"
#include "io/file.h"
#include "model/calibration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    ink__companions of; /* the smaller set it belongs to */
} companions[] = {
    {"config.json", INK__ALL_FILES},
    {"vocab.txt", INK__TOKENIZER_FILES},
    {"vocab.json", INK__TOKENIZER_FILES},
    {"merges.txt", INK__TOKENIZER_FILES},
    {"tokenizer.json", INK__TOKENIZER_FILES},
    {"tokenizer_config.json", INK__TOKENIZER_FILES},
    {"added_tokens.json", INK__TOKENIZER_FILES},
    {"special_tokens_map.json", INK__TOKENIZER_FILES},
    {"sentencepiece.bpe.model", INK__TOKENIZER_FILES},
    {"sentencepiece.model", INK__TOKENIZER_FILES},
    {"spiece.model", INK__TOKENIZER_FILES},
    {"modules.json", INK__ALL_FILES},
    {"1_Pooling/config.json", INK__ALL_FILES},
    {"sentence_bert_config.json", INK__ALL_FILES},
    {INK__CALIBRATION_FILE, INK__WITH_WEIGHTS},
};

/* Makes dir/1_Pooling for a file in it. */
static ink_status make_folder(const char *dir, const char *name, ink_error *err)
{
    const char *slash = strchr(name, '/');
    char *path;
    if (!slash)
        return INK_OK;
    INK_TRY(ink__path_join(&path, dir, name, err));
    path[strlen(path) - strlen(slash)] = '\0';
    const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    const ink_status st = made ? INK_OK : ink__fail_errno(err, path, "cannot be made");
    free(path);
    return st;
}

ink_status ink__copy_into(const char *to_dir, const char *from_dir, const char *name, ink_error *err)
{
    char *from = NULL, *to = NULL;
    ink__map map = {0};
    ink__atomic *file = NULL;
    ink_status st;
    INK_TRY_GOTO(ink__path_join(&from, from_dir, name, err));
    INK_TRY_GOTO(ink__path_join(&to, to_dir, name, err));
    INK_TRY_GOTO(ink__map_open(&map, from, err));
    INK_TRY_GOTO(ink__atomic_open(&file, to, err));
    INK_TRY_GOTO(ink__atomic_write(file, map.data, map.size, err));
    st = ink__atomic_commit(file, err);
done:
    ink__atomic_free(file);
    ink__map_close(&map);
    free(from);
    free(to);
    return st;
}

bool ink__same_directory(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

ink_status ink__companions_copy(const char *to_dir, const char *from_dir, ink__companions which,
                                ink_error *err)
{
    if (ink__same_directory(to_dir, from_dir))
        return INK_OK;
    for (size_t i = 0; i < sizeof companions / sizeof *companions; ++i)
        if (companions[i].of <= which && ink__file_exists(from_dir, companions[i].name)) {
            INK_TRY(make_folder(to_dir, companions[i].name, err));
            INK_TRY(ink__copy_into(to_dir, from_dir, companions[i].name, err));
        }
    return INK_OK;
}

ink_status ink__companions_digest(ink__digest *digest, const char *dir, ink__companions which, ink_error *err)
{
    for (size_t i = 0; i < sizeof companions / sizeof *companions; ++i) {
        const char *name = companions[i].name;
        char *path;
        ink__map map = {0};
        if (companions[i].of > which || !ink__file_exists(dir, name))
            continue;
        INK_TRY(ink__path_join(&path, dir, name, err));
        const ink_status st = ink__map_open(&map, path, err);
        free(path);
        INK_TRY(st);
        *digest = ink__digest_of(*digest, name, strlen(name));
        *digest = ink__digest_of(*digest, map.data, map.size);
        ink__map_close(&map);
    }
    return INK_OK;
}
