/* Texts of more tokens than are wanted: windows over all of them, and their two ends. */
#include "tokenizer/windows.h"
#include "cases.h"
#include "support.h"

static const char text[] =
    "the cafe of the world, unknowable: unwanted! the end of the unwanted world the cafe";
enum { LENGTH = sizeof text - 1 };

/* What the windows of one text were. */
struct seen {
    const ink_encoding *all;
    size_t stride, most, windows, next; /* next: the place in all of the first token that no window had */
    size_t fail_at;                     /* 0: never */
};

static ink_status look(void *user, const ink_encoding *w, ink_error *e)
{
    struct seen *s = user;
    if (s->fail_at && s->windows + 1 == s->fail_at)
        return ink_fail(e, INK_E_CANCELLED, "enough");
    const size_t begin = s->windows ? s->next - s->stride : 1, n = w->length - 2;
    cr_assert(w->length <= s->most && begin + n < s->all->length, "window %zu", s->windows);
    cr_expect(s->windows == 0 || n > s->stride, "window %zu has nothing new", s->windows);
    cr_expect(w->ids[0] == s->all->ids[0] && w->ids[n + 1] == s->all->ids[s->all->length - 1]);
    cr_expect(w->spans[0].end == 0 && w->spans[n + 1].end == 0, "special tokens");
    for (size_t i = 0; i < n; ++i)
        cr_expect(w->ids[1 + i] == s->all->ids[begin + i] && w->types[1 + i] == 0 &&
                      w->spans[1 + i].begin == s->all->spans[begin + i].begin &&
                      w->spans[1 + i].end == s->all->spans[begin + i].end,
                  "window %zu, token %zu, at most %zu, stride %zu", s->windows, i, s->most, s->stride);
    s->next = begin + n, ++s->windows;
    return INK_OK;
}

Test(windows, hold_every_token_in_order_and_share_a_stride)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding all = {0}, e = {0};
    assert_ok(ink_tokenizer_encode(&all, t, text, LENGTH, NULL, 0, NULL, &err), err);
    for (size_t most = 3; most < all.length + 3; ++most)
        for (size_t stride = 0; stride + 2 < most; ++stride) {
            const ink_encode_options o = {.version = 1, .max_length = most};
            struct seen seen = {.all = &all, .stride = stride, .most = most};
            assert_ok(ink__encode_windows(&e, t, text, LENGTH, &o, stride, look, &seen, &err), err);
            cr_expect(seen.next == all.length - 1, "%zu of %zu tokens", seen.next, all.length - 1);
            cr_expect(e.total == all.length && (most < all.length || seen.windows == 1));
            const size_t rest = all.length > most ? all.length - most : 0, step = most - 2 - stride;
            cr_expect(seen.windows == 1 + (rest + step - 1) / step, "%zu windows", seen.windows);
        }
    ink_encoding_free(&all), ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(windows, of_an_empty_text_are_one_of_special_tokens)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding all = {0}, e = {0};
    const ink_encode_options o = {.version = 1, .max_length = 8};
    assert_ok(ink_tokenizer_encode(&all, t, "", 0, NULL, 0, NULL, &err), err);
    struct seen seen = {.all = &all, .most = 8};
    assert_ok(ink__encode_windows(&e, t, NULL, 0, &o, 0, look, &seen, &err), err);
    cr_expect(seen.windows == 1 && e.total == 2);
    ink_encoding_free(&all), ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(windows, refuse_a_stride_that_leaves_nothing_new_and_pass_failures_on)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding all = {0}, e = {0};
    assert_ok(ink_tokenizer_encode(&all, t, text, LENGTH, NULL, 0, NULL, &err), err);
    ink_encode_options o = {.version = 1, .max_length = 6};
    struct seen seen = {.all = &all, .most = 6};
    cr_expect(ink__encode_windows(&e, t, text, LENGTH, &o, 4, look, &seen, &err) == INK_E_ARG &&
                  strstr(err.text, "a stride of 4 tokens: windows of 6 tokens have room for 4"),
              "%s", err.text);
    o.max_length = 0;
    cr_expect(ink__encode_windows(&e, t, text, LENGTH, &o, 0, look, &seen, &err) == INK_E_ARG);
    o.max_length = 2;
    cr_expect(ink__encode_windows(&e, t, text, LENGTH, &o, 0, look, &seen, &err) == INK_E_ARG);
    cr_expect(seen.windows == 0);
    for (size_t at = 1; at < 5; ++at) {
        seen = (struct seen){.all = &all, .most = 6, .fail_at = at};
        o.max_length = 6;
        cr_expect(ink__encode_windows(&e, t, text, LENGTH, &o, 0, look, &seen, &err) == INK_E_CANCELLED);
        cr_expect(seen.windows == at - 1, "%zu windows before the one that failed", seen.windows);
    }
    ink_encoding_free(&all), ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

Test(windows, two_ends_are_a_quarter_and_three)
{
    ink_tokenizer *t = open_golden("uncased");
    ink_encoding all = {0}, e = {0};
    assert_ok(ink_tokenizer_encode(&all, t, text, LENGTH, NULL, 0, NULL, &err), err);
    for (size_t most = 2; most < all.length + 3; ++most) {
        const ink_encode_options o = {.version = 1, .max_length = most, .head_tail = true};
        assert_ok(ink_tokenizer_encode(&e, t, text, LENGTH, NULL, 0, &o, &err), err);
        const size_t n = most < all.length ? most : all.length, room = n - 2;
        const size_t head = n < all.length ? (room + 2) / 4 : room, tail = room - head;
        cr_assert(e.length == n && e.total == all.length, "%zu of %zu tokens", e.length, e.total);
        for (size_t i = 0; i < n; ++i) {
            const size_t from = i < 1 + head ? i : all.length - 1 - tail + (i - 1 - head);
            cr_expect(e.ids[i] == all.ids[from] && e.spans[i].begin == all.spans[from].begin, "%zu of %zu", i,
                      most);
        }
    }
    const ink_encode_options o = {.version = 1, .max_length = 8, .head_tail = true};
    cr_expect(ink_tokenizer_encode(&e, t, "a", 1, "b", 1, &o, &err) == INK_E_ARG &&
              strstr(err.text, "pairs"));
    ink_encoding_free(&all), ink_encoding_free(&e);
    ink_tokenizer_free(t);
}

static ink_status count(void *user, const ink_encoding *w, ink_error *e)
{
    (void)w, (void)e;
    ++*(size_t *)user;
    return INK_OK;
}

Test(windows, memory_is_that_of_a_window_whatever_the_text)
{
    enum { BYTES = 3 << 20 };
    ink_tokenizer *t = open_golden("uncased");
    char *long_text = malloc(BYTES);
    cr_assert(long_text);
    for (size_t i = 0; i < BYTES; ++i)
        long_text[i] = "the cafe "[i % 9];
    ink_encoding e = {0};
    size_t windows = 0;
    ink_encode_options o = {.version = 1, .max_length = 128};
    assert_ok(ink__encode_windows(&e, t, long_text, BYTES, &o, 0, count, &windows, &err), err);
    cr_expect(windows > 1000 && windows == (e.total - 2 + 125) / 126, "%zu windows", windows);
    cr_expect(e.capacity < 2000, "room for %zu tokens", e.capacity);
    o.head_tail = true;
    assert_ok(ink_tokenizer_encode(&e, t, long_text, BYTES, NULL, 0, &o, &err), err);
    cr_expect(e.length == 128 && e.capacity < 2000, "room for %zu tokens", e.capacity);
    ink_encoding_free(&e);
    free(long_text);
    ink_tokenizer_free(t);
}
