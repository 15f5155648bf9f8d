/* Texts that are longer than a model reads: see windows.h. */
#include "tokenizer/windows.h"
#include "tokenizer/tokenizer.h"

#include <string.h>

/* Moves the tokens from place `from` on to place `to`, before it. */
static void move_down(ink__sink *sink, size_t to, size_t from)
{
    ink_encoding *e = sink->encoding;
    memmove(e->ids + to, e->ids + from, (sink->at - from) * sizeof *e->ids);
    memmove(e->spans + to, e->spans + from, (sink->at - from) * sizeof *e->spans);
    sink->at -= from - to;
}

/* ---- two ends -------------------------------------------------------------------------------------- */

struct ends {
    size_t middle; /* the place behind the head */
    size_t tail;   /* tokens of it */
};

static ink_status shed_middle(ink__sink *sink, ink_error *err)
{
    const struct ends *ends = sink->shedder;
    (void)err;
    move_down(sink, ends->middle, sink->at - ends->tail);
    return INK_OK;
}

ink_status ink__encode_head_tail(ink_encoding *e, const ink_tokenizer *t, const ink__template *around,
                                 const char *text, size_t len, const ink_encode_options *o, ink_error *err)
{
    const size_t room = o->max_length - around->n, head = room / 4 + (room % 4 >= 2); /* 128 of 510 */
    struct ends ends = {around->before + head, room - head};
    ink__sink sink = {.encoding = e,
                      .at = around->before,
                      .limit = SIZE_MAX,
                      .shed = shed_middle,
                      .high = ends.middle + 2 * ends.tail + 64,
                      .shedder = &ends};
    INK_TRY(ink__encode_text(&sink, t, text, len, o->parse_special, err));
    if (sink.at - around->before > room)
        INK_TRY(shed_middle(&sink, err));
    const size_t kept = sink.at - around->before;
    INK_TRY(ink__encoding_reserve(e, kept + around->n, err));
    e->total = sink.total + around->n;
    ink__postprocess(e, around, kept, 0, sink.at + around->middle);
    return INK_OK;
}

/* ---- windows --------------------------------------------------------------------------------------- */

struct windows {
    ink__template around;
    size_t room, stride; /* of the text's tokens: in a window, and shared by two */
    ink__window_fn *take;
    void *user;
};

/* Gives n tokens from place `first` on. Those beside them make way for the special tokens and come back. */
static ink_status give(struct windows *w, ink__sink *sink, size_t first, size_t n, ink_error *err)
{
    const size_t before = w->around.before, after = w->around.n - before;
    int32_t ids[INK__SPECIALS_MAX];
    ink_span spans[INK__SPECIALS_MAX];
    INK_TRY(ink__encoding_reserve(sink->encoding, first + n + after, err));
    ink_encoding view = *sink->encoding;
    view.ids += first - before, view.types += first - before, view.spans += first - before;
    memcpy(ids, view.ids, before * sizeof *ids);
    memcpy(spans, view.spans, before * sizeof *spans);
    memcpy(ids + before, view.ids + before + n, after * sizeof *ids);
    memcpy(spans + before, view.spans + before + n, after * sizeof *spans);
    ink__postprocess(&view, &w->around, n, 0, before + n + w->around.middle);
    const ink_status st = w->take(w->user, &view, err);
    memcpy(view.ids, ids, before * sizeof *ids);
    memcpy(view.spans, spans, before * sizeof *spans);
    memcpy(view.ids + before + n, ids + before, after * sizeof *ids);
    memcpy(view.spans + before + n, spans + before, after * sizeof *spans);
    return st;
}

/* Gives every window that is full and not the last, and keeps what the next one begins with. */
static ink_status shed_windows(ink__sink *sink, ink_error *err)
{
    struct windows *w = sink->shedder;
    size_t first = w->around.before;
    for (; sink->at - first > w->room; first += w->room - w->stride)
        INK_TRY(give(w, sink, first, w->room, err));
    move_down(sink, w->around.before, first);
    return INK_OK;
}

ink_status ink__encode_windows(ink_encoding *e, const ink_tokenizer *t, const char *text, size_t len,
                               const ink_encode_options *o, size_t stride, ink__window_fn *take, void *user,
                               ink_error *err)
{
    struct windows w = {.stride = stride, .take = take, .user = user};
    INK_TRY(ink__encode_start(&w.around, e, t, false, o, err));
    w.room = o->max_length > w.around.n ? o->max_length - w.around.n : 0;
    if (stride >= w.room)
        return ink_fail(
            err, INK_E_ARG,
            "a stride of %zu tokens: windows of %zu tokens have room for %zu of the text, and more of "
            "them than the stride must be new",
            stride, o->max_length, w.room);
    ink__sink sink = {.encoding = e,
                      .at = w.around.before,
                      .limit = SIZE_MAX,
                      .shed = shed_windows,
                      .high = w.around.before + w.room + 1,
                      .shedder = &w};
    INK_TRY(ink__encode_text(&sink, t, text, len, o->parse_special, err));
    INK_TRY(shed_windows(&sink, err));
    e->total = sink.total + w.around.n;
    return give(&w, &sink, w.around.before, sink.at - w.around.before, err);
}
