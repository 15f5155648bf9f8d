/* What is found in labelled data before it is learned, and the tenth that is held out. */
#include "train/data.h"

TestSuite(findings, .init = open_tokenizer, .fini = close_tokenizer);

static const char train_text[] = "id,text,label\n"
                                 "a,good film,pos\n"  /* 2 */
                                 "b,bad film,neg\n"   /* 3 */
                                 "c,good film,pos\n"  /* 4: repeats a */
                                 "d,good film,neg\n"  /* 5: contradicts a */
                                 "e,,pos\n"           /* 6: empty */
                                 "f,Good film,pos\n"  /* 7: another text */
                                 "g,\xFF ok,neg\n"    /* 8 */
                                 "h,good film,pos\n"; /* 9: repeats a */

Test(findings, repeated_contradicted_shared_empty_and_broken_texts_are_counted_with_their_places)
{
    ink__dataset train, dev;
    ink__findings f;
    char place[128];
    read_set(&train, "train.csv", train_text);
    read_set(&dev, "dev.csv", "text,label\nnew,pos\nbad film,pos\n");
    assert_ok(ink__findings_make(&f, &train, &dev, &err), err);
    cr_expect(f.repeated.count == 2 && f.repeated.records[0] == 2 && f.repeated.others[0] == 0 &&
              f.repeated.records[1] == 7);
    cr_expect(f.contradicted.count == 1 && f.contradicted.records[0] == 3 && f.contradicted.others[0] == 0);
    cr_expect(f.shared.count == 1 && f.shared.records[0] == 1 && f.shared.others[0] == 1);
    cr_expect(f.empty.count == 1 && f.empty.records[0] == 4);
    cr_expect(f.bad_bytes.count == 1 && f.bad_bytes.records[0] == 6);
    cr_expect(f.cut.count == 0);
    cr_expect(f.label_counts[0] == 3 && f.label_counts[1] == 5);
    ink__dataset_place(place, sizeof place, &train, f.contradicted.records[0]);
    cr_expect(strstr(place, "train.csv: line 5: "), "%s", place);
    ink__findings_free(&f);
    assert_ok(ink__findings_make(&f, &train, NULL, &err), err);
    cr_expect(f.shared.count == 0 && f.repeated.count == 2);
    ink__findings_free(&f);
    ink__dataset_free(&train);
    ink__dataset_free(&dev);
}

Test(findings, texts_that_were_cut_are_counted)
{
    ink__dataset d;
    ink__findings f;
    const char *path = scratch_text("c.csv", "text,label\na b c d e f,x\na b,y\n");
    ink__dataset_options options = options_for(&path);
    options.max_length = 5;
    assert_ok(ink__dataset_read(&d, &options, &err), err);
    assert_ok(ink__findings_make(&f, &d, NULL, &err), err);
    cr_expect(f.cut.count == 1 && f.cut.records[0] == 0);
    ink__findings_free(&f);
    ink__dataset_free(&d);
}

Test(findings, labels_of_one_text_are_compared_as_sets_and_values_as_numbers)
{
    ink__dataset d;
    ink__findings f;
    read_set(&d, "m.jsonl",
             "{\"text\":\"t\",\"labels\":[\"b\",\"a\"]}\n{\"text\":\"t\",\"labels\":[\"a\",\"b\"]}\n"
             "{\"text\":\"t\",\"labels\":[\"b\"]}\n");
    assert_ok(ink__findings_make(&f, &d, NULL, &err), err);
    cr_expect(f.repeated.count == 1 && f.contradicted.count == 1);
    ink__findings_free(&f);
    ink__dataset_free(&d);
    read_set(&d, "r.csv", "text,label\nt,1.5\nt,1.50\nt,2.5\n");
    assert_ok(ink__findings_make(&f, &d, NULL, &err), err);
    cr_expect(f.repeated.count == 1 && f.contradicted.count == 1);
    ink__findings_free(&f);
    ink__dataset_free(&d);
}

Test(findings, a_pair_is_another_text_than_its_halves_the_other_way_round)
{
    ink__dataset d;
    ink__findings f;
    const char *path = scratch_text("p.csv", "text,b,label\nx,y,0\ny,x,1\nxy,,0\n,xy,1\nx,y,0\n");
    ink__dataset_options options = options_for(&path);
    options.records.text_pair = "b";
    assert_ok(ink__dataset_read(&d, &options, &err), err);
    assert_ok(ink__findings_make(&f, &d, NULL, &err), err);
    cr_expect(f.repeated.count == 1 && f.contradicted.count == 0);
    ink__findings_free(&f);
    ink__dataset_free(&d);
}

