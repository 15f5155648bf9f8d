/* Shared by the verbs that run jobs: see job.h. */
#include "job.h"
#include "profile.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

int job_stop_signal(void)
{
    return stop_signal;
}

/* The first signal ends the job cleanly, so that no temporary file stays behind; a second one kills. Where
 * results go to stdout there is nothing to clean up and the default action is right. */
void job_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction hangup;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* as nohup has it */
        sigaction(SIGHUP, &action, NULL);
}

ink_status job_open_model(ink_model **model, const struct job_args *args, ink_error *err)
{
    ink_model_options options = INK_MODEL_OPTIONS_INIT;
    options.precision = (ink_precision)args->precision;
    profile_options(&options);
    const ink_status st = ink_model_open(model, args->model, &options, err);
    if (st != INK_OK)
        return st;
    const ink_calibration *calibration = ink_model_calibration(*model);
    ink_model_info info;
    ink_model_get_info(&info, *model);
    if (options.precision == INK_PRECISION_INT8 && strcmp(info.precision, "int8") != 0)
        fprintf(stderr, "computing in %s: %s\n", info.precision, info.precision_why);
    if (calibration && strcmp(info.precision, calibration->precision) != 0)
        fprintf(stderr, "computing in %s, but calibrated in %s: what the calibration states need not hold\n",
                info.precision, calibration->precision);
    return INK_OK;
}

