/* What is known of code points, against what the package knows of every one of them. This is the test that
 * fails first where utf8proc's tables change. */
#include "tokenizer/unicode.h"
#include "support.h"

static void hash_number(uint64_t *hash, uint32_t number)
{
    for (int shift = 0; shift < 32; shift += 8)
        *hash = (*hash ^ (number >> shift & 0xFF)) * 0x100000001B3u;
}

static void hash_list(uint64_t *hash, const uint32_t *list, size_t n)
{
    hash_number(hash, (uint32_t)n);
    for (size_t i = 0; i < n; ++i)
        hash_number(hash, list[i]);
}

/* golden/code_points.txt, from make_tokenizer_golden.py, says how the hash is made. */
Test(unicode, every_code_point_is_what_the_package_takes_it_for)
{
    FILE *f = fopen(INK_TEST_DATA "/tokenizer/golden/code_points.txt", "r");
    cr_assert(f, "golden/code_points.txt");
    for (uint32_t block = 0; block < 0x110000; block += 4096) {
        uint64_t wanted, hash = 0xCBF29CE484222325u;
        cr_assert(fscanf(f, "%" SCNx64, &wanted) == 1);
        for (uint32_t cp = block; cp < block + 4096; ++cp) {
            uint32_t decomposed[INK__DECOMPOSED_MAX] = {cp}, lower[2] = {cp};
            const uint8_t class = ink__unicode_class(cp);
            if (cp >= 0xD800 && cp <= 0xDFFF)
                continue;
            hash_number(&hash, class);
            hash_list(&hash, decomposed,
                      class & INK__DECOMPOSES ? ink__unicode_decompose(decomposed, cp) : 1);
            hash_list(&hash, lower, class & INK__CASED ? ink__unicode_lower(lower, cp) : 1);
            hash_number(&hash, ink__unicode_is_word(cp));
        }
        cr_expect(hash == wanted, "something of U+%04X to U+%04X differs", (unsigned)block,
                  (unsigned)block + 4095);
    }
    fclose(f);
}

Test(unicode, the_table_of_classes_is_the_function)
{
    uint8_t *classes = malloc(65536);
    ink__unicode_fill_classes(classes);
    for (uint32_t cp = 0; cp < 65536; ++cp)
        cr_assert(classes[cp] == ink__unicode_class(cp), "U+%04X", (unsigned)cp);
    free(classes);
}

Test(unicode, the_runs_of_classes_are_in_order)
{
    cr_assert(ink__class_runs[0] >> 8 == 0);
    for (size_t i = 1; i < ink__class_runs_len; ++i)
        cr_assert(ink__class_runs[i - 1] >> 8 < ink__class_runs[i] >> 8 &&
                  ink__class_runs[i] >> 8 < 0x110000);
}

Test(unicode, marks_have_their_combining_class)
{
    cr_expect(ink__unicode_combining(0x301) == 230 && ink__unicode_combining(0x334) == 1);
    cr_expect(!(ink__unicode_class(0x1DFA) & INK__REORDERS),
              "a mark that is newer than the package's tables");
}
