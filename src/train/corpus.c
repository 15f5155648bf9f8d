/* The token cache, opened: see corpus.h. */
#include "train/corpus.h"
#include "core/crc32c.h"
#include "io/inputs.h"
#include "model/companions.h"

#include <string.h>
#include <sys/stat.h>

static const char magic[8] = "INKTOKS";
enum { VERSION = 1 };

void ink__corpus_seal(ink__corpus_header *header)
{
    ink__crc32c crc;
    ink__crc32c_init(&crc);
    memcpy(header->magic, magic, sizeof magic);
    header->version = VERSION, header->crc = 0;
    header->crc = ink__crc32c_add(&crc, 0, header, sizeof *header);
}

/* ---- what it is made from -------------------------------------------------------------------------- */

static void add_text(ink__digest *key, const char *text)
{
    *key = ink__digest_of(*key, text ? text : "", text ? strlen(text) + 1 : 0);
}

/* A file that was written to has another size or time. */
static ink_status add_file(ink__digest *key, const char *path, ink_error *err)
{
    struct stat info;
    if (strcmp(path, "-") == 0)
        return ink_fail(
            err, INK_E_ARG,
            "standard input as a corpus, which could not be read again to resume; put it in a file");
    if (stat(path, &info) != 0)
        return ink__fail_errno(err, path, "cannot be used");
    const int64_t facts[] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    add_text(key, path);
    *key = ink__digest_of(*key, facts, sizeof facts);
    return INK_OK;
}

static ink_status add_files(ink__digest *key, const ink__records_options *records, ink_error *err)
{
    ink__inputs *inputs;
    ink__notes notes = {0};
    uint64_t bytes;
    bool end = false;
    ink_status st = INK_OK;
    INK_TRY(ink__inputs_open(&inputs, &bytes, records, err));
    while (st == INK_OK && !end) {
        ink__input input;
        st = ink__inputs_next(&input, &end, inputs, &notes, err);
        if (st == INK_OK && !end)
            st = add_file(key, input.path, err);
    }
    ink__inputs_free(inputs);
    return st;
}

static ink_status make_key(ink__digest *key, const ink__corpus_options *o, ink_error *err)
{
    const uint64_t settings[] = {VERSION,     o->max_length,     o->drop_duplicates,
                                 o->skip_bad, o->records.format, (unsigned char)o->records.delimiter};
    *key = ink__digest_of((ink__digest){0}, settings, sizeof settings);
    add_text(key, o->records.text);
    INK_TRY(ink__companions_digest(key, o->tokenizer_dir, INK__TOKENIZER_FILES, err));
    return add_files(key, &o->records, err);
}

/* ---- what is there --------------------------------------------------------------------------------- */

static bool header_holds(const ink__corpus_header *h)
{
    ink__corpus_header again = *h;
    ink__corpus_seal(&again);
    return h->version == VERSION && again.crc == h->crc;
}

/* Ids and offsets are looked at one by one: a checksum is no proof against whoever wrote the file. */
static bool body_holds(const ink__corpus *c, const ink__map *map, size_t V)
{
    const unsigned char *body = map->data + INK__CORPUS_HEADER;
    const size_t size = map->size - INK__CORPUS_HEADER;
    ink__digest digest = {0};
    for (size_t at = 0; at < size; at += INK__CORPUS_PIECE)
        digest =
            ink__digest_of(digest, body + at, size - at < INK__CORPUS_PIECE ? size - at : INK__CORPUS_PIECE);
    if (digest.low != c->digest.low || digest.high != c->digest.high)
        return false;
    for (size_t i = 0; i < c->counts.tokens; ++i)
        if (c->ids[i] < 0 || (size_t)c->ids[i] >= V)
            return false;
    for (size_t i = 0; i < c->counts.sequences; ++i)
        if (c->offsets[i] >= c->offsets[i + 1])
            return false;
    return c->offsets[0] == 0 && c->offsets[c->counts.sequences] == c->counts.tokens;
}

/* The longest sequence is the trainer's to know. */
static bool lengths_hold(const ink__corpus *c, size_t max_length)
{
    for (size_t i = 0; i < c->counts.sequences; ++i)
        if (c->offsets[i + 1] - c->offsets[i] > max_length)
            return false;
    return true;
}

/* *usable: a whole cache of that key. INK_E_ARG: no cache of ours at all. */
static ink_status look(bool *usable, ink__corpus *c, const char *path, ink__digest key,
                       const ink__corpus_options *o, ink_error *err)
{
    ink__corpus_header h;
    *usable = false;
    INK_TRY(ink__map_open(&c->map, path, err));
    if (c->map.size < sizeof h || memcmp(c->map.data, magic, sizeof magic) != 0)
        return ink_fail(err, INK_E_ARG, "%s: is no token cache, and would be overwritten", path);
    memcpy(&h, c->map.data, sizeof h);
    const size_t most = c->map.size / sizeof(int32_t);
    if (!header_holds(&h) || h.key.low != key.low || h.key.high != key.high || h.counts.tokens > most ||
        h.counts.sequences >= most)
        return INK_OK;
    const size_t ids = (size_t)(h.counts.tokens + 1) / 2 * 8;
    if (c->map.size != sizeof h + ids + (size_t)(h.counts.sequences + 1) * sizeof(uint64_t))
        return INK_OK;
    const void *body = c->map.data + sizeof h, *offsets = c->map.data + sizeof h + ids;
    c->ids = body, c->offsets = offsets, c->digest = h.digest, c->counts = h.counts;
    *usable =
        body_holds(c, &c->map, ink_tokenizer_vocab_size(o->tokenizer)) && lengths_hold(c, o->max_length);
    return INK_OK;
}

static ink_status open_cache(ink__corpus *c, bool *made, const char *path, const ink__corpus_options *o,
                             ink_error *err)
{
    struct stat info;
    ink__digest key;
    bool usable = false;
    if (o->records.n_inputs == 0)
        return ink_fail(err, INK_E_ARG, "no corpus to learn from");
    INK_TRY(make_key(&key, o, err));
    if (stat(path, &info) == 0)
        INK_TRY(look(&usable, c, path, key, o, err));
    *made = !usable;
    if (usable)
        return INK_OK;
    ink__corpus_close(c);
    INK_TRY(ink__corpus_make(path, key, o, err));
    INK_TRY(look(&usable, c, path, key, o, err));
    return usable ? INK_OK : ink_fail(err, INK_E_IO, "%s: is not as it was written a moment ago", path);
}

ink_status ink__corpus_open(ink__corpus *corpus, bool *made, const char *path,
                            const ink__corpus_options *options, ink_error *err)
{
    *corpus = (ink__corpus){0};
    const ink_status st = open_cache(corpus, made, path, options, err);
    if (st != INK_OK)
        ink__corpus_close(corpus);
    return st;
}

void ink__corpus_close(ink__corpus *corpus)
{
    ink__map_close(&corpus->map);
    *corpus = (ink__corpus){0};
}