void job_print_duration(double seconds)
{
    const unsigned long s = seconds > 0 && seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 0;
    if (s >= 3600)
        fprintf(stderr, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        fprintf(stderr, "%lu:%02lu", s / 60, s % 60);
}

static void print_progress(const ink_job_progress *p, bool terminal)
{
    const double seconds = p->seconds > 1e-3 ? p->seconds : 1e-3;
    fprintf(stderr, "%s%llu records", terminal ? "\r" : "", (unsigned long long)p->records);
    if (p->bytes_total)
        fprintf(stderr, " (%.0f%%)", 100.0 * (double)p->bytes_read / (double)p->bytes_total);
    fprintf(stderr, ", %.0f/s, %.0f tokens/s", (double)(p->records - p->resumed) / seconds,
            (double)p->tokens / seconds);
    if (p->failed)
        fprintf(stderr, ", %llu failed", (unsigned long long)p->failed);
    if (p->bytes_total && p->bytes_read) {
        fputs(", ", stderr);
        job_print_duration(seconds * (double)(p->bytes_total - p->bytes_read) / (double)p->bytes_read);
        fputs(" left", stderr);
    }
    fputs(terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
}

struct meter {
    bool shown, terminal;
    double last;
};

static struct meter meter;

/* On a terminal the line is redrawn as often as the library calls; elsewhere, with --progress, every 5 s. */
static int on_progress(const ink_job_progress *progress, void *user)
{
    struct meter *m = user;
    if (m->shown && (m->terminal || progress->seconds - m->last >= 5)) {
        m->last = progress->seconds;
        print_progress(progress, m->terminal);
    }
    return stop_signal != 0;
}

int job_check(const char *verb, struct job_args *args)
{
    if (!args->model)
        return cli_usage(verb, "--model is required");
    if (args->resume && strcmp(args->output, "-") == 0)
        return cli_usage(verb, "--resume goes on with a file: name it with -o");
    return job_shard(verb, args);
}

void job_options(ink_job_options *options, const struct job_args *args, char **operands)
{
    const ink_job_options init = INK_JOB_OPTIONS_INIT;
    *options = init;
    options->inputs = (const char *const *)operands;
    while (operands[options->n_inputs])
        ++options->n_inputs;
    options->format = (ink_format)args->format;
    options->delimiter = args->delimiter;
    options->text = args->text;
    options->text_pair = args->text_pair;
    options->id = args->id;
    options->output = args->output;
    options->threads = args->threads;
    options->max_length = args->max_length;
    options->batch_tokens = args->batch_tokens;
    options->long_texts.how = (ink_long)args->long_texts;
    options->long_texts.stride = args->stride;
    options->long_texts.pooling = (ink_long_pooling)args->long_pooling;
    options->stop_on_error = args->on_error == 1;
    options->parse_special = args->parse_special;
    options->resume = args->resume;
    options->rejects = args->rejects;
    options->max_latency = args->max_latency;
    options->shard = args->shard, options->shards = args->shards;
    options->keep_all = args->keep.n == 1 && strcmp(args->keep.items[0], "all") == 0;
    options->keep = args->keep.items;
    options->n_keep = options->keep_all ? 0 : args->keep.n;
    meter.terminal = isatty(STDERR_FILENO);
    meter.shown = !args->quiet && (meter.terminal || args->progress);
    options->progress = on_progress;
    options->user = &meter;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (strcmp(args->output, "-") != 0)
        job_catch_signals();
}

static bool reader_has_gone(void)
{
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static void print_notes(const char *verb, const char *notes)
{
    for (size_t len; (len = strcspn(notes, "\n")) > 0; notes += len + (notes[len] == '\n'))
        fprintf(stderr, "inkling %s: %.*s\n", verb, (int)len, notes);
}

/* 3 of 100 records failed (2 not a JSON object, 1 too long); the first: ... */
static void print_failed(const char *verb, const ink_job_report *report)
{
    const char *before = " (";
    fprintf(stderr, "inkling %s: %llu of %llu records failed", verb, (unsigned long long)report->failed,
            (unsigned long long)report->records);
    for (int kind = 0; kind < INK_BADS; ++kind) {
        if (report->failed_by[kind] == 0)
            continue;
        fprintf(stderr, "%s%llu %s", before, (unsigned long long)report->failed_by[kind],
                ink_bad_name((ink_bad)kind));
        before = ", ";
    }
    fputs(before[0] == ',' ? ")" : "", stderr);
    fputs(report->first_error[0] ? "; the first: " : "", stderr);
    fprintf(stderr, "%s\n", report->first_error);
}

/* An empty input is no failure, but it may be a mistake. */
static void print_empty(const char *verb, char **operands)
{
    size_t n = 0;
    while (operands[n])
        ++n;
    fprintf(stderr, "inkling %s: no records in %s", verb,
            n == 0 || strcmp(operands[0], "-") == 0 ? "standard input" : operands[0]);
    if (n > 1)
        fprintf(stderr, " and %zu more", n - 1);
    fputc('\n', stderr);
}

int job_finish(const char *verb, ink_status status, const ink_error *err, const ink_job_report *report,
               const struct job_args *args, char **operands)
{
    if (meter.shown && meter.terminal && report->seconds > 0)
        fputs("\r\033[K", stderr);
    if (stop_signal && status == INK_E_CANCELLED) {
        fprintf(stderr, "inkling %s: stopped by a signal after %llu records; ", verb,
                (unsigned long long)report->records);
        if (args->resume)
            fprintf(stderr, "the same command goes on with %s\n", args->output);
        else
            fprintf(stderr, "nothing was written to %s\n", args->output);
        return 128 + stop_signal;
    }
    if (report->complete) {
        if (!args->quiet)
            fprintf(stderr, "%s is complete: %llu records, %llu of them failed\n", args->output,
                    (unsigned long long)report->records, (unsigned long long)report->failed);
        return EXIT_OK;
    }
    if (status == INK_E_IO && strcmp(args->output, "-") == 0 && reader_has_gone())
        return 128 + SIGPIPE; /* "| head" has seen enough: not worth a word, and what other filters say */
    const bool kept = status == INK_OK || strcmp(args->output, "-") == 0;
    if (!args->quiet && kept && report->records > 0) {
        const double seconds = report->seconds > 1e-3 ? report->seconds : 1e-3;
        fprintf(stderr, "%llu record%s", (unsigned long long)report->records,
                report->records == 1 ? "" : "s");
        if (report->resumed)
            fprintf(stderr, " (%llu were there)", (unsigned long long)report->resumed);
        fprintf(stderr, ", %llu tokens in %.2f s (%.0f tokens/s)", (unsigned long long)report->tokens,
                report->seconds, (double)report->tokens / seconds);
        if (report->truncated)
            fprintf(stderr, "; %llu truncated", (unsigned long long)report->truncated);
        if (report->bad_bytes)
            fprintf(stderr,
                    "; %llu bytes or sequences that are not UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 converts "
                    "files of an older Excel)",
                    (unsigned long long)report->bad_bytes);
        fputc('\n', stderr);
    }
    if (status != INK_OK)
        return cli_fail(verb, err);
    if (!args->quiet || report->unread)
        print_notes(verb, report->notes);
    if (report->records == 0 && !args->quiet)
        print_empty(verb, operands);
    if (report->failed) {
        print_failed(verb, report);
        return EXIT_FAILED;
    }
    return report->unread ? EXIT_FAILED : EXIT_OK;
}
