/* vocab.json and merges.txt with the settings of the files beside them, as transformers' RobertaTokenizer
 * reads them where there is no tokenizer.json. */
#include "tokenizer/byte_level.h"
#include "tokenizer/open.h"
#include "core/memory.h"
#include "core/utf8.h"
#include "io/file.h"

#include <stdlib.h>
#include <string.h>

/* --- merges.txt --------------------------------------------------------------------------------------------
 */

/* Two tokens a line, the rank its place; lines that begin with "#version" are none. */
static ink_status read_lines(ink__bpe *bpe, const char *text, size_t len, const char *path, ink_error *err)
{
    size_t number = 1;
    const char *end = text + len;
    for (const char *p = text, *next; p < end; p = next, ++number) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        next = line_end ? line_end + 1 : end;
        size_t line_len = (size_t)((line_end ? line_end : end) - p);
        line_len -= line_end && line_len > 0 && p[line_len - 1] == '\r';
        if (ink__utf8_valid_prefix(p, line_len) < line_len)
            return ink_fail(err, INK_E_FORMAT, "%s: line %zu is not UTF-8", path, number);
        if (line_len >= 8 && memcmp(p, "#version", 8) == 0)
            continue;
        const char *space = memchr(p, ' ', line_len);
        const size_t left_len = space ? (size_t)(space - p) : 0, right_len = line_len - left_len - 1;
        if (!space || memchr(space + 1, ' ', right_len))
            return ink_fail(err, INK_E_FORMAT,
                            "%s: line %zu is \"%.*s\", wanted two tokens with a space between", path, number,
                            (int)(line_len < 80 ? line_len : 80), p);
        INK_TRY(ink__bpe_merge(bpe, p, left_len, space + 1, right_len, path, err));
    }
    return INK_OK;
}

static ink_status read_merges(ink__bpe *bpe, const ink__vocab *vocab, const char *path, ink_error *err)
{
    ink__map text;
    size_t lines = 1;
    INK_TRY(ink__map_open(&text, path, err));
    for (size_t i = 0; i < text.size; ++i)
        lines += ((const char *)text.data)[i] == '\n';
    ink_status st = ink__bpe_init(bpe, vocab, lines, err);
    if (st == INK_OK)
        st = read_lines(bpe, (const char *)text.data, text.size, path, err);
    ink__map_close(&text);
    return st;
}

/* --- The files beside it -----------------------------------------------------------------------------------
 */

static ink_status read_settings(ink__byte_level_config *level, bool *trim, const ink__json *config,
                                ink_error *err)
{
    const char *class = "RobertaTokenizer";
    *trim = true;
    if (!config->root)
        return INK_OK;
    INK_TRY(ink__json_string(&class, config, config->root, "tokenizer_class", err));
    if (strcmp(class, "RobertaTokenizer") != 0 && strcmp(class, "RobertaTokenizerFast") != 0)
        return ink_fail(err, INK_E_UNSUPPORTED,
                        "%s: tokenizer_class is \"%.80s\"; beside vocab.json, wanted RobertaTokenizer",
                        config->path, class);
    INK_TRY(ink__json_bool(&level->prefix_space, config, config->root, "add_prefix_space", err));
    return ink__json_bool(trim, config, config->root, "trim_offsets", err);
}

static ink_status add_tokens(ink_tokenizer *t, const char *path, const ink__json *config,
                             const ink__json *map, const ink__json *list, ink_error *err)
{
    static const char *const usual[INK__NAMED] = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
    ink__named named[INK__NAMED];
    int32_t cls, sep;
    for (int i = 0; i < INK__NAMED; ++i)
        named[i] = (ink__named){.content = usual[i], .given = true, .token.special = true};
    INK_TRY(ink__named_read(named, config, err));
    INK_TRY(ink__named_read(named, map, err));
    INK_TRY(ink__listed_add(t, config, list, err));
    INK_TRY(ink__named_add(t, named, path, config, map, err));
    INK_TRY(ink__named_id(&cls, t, &named[INK__CLS], path, err));
    INK_TRY(ink__named_id(&sep, t, &named[INK__SEP], path, err));
    t->single = (ink__template){{{cls, 0}, {sep, 0}}, .before = 1, .n = 2};
    t->pair = (ink__template){{{cls, 0}, {sep, 0}, {sep, 0}, {sep, 0}}, .before = 1, .middle = 2, .n = 4};
    return ink__tokenizer_seal_added(t, path, err);
}

ink_status ink__tokenizer_from_merges(ink_tokenizer *t, const char *dir, const ink__json *config,
                                      ink_error *err)
{
    ink_status st = INK_OK;
    ink__json map = {0}, list = {0}, vocab = {0};
    ink__bpe bpe = {0};
    ink__byte_level_config level = {0};
    bool trim;
    char *path = NULL, *merges = NULL;
    INK_TRY_GOTO(read_settings(&level, &trim, config, err));
    INK_TRY_GOTO(ink__beside_open(&map, &list, dir, config, err));
    INK_TRY_GOTO(ink__path_join(&path, dir, "vocab.json", err));
    INK_TRY_GOTO(ink__path_join(&merges, dir, "merges.txt", err));
    INK_TRY_GOTO(ink__json_open(&vocab, path, err));
    INK_TRY_GOTO(ink__vocab_read(&t->vocab, &vocab, vocab.root, err));
    INK_TRY_GOTO(read_merges(&bpe, &t->vocab, merges, err));
    st = ink__byte_level_init(t, &bpe, &level, path, err);
    bpe = (ink__bpe){0}; /* is the tokenizer's now */
    INK_TRY_GOTO(st);
    if (trim)
        ink__byte_level_trim(t, level.prefix_space);
    st = add_tokens(t, path, config, &map, &list, err);
done:
    ink__bpe_release(&bpe);
    ink__json_close(&map);
    ink__json_close(&list);
    ink__json_close(&vocab);
    free(path);
    free(merges);
    return st;
}
