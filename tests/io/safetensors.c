/* The safetensors reader against files that lie, each with the sentence that it earns. Among them are those
 * of the format's own attack collection: a huge header, overlapping tensors, offsets outside the file, shapes
 * that overflow, names that come twice, holes. */
#include "io/safetensors.h"
#include "io/scratch.h"

TestSuite(safetensors, .init = make_scratch, .fini = remove_scratch);

static ink_error err;
static ink__tensors *tensors;

/* A file of that header, claiming its real length, and n_data bytes 0, 1, 2, ... */
static const char *make_file(const char *header, size_t n_data)
{
    unsigned char bytes[4096] = {0};
    const size_t n = strlen(header);
    bytes[0] = (unsigned char)n, bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < n_data; ++i)
        bytes[8 + n + i] = (unsigned char)i;
    return scratch_bytes("x.safetensors", bytes, 8 + n + n_data);
}

Test(safetensors, tensors_are_read_as_they_lie)
{
    const char *path = make_file("{\"__metadata__\":{\"format\":\"pt\"},"
                                 "\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[3,11]},"
                                 "\"b\":{\"data_offsets\":[0,3],\"dtype\":\"I8\",\"shape\":[3],\"more\":[]},"
                                 "\"none\":{\"dtype\":\"F64\",\"shape\":[4,0],\"data_offsets\":[3,3]},"
                                 "\"one\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[11,12]}}   ",
                                 12);
    assert_ok(ink__tensors_open(&tensors, path, &err), err);
    cr_expect(ink__tensors_count(tensors) == 4);
    static const char *const sorted[] = {"b", "none", "one", "w"};
    for (size_t i = 0; i < 4; ++i) {
        const ink__tensor *tensor = ink__tensors_at(tensors, i);
        cr_expect(strcmp(tensor->name, sorted[i]) == 0, "tensor %zu is %s", i, tensor->name);
        cr_expect(ink__tensors_find(tensors, sorted[i]) == tensor);
    }
    const ink__tensor *w = ink__tensors_find(tensors, "w"), *one = ink__tensors_find(tensors, "one");
    cr_expect(w->dtype == INK__F32 && w->rank == 2 && w->shape[0] == 2 && w->shape[1] == 1 && w->bytes == 8);
    cr_expect(memcmp(w->data, "\3\4\5\6\7\10\11\12", 8) == 0, "unaligned data is handed out as it is");
    cr_expect(one->dtype == INK__BOOL && one->rank == 0 && one->bytes == 1);
    cr_expect(ink__tensors_find(tensors, "none")->bytes == 0);
    cr_expect(ink__tensors_find(tensors, "x") == NULL && ink__tensors_find(tensors, "") == NULL);
    ink__tensors_free(tensors);
}

Test(safetensors, a_file_may_hold_no_tensor)
{
    assert_ok(ink__tensors_open(&tensors, make_file("{}", 0), &err), err);
    cr_expect(ink__tensors_count(tensors) == 0 && ink__tensors_find(tensors, "x") == NULL);
    ink__tensors_free(tensors);
}

Test(safetensors, every_dtype_has_its_name_and_size)
{
    static const char *const names[] = {"U64", "I64", "F64", "F32", "U32", "I32", "BF16",
                                        "F16", "U16", "I16", "I8",  "U8",  "BOOL"};
    static const size_t sizes[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1};
    for (size_t i = 0; i < INK__DTYPES; ++i) {
        char header[200];
        cr_expect(strcmp(ink__dtype_name((ink__dtype)i), names[i]) == 0);
        snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}",
                 names[i], 3 * sizes[i]);
        assert_ok(ink__tensors_open(&tensors, make_file(header, 3 * sizes[i]), &err), err);
        cr_expect(ink__tensors_at(tensors, 0)->dtype == (ink__dtype)i);
        ink__tensors_free(tensors);
    }
}

