/* What the tokenizer is timed on where nothing else is given: everyday sentences with names, numbers, accents
 * and some Chinese. */
#ifndef INK_INFER_BENCH_TEXT_H
#define INK_INFER_BENCH_TEXT_H

static const char ink__bench_text[] =
    "I ordered two lamps on the 14th of March and only one has arrived; could you tell me where the other "
    "is?\n"
    "Great little film. The second half drags, but the last ten minutes more than make up for it.\n"
    "My invoice (no. 20931-B) shows $149.99 although the page said 20% off, so I'd like the difference "
    "back.\n"
    "Please cancel my subscription.\n"
    "The battery lasts about six hours, which is less than the twelve the advertisement promised, yet the "
    "screen "
    "is bright, the keyboard comfortable, and it wakes from sleep in a second or two.\n"
    "We stayed at the H\xc3\xb4tel du Lac near Gen\xc3\xa8ve: friendly staff, caf\xc3\xa9 downstairs, thin "
    "walls.\n"
    "how do i change the email address of my account??\n"
    "Unfortunately the replacement was broken, too. This is the third time I've had to write to you about "
    "it.\n"
    "Shares of the company fell 4.2 per cent on Tuesday after it cut its forecast for the year, citing "
    "weaker "
    "demand in Europe and higher costs of transport.\n"
    "Meeting moved to 3:30 p.m. in room B-117; bring the contracts, Jo\xc3\xa3o's notes and the signed "
    "copies.\n"
    "\xe6\x88\xbf\xe9\x97\xb4\xe5\xbe\x88\xe5\xb9\xb2\xe5\x87\x80\xef\xbc\x8c\xe6\x9c\x8d\xe5\x8a\xa1\xe5\x91"
    "\x98"
    "\xe4\xb9\x9f\xe5\xbe\x88\xe7\x83\xad\xe6\x83\x85\xe3\x80\x82\n"
    "Not bad, not good.\n"
    "The authors show that a smaller network, trained longer on cleaner text, matches the larger one on "
    "every "
    "benchmark but two, and they release both its weights and the code that produced the tables.\n"
    "Is the warranty still valid if I repaired the hinge myself?\n";

#endif
