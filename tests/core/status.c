/* The one door through which failures leave: what it makes of a sentence. */
#include "core/status.h"
#include "core/utf8.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

/* A sentence as err holds it when it was made from `text` alone. */
static const char *printed(ink_error *err, const char *text)
{
    memset(err, 0xA5, sizeof *err);
    cr_expect(ink_fail(err, INK_E_IO, "%s", text) == INK_E_IO);
    cr_assert(memchr(err->text, '\0', sizeof err->text), "the text is terminated");
    return err->text;
}

Test(status, a_failure_carries_status_sentence_and_place)
{
    ink_error err;
    const int line = __LINE__ + 1;
    cr_expect(ink_fail(&err, INK_E_SHAPE, "%zu rows, wanted %d", (size_t)7, 5) == INK_E_SHAPE);
    cr_expect(err.status == INK_E_SHAPE);
    cr_expect(strcmp(err.text, "7 rows, wanted 5") == 0, "%s", err.text);
    cr_expect(strcmp(err.file, __FILE__) == 0 && err.line == line, "%s:%d", err.file, err.line);
}

Test(status, a_failure_without_a_place_to_tell_it_is_still_a_failure)
{
    cr_expect(ink_fail(NULL, INK_E_FORMAT, "%s", "unheard") == INK_E_FORMAT);
}

Test(status, control_bytes_become_question_marks)
{
    ink_error err;
    cr_expect(strcmp(printed(&err, "a\nb\tc\x1b[31m\x7f."), "a?b?c?[31m?.") == 0, "%s", err.text);
    for (int c = 1; c < 0x20; ++c) {
        const char text[] = {'<', (char)c, '>', '\0'};
        cr_expect(strcmp(printed(&err, text), "<?>") == 0, "byte %d", c);
    }
    for (unsigned c = 0x80; c < 0xA0; ++c) { /* C1 controls: U+0080 to U+009F, some move a cursor */
        const char text[] = {'<', (char)0xC2, (char)c, '>', '\0'};
        cr_expect(strcmp(printed(&err, text), "<?>") == 0, "U+%04X", c);
    }
}

Test(status, good_utf8_passes_and_bad_becomes_replacement_characters)
{
    ink_error err;
    cr_expect(strcmp(printed(&err, "größer 漢字 😀"), "größer 漢字 😀") == 0, "%s", err.text);
    cr_expect(strcmp(printed(&err, "a\xFFz"), "a\xEF\xBF\xBDz") == 0, "%s", err.text);
    cr_expect(strcmp(printed(&err, "\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") == 0);
    cr_expect(strcmp(printed(&err, "cut \xE6\xBC"), "cut \xEF\xBF\xBD") == 0, "%s", err.text);
    cr_expect(strcmp(printed(&err, ""), "") == 0);
}

/* Every length around the struct's and the working buffer's, in characters of 1 to 4 bytes and of bad bytes
 * that grow to 3: whole where it fits, else cut between characters and marked. */
Test(status, what_is_too_long_ends_in_an_ellipsis_and_whole_characters)
{
    static const char *const characters[] = {"x", "ß", "漢", "😀", "\xFF"};
    static char text[4 * 3001];
    for (size_t i = 0; i < sizeof characters / sizeof *characters; ++i) {
        const size_t bytes = strlen(characters[i]), grown = characters[i][0] == '\xFF' ? 3 : bytes;
        const size_t room = (sizeof((ink_error *)0)->text - 4) / grown; /* "..." and the terminator */
        for (size_t n = 1; n < 3000; n += n < 200 || (n > 1050 && n < 1950) ? 97 : 1) {
            for (size_t k = 0; k < n; ++k)
                memcpy(text + k * bytes, characters[i], bytes);
            text[n * bytes] = '\0';
            ink_error err;
            const char *said = printed(&err, text);
            const size_t len = strlen(said);
            cr_assert(ink__utf8_valid_prefix(said, len) == len, "%zu x `%s`", n, characters[i]);
            if (n <= room) {
                cr_assert(len == n * grown, "%zu x `%s`: %zu bytes", n, characters[i], len);
            } else {
                cr_assert(len == room * grown + 3, "%zu x `%s`: %zu bytes", n, characters[i], len);
                cr_assert(strcmp(said + len - 3, "...") == 0);
            }
        }
    }
}

Test(status, an_error_can_be_wrapped_in_itself)
{
    ink_error err;
    (void)ink_fail(&err, INK_E_FORMAT, "line %d: no comma", 12);
    (void)ink_fail(&err, INK_E_IO, "%s: %s", "data.csv", err.text);
    cr_expect(err.status == INK_E_IO);
    cr_expect(strcmp(err.text, "data.csv: line 12: no comma") == 0, "%s", err.text);

    for (int i = 0; i < 200; ++i) /* grows past the struct */
        (void)ink_fail(&err, INK_E_IO, "%s: %s", "data.csv", err.text);
    cr_expect(strncmp(err.text, "data.csv: data.csv: ", 20) == 0, "%s", err.text);
    cr_expect(strcmp(err.text + strlen(err.text) - 3, "...") == 0, "%s", err.text);
}

Test(status, every_status_has_its_own_name)
{
    for (int i = INK_OK; i <= INK_E_CANCELLED; ++i) {
        const char *name = ink_status_name((ink_status)i);
        cr_expect(strncmp(name, i == INK_OK ? "INK_OK" : "INK_E_", 6) == 0 && name[strlen(name) - 1] != '?',
                  "%d is %s", i, name);
        for (int k = INK_OK; k < i; ++k)
            cr_expect(strcmp(name, ink_status_name((ink_status)k)) != 0, "%s twice", name);
    }
    cr_expect(ink_status_name((ink_status)(INK_E_CANCELLED + 1)), "never NULL");
    cr_expect(ink_status_name((ink_status)-1), "never NULL");
}

Test(status, the_version_is_the_headers)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", INK_VERSION_MAJOR, INK_VERSION_MINOR, INK_VERSION_PATCH);
    cr_expect(strcmp(ink_version(), text) == 0, "%s, the header says %s", ink_version(), text);
}