Test(safetensors, a_header_that_lies_is_refused)
{
#define T(rest) "{\"x\":{" rest "}}"
    static const struct {
        const char *header;
        size_t n_data;
        const char *wanted;
    } cases[] = {
        {"", 0, "its header does not begin with \"{\""},
        {" {}", 0, "its header does not begin with \"{\""},
        {"[]", 0, "its header does not begin with \"{\""},
        {"{\"x\":", 0, "its header is not valid JSON"},
        {"{} x", 0, "its header is not valid JSON: end of file expected"},
        {"{\"\xFF\":1}", 0, "its header is not valid JSON: unable to decode byte 0xff"},
        {"{\"a\\u0000\":1}", 0, "its header is not valid JSON"},
        {"{\"x\":5}", 0, "tensor \"x\" is a number, wanted an object"},
        {"{\"x\":{},\"x\":{}}", 0, "duplicate object key near '\"x\"'"},
        {"{\"__metadata__\":[]}", 0, "its \"__metadata__\" is an array, wanted an object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "its \"__metadata__\" has a number under \"a\", wanted a string"},
        {T(""), 0, "tensor \"x\": its \"dtype\" is missing, wanted a string"},
        {T("\"dtype\":1"), 0, "its \"dtype\" is a number, wanted a string"},
        {T("\"dtype\":\"F8_E4M3\""), 0, "tensor \"x\": dtype \"F8_E4M3\" is unknown, wanted F32"},
        {T("\"dtype\":\"f32\""), 0, "dtype \"f32\" is unknown"},
        {T("\"dtype\":\"F32\""), 0, "its \"shape\" is missing, wanted an array"},
        {T("\"dtype\":\"F32\",\"shape\":{}"), 0, "its \"shape\" is an object, wanted an array"},
        {T("\"dtype\":\"F32\",\"shape\":[-1]"), 0, "number 1 of its \"shape\" is not a whole number from 0"},
        {T("\"dtype\":\"F32\",\"shape\":[1,2.0]"), 0,
         "number 2 of its \"shape\" is not a whole number from 0"},
        {T("\"dtype\":\"F32\",\"shape\":[99999999999999999999]"), 0, "too big integer"},
        {T("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1]"), 0,
         "its \"shape\" has 9 numbers, wanted 0 to 8"},
        {T("\"dtype\":\"F32\",\"shape\":[1]"), 4, "its \"data_offsets\" is missing"},
        {T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]"), 4,
         "\"data_offsets\" has 1 numbers, wanted 2"},
        {T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]"), 4, "\"data_offsets\" has 3 numbers"},
        {T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]"), 4,
         "number 2 of its \"data_offsets\""},
        {T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]"), 4, "its offsets 4 to 0 do not lie in"},
        {T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"), 4,
         "x.safetensors: tensor \"x\": its offsets 0 to 8 do not lie in the file's 4 bytes of data"},
        {T("\"dtype\":\"F32\",\"shape\":[2305843009213693952],\"data_offsets\":[0,9223372036854775807]"), 4,
         "its offsets 0 to 9223372036854775807 do not lie in"},
        {T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"), 4,
         "its offsets span 4 bytes, its shape and dtype F32 take 8"},
        {T("\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]"), 0,
         "its shape overflows"},
        {T("\"dtype\":\"I8\",\"shape\":[4294967296,4294967297],\"data_offsets\":[0,1]"), 1,
         "its shape overflows"},
        {"{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[2,6]}}",
         6, "tensors \"a\" and \"b\" overlap: one ends at byte 4, the other begins at 2"},
        {"{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
         4, "tensors \"a\" and \"b\" overlap"},
        {"{\"b\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[5,6]},"
         "\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
         6, "a hole before tensor \"b\": bytes 4 to 5 of the data belong to none"},
        {T("\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[1,2]"), 2,
         "a hole before tensor \"x\": bytes 0 to 1"},
        {T("\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]"), 2,
         "its tensors end at byte 1 of the data, the file holds 2"},
        {"{}", 1, "its tensors end at byte 0 of the data, the file holds 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const ink_status st = ink__tensors_open(&tensors, make_file(cases[i].header, cases[i].n_data), &err);
        expect_failure(st, err, INK_E_FORMAT, cases[i].wanted);
        cr_expect(tensors == NULL);
    }
}

Test(safetensors, a_header_length_that_lies_is_refused)
{
    expect_failure(ink__tensors_open(&tensors, scratch_text("a", ""), &err), err, INK_E_FORMAT,
                   "a: has 0 bytes, too few for a safetensors file");
    expect_failure(ink__tensors_open(&tensors, scratch_text("a", "1234567"), &err), err, INK_E_FORMAT,
                   "has 7 bytes");
    expect_failure(ink__tensors_open(&tensors, scratch_bytes("a", "\3\0\0\0\0\0\0\0{}", 10), &err), err,
                   INK_E_FORMAT, "its header claims 3 bytes, only 2 follow (is it cut off?)");
    expect_failure(ink__tensors_open(&tensors, scratch_bytes("a", "\1\xE1\xF5\5\0\0\0\0{}", 10), &err), err,
                   INK_E_FORMAT, "its header claims 100000001 bytes, at most 100000000 are allowed");
    expect_failure(ink__tensors_open(&tensors, scratch_bytes("a", "\0\xE1\xF5\5\0\0\0\0{}", 10), &err), err,
                   INK_E_FORMAT, "its header claims 100000000 bytes, only 2 follow");
    expect_failure(
        ink__tensors_open(&tensors, scratch_bytes("a", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10), &err), err,
        INK_E_FORMAT, "its header claims 18446744073709551615 bytes");
    expect_failure(ink__tensors_open(&tensors, scratch_path("none"), &err), err, INK_E_IO, "No such file");
    expect_failure(ink__tensors_open(&tensors, scratch, &err), err, INK_E_IO, "is a directory");
}

Test(safetensors, a_file_cut_off_anywhere_is_refused)
{
    size_t len;
    char *whole =
        read_back(&len, make_file("{\"x\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4));
    for (size_t n = 0; n < len; ++n)
        cr_expect(ink__tensors_open(&tensors, scratch_bytes("cut", whole, n), &err) == INK_E_FORMAT,
                  "%zu of %zu bytes", n, len);
    assert_ok(ink__tensors_open(&tensors, scratch_bytes("cut", whole, len), &err), err);
    ink__tensors_free(tensors);
    free(whole);
}

Test(safetensors, a_very_long_name_leaves_room_for_the_sentence)
{
    char header[3000] = "{\"";
    memset(header + 2, 'n', 2000);
    strcpy(header + 2002, "\":[]}");
    expect_failure(ink__tensors_open(&tensors, make_file(header, 0), &err), err, INK_E_FORMAT,
                   "nnn\" is an array, wanted an object");
}

Test(safetensors, released_pages_can_be_read_again)
{
    enum { BYTES = 1 << 20 };
    char *data = malloc(BYTES);
    for (int i = 0; i < BYTES; ++i)
        data[i] = (char)(i * 31 >> 4);
    const ink__tensor tensor = {"x", INK__I8, 1, {BYTES}, data, BYTES, NULL};
    const char *path = scratch_path("big.safetensors");
    assert_ok(ink__tensors_write(path, &tensor, 1, &err), err);
    assert_ok(ink__tensors_open(&tensors, path, &err), err);
    const ink__tensor *read = ink__tensors_at(tensors, 0);
    cr_expect(memcmp(read->data, data, BYTES) == 0);
    ink__tensors_release_pages(read);
    cr_expect(memcmp(read->data, data, BYTES) == 0);
    ink__tensors_free(tensors);
    free(data);
}