Test(findings, dropping_duplicates_keeps_the_first_and_none_that_dev_has)
{
    ink__dataset train, dev;
    size_t dropped;
    read_set(&train, "train.csv", train_text);
    read_set(&dev, "dev.csv", "text,label\nnew,pos\nbad film,pos\nbad film,pos\n");
    assert_ok(ink__drop_duplicates(&dropped, &train, NULL, &err), err);
    cr_expect(dropped == 3);
    expect_text(record_ids(&train), "\"a\" \"b\" \"e\" \"f\" \"g\"");
    assert_ok(ink__drop_duplicates(&dropped, &train, &dev, &err), err);
    cr_expect(dropped == 1);
    expect_text(record_ids(&train), "\"a\" \"e\" \"f\" \"g\"");
    expect_failure(ink__drop_duplicates(&dropped, &dev, &dev, &err), err, INK_E_FORMAT, "every text is in");
    ink__dataset_free(&train);
    ink__dataset_free(&dev);
}

/* n records of class a, and m of b, each of its own text; the first two share one. */
static void make_classes(ink__dataset *d, int n, int m)
{
    char text[8192] = "text,label\n";
    size_t used = strlen(text);
    for (int i = 0; i < n + m; ++i)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "t%d,%s\n", i == 1 ? 0 : i, i < n ? "a" : "b");
    read_set(d, "classes.csv", text);
}

Test(findings, a_tenth_of_every_class_is_held_out_by_the_seed)
{
    ink__dataset d, held, again, other;
    ink__findings f;
    char first[4096];
    make_classes(&d, 60, 4);
    assert_ok(ink__hold_out(&held, &d, 11, &err), err);
    assert_ok(ink__findings_make(&f, &held, &d, &err), err);
    cr_expect(f.label_counts[0] >= 6 && f.label_counts[0] <= 7 && f.label_counts[1] == 1);
    cr_expect(f.shared.count == 0, "a text is on both sides");
    cr_expect(d.n + held.n == 64);
    ink__findings_free(&f);
    snprintf(first, sizeof first, "%s", record_ids(&held));
    ink__dataset_free(&d);
    make_classes(&d, 60, 4);
    assert_ok(ink__hold_out(&again, &d, 11, &err), err);
    expect_text(record_ids(&again), first);
    ink__dataset_free(&d);
    make_classes(&d, 60, 4);
    assert_ok(ink__hold_out(&other, &d, 12, &err), err);
    cr_expect(strcmp(record_ids(&other), first) != 0);
    ink__dataset_free(&d);
    ink__dataset_free(&held);
    ink__dataset_free(&again);
    ink__dataset_free(&other);
}

Test(findings, every_class_with_two_texts_is_on_both_sides_whatever_the_seed)
{
    for (uint64_t seed = 0; seed < 40; ++seed) {
        ink__dataset d, held;
        ink__findings f;
        make_classes(&d, 3, 2);
        assert_ok(ink__hold_out(&held, &d, seed, &err), err);
        for (int side = 0; side < 2; ++side) {
            assert_ok(ink__findings_make(&f, side ? &held : &d, side ? &d : &held, &err), err);
            cr_expect(f.label_counts[0] > 0 && f.label_counts[1] > 0 && f.shared.count == 0, "seed %d",
                      (int)seed);
            ink__findings_free(&f);
        }
        ink__dataset_free(&d);
        ink__dataset_free(&held);
    }
}

Test(findings, too_few_records_to_hold_out_are_refused)
{
    ink__dataset d, held;
    read_set(&d, "few.csv", "text,label\na,x\nb,y\n");
    expect_failure(ink__hold_out(&held, &d, 1, &err), err, INK_E_FORMAT,
                   "few.csv: 2 records are too few to hold some of them out");
    cr_expect(d.n == 2);
    ink__dataset_free(&d);
    read_set(&d, "values.csv", "text,label\na,0.5\nb,1.5\n");
    assert_ok(ink__hold_out(&held, &d, 1, &err), err);
    cr_expect(d.n == 1 && held.n == 1 && held.values[0] + d.values[0] == 2);
    ink__dataset_free(&d);
    ink__dataset_free(&held);
}

Test(findings, a_record_of_several_labels_counts_for_its_rarest)
{
    ink__dataset d, held;
    char text[8192] = "";
    for (int i = 0, used = 0; i < 40; ++i)
        used += sprintf(text + used, "{\"text\":\"t%d\",\"labels\":[\"common\"%s]}\n", i,
                        i % 20 == 7 ? ",\"rare\"" : "");
    read_set(&d, "rare.jsonl", text);
    assert_ok(ink__hold_out(&held, &d, 5, &err), err);
    ink__findings f;
    assert_ok(ink__findings_make(&f, &held, &d, &err), err);
    cr_expect(f.label_counts[1] == 1, "%zu records with the rare label", f.label_counts[1]);
    ink__findings_free(&f);
    ink__dataset_free(&d);
    ink__dataset_free(&held);
}
