/* Bytes of one input after the other, read in large pieces and decompressed: a window of unread bytes that
 * format readers look into and take from. */
#ifndef INK_IO_SOURCE_H
#define INK_IO_SOURCE_H

#include "io/unpack.h"

#include "core/crc32c.h"

/* Bytes on their way through a codec. */
typedef struct ink__packed {
    const ink__codec *codec; /* NULL: the bytes are taken as they are */
    void *state;             /* its own */
    char *data;              /* compressed bytes are data[begin, end) */
    size_t begin, end;
    bool eof;  /* nothing follows data[end) */
    bool more; /* it may have bytes to give without taking any */
    ink__unpacked where;
    uint64_t taken;   /* compressed bytes that the codec has taken */
    ink_error broken; /* found behind bytes that were given; the next call says so */
} ink__packed;

typedef struct ink__source {
    const char *name; /* for messages: the path, or "standard input"; borrowed */
    bool is_stdin;
    int fd;             /* -1: closed */
    ink__packed packed; /* between fd and data */
    char *data;         /* the unread bytes are data[begin, end) */
    size_t begin, end, capacity;
    bool eof;                 /* nothing follows data[end) */
    bool started;             /* the byte order mark has been dealt with */
    uint64_t lines;           /* complete lines taken so far by ink__source_line */
    size_t searched, dropped; /* of the line being looked for: bytes without an end in them, bytes let go */
    uint64_t bytes_read;      /* from this input and those before, as they were stored */
    bool skip;                /* the next record is passed over: only its end is wanted */
    const ink__crc32c *crc;   /* NULL: check is not wanted */
    uint32_t check;           /* CRC-32C of the bytes taken, of this input and those before */
} ink__source;

/* Opens path ("-" is stdin) in the place of the last input; codec NULL takes its bytes as they are. The name
 * is there even if it fails. */
ink_status ink__source_open(ink__source *source, const char *path, const ink__codec *codec, ink_error *err);
void ink__source_close(ink__source *source); /* the memory stays for the next input, and the name */
void ink__source_free(ink__source *source);  /* all of it */

/* True if the input has been read to the end of its compressed data, and something else follows: it does not
 * count. *at is the place, in bytes as they are stored. */
bool ink__source_over(uint64_t *at, const ink__source *source);

/* True if a read would have to wait: nothing has come through the pipe, nobody has typed. */
bool ink__source_waits(const ink__source *source);

/* Reads once at most, making room as needed; sets eof where there is no more. Moves data. What is compressed
 * may give no byte yet; INK_E_FORMAT where it is broken or cut off. */
ink_status ink__source_fill(ink__source *source, ink_error *err);

/* Takes n bytes off the window. */
void ink__source_take(ink__source *source, size_t n);

/* Waits until a read would not have to, or for that long; a signal ends it, too. */
void ink__source_wait(const ink__source *source, int milliseconds);

/* Looks at the very start: skips a UTF-8 byte order mark and refuses (INK_E_UNSUPPORTED) what is surely no
 * UTF-8 text, with a word on what to do. *started is false if more bytes are needed to tell. */
ink_status ink__source_start(bool *started, ink__source *source, ink_error *err);

/* What a format reader made of the window. */
typedef enum ink__step {
    INK__STEP_RECORD, /* a record, or a line */
    INK__STEP_MORE,   /* fill the window and ask again */
    INK__STEP_END     /* this input has no more */
} ink__step;

typedef struct ink__line {
    char *bytes; /* without "\n" or "\r\n"; valid until the next call on the source. NULL if too long */
    size_t len;
    uint64_t number; /* from 1 */
} ink__line;

/* Takes the next line. One of more than INK__RECORD_MAX bytes is let go of as it comes. */
ink__step ink__source_line(ink__line *line, ink__source *source);

#endif
