/* Metrics of labels, one of C or any of C: see metrics.h. */
#include "train/metrics.h"
#include "core/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Rankings of a label each are kept, 4 bytes an entry, so that resamples need not sort again. Beyond this
 * many entries AUC and average precision are left out of resamples (and NaN there): 1,000 of them would take
 * minutes. */
enum { RANKED_ENTRIES_MAX = 1 << 22 };

/* ---- each record by itself ------------------------------------------------------------------------- */

static uint8_t bin_of(double score)
{
    const double at = ceil(score * INK__BINS) - 1;
    return (uint8_t)(at < 0 ? 0 : at > INK__BINS - 1 ? INK__BINS - 1 : at);
}

/* -log of a probability that was clipped as scikit-learn clips it. */
static double surprise(double probability)
{
    return -log(fmin(fmax(probability, DBL_EPSILON), 1 - DBL_EPSILON));
}

static ink_status judge_single(ink__metrics *m, ink_error *err)
{
    const ink__judged *j = &m->judged;
    const size_t C = j->C;
    INK_TRY(ink__calloc(&m->predicted, j->n, sizeof *m->predicted, "predictions", err));
    INK_TRY(ink__calloc(&m->bin, j->n, sizeof *m->bin, "predictions", err));
    for (size_t i = 0; i < j->n; ++i) {
        const float *p = j->scores + i * C; /* [C] */
        const int32_t truth = j->truth[i];
        size_t best = 0;
        if (truth < 0 || (size_t)truth >= C)
            return ink_fail(err, INK_E_ARG, "label %d of record %zu, wanted 0 to %zu", (int)truth, i, C - 1);
        for (size_t c = 0; c < C; ++c) {
            const double d = (double)p[c] - ((size_t)truth == c);
            m->squared[i] += C == 2 && c == 0 ? 0 : d * d;
            best = p[c] > p[best] ? c : best;
        }
        m->predicted[i] = (int32_t)best;
        m->exact[i] = (int32_t)best == truth;
        m->loss[i] = surprise((double)p[truth]);
        m->bin[i] = bin_of((double)p[best]);
    }
    return INK_OK;
}

static ink_status judge_multi(ink__metrics *m, ink_error *err)
{
    const ink__judged *j = &m->judged;
    const size_t C = j->C;
    INK_TRY(ink__calloc(&m->given, j->n, C * sizeof *m->given, "predictions", err));
    INK_TRY(ink__calloc(&m->bin, j->n, C * sizeof *m->bin, "predictions", err));
    INK_TRY(ink__calloc(&m->f1, j->n, sizeof *m->f1, "predictions", err));
    for (size_t i = 0; i < j->n; ++i) {
        size_t truths = 0, given = 0, right = 0;
        for (size_t c = 0; c < C; ++c) {
            const size_t at = i * C + c;
            const double p = (double)j->scores[at];
            const uint8_t truth = j->truths[at];
            if (truth > 1)
                return ink_fail(err, INK_E_ARG, "truth %d of record %zu, label %zu, wanted 0 or 1", truth, i,
                                c);
            m->given[at] =
                j->given ? j->given[at] : j->scores[at] >= (j->thresholds ? j->thresholds[c] : 0.5f);
            m->bin[at] = bin_of(p);
            m->loss[i] += surprise(truth ? p : 1 - p) / (double)C;
            m->squared[i] += (p - truth) * (p - truth) / (double)C;
            truths += truth, given += m->given[at], right += truth && m->given[at];
        }
        m->exact[i] = right == truths && right == given;
        m->f1[i] = truths + given ? 2 * (double)right / (double)(truths + given) : 0;
    }
    return INK_OK;
}

/* ---- rankings, a label each ------------------------------------------------------------------------ */

struct label {
    const ink__judged *judged;
    size_t c;
};

static double score_key(const void *from, size_t i)
{
    const struct label *l = from;
    return (double)l->judged->scores[i * l->judged->C + l->c];
}

static bool has_label(const void *from, size_t i)
{
    const struct label *l = from;
    const ink__judged *j = l->judged;
    return j->kind == INK_ACTIVATION_SOFTMAX ? (size_t)j->truth[i] == l->c : j->truths[i * j->C + l->c] != 0;
}

/* Of two labels that exclude each other the second's ranking says all. */
static size_t first_ranked(const ink__judged *j)
{
    return j->kind == INK_ACTIVATION_SOFTMAX && j->C == 2 ? 1 : 0;
}

static ink_status rank_labels(ink__metrics *m, ink_error *err)
{
    const ink__judged *j = &m->judged;
    const size_t first = first_ranked(j);
    if (j->n > RANKED_ENTRIES_MAX / (j->C - first ? j->C - first : 1))
        return INK_OK;
    INK_TRY(ink__calloc(&m->rankings, j->C, sizeof *m->rankings, "rankings", err));
    for (size_t c = first; c < j->C; ++c) {
        const struct label label = {j, c};
        ++m->n_rankings;
        INK_TRY(ink__ranking_create(&m->rankings[c - first], j->n, score_key, has_label, &label, err));
    }
    return INK_OK;
}

ink_status ink__metrics_judge_labels(ink__metrics *m, ink_error *err)
{
    const ink__judged *j = &m->judged;
    INK_TRY(ink__calloc(&m->exact, j->n, sizeof *m->exact, "predictions", err));
    INK_TRY(ink__calloc(&m->loss, j->n, sizeof *m->loss, "losses", err));
    INK_TRY(ink__calloc(&m->squared, j->n, sizeof *m->squared, "losses", err));
    INK_TRY(j->kind == INK_ACTIVATION_SOFTMAX ? judge_single(m, err) : judge_multi(m, err));
    m->width += j->C;
    return rank_labels(m, err);
}

/* ---- the records together -------------------------------------------------------------------------- */

/* Sums over the records that count. */
struct sums {
    uint64_t n, exact, entries_wrong;
    double loss, squared, f1;
};

static void count_single(struct sums *sums, ink__measures *r, const ink__metrics *m, const uint32_t *weights)
{
    const ink__judged *j = &m->judged;
    for (size_t i = 0; i < j->n; ++i) {
        const uint32_t w = weights ? weights[i] : 1;
        if (w == 0)
            continue;
        const size_t truth = (size_t)j->truth[i], predicted = (size_t)m->predicted[i];
        ink__bin *bin = &r->bins[m->bin[i]];
        r->classes[truth].truths += w;
        r->classes[predicted].given += w;
        r->classes[truth].right += m->exact[i] ? w : 0;
        bin->n += w;
        bin->right += m->exact[i] ? w : 0;
        bin->score += w * (double)j->scores[i * j->C + predicted];
        sums->n += w;
        sums->exact += m->exact[i] ? w : 0;
        sums->loss += w * m->loss[i];
        sums->squared += w * m->squared[i];
    }
}

static void count_multi(struct sums *sums, ink__measures *r, const ink__metrics *m, const uint32_t *weights)
{
    const ink__judged *j = &m->judged;
    for (size_t i = 0; i < j->n; ++i) {
        const uint32_t w = weights ? weights[i] : 1;
        if (w == 0)
            continue;
        for (size_t c = 0; c < j->C; ++c) {
            const size_t at = i * j->C + c;
            const uint8_t truth = j->truths[at], given = m->given[at];
            ink__bin *bin = &r->bins[m->bin[at]];
            r->classes[c].truths += truth * w;
            r->classes[c].given += given * w;
            r->classes[c].right += (truth & given) * w;
            bin->n += w;
            bin->right += truth * w;
            bin->score += w * (double)j->scores[at];
            sums->entries_wrong += (truth ^ given) * w;
        }
        sums->n += w;
        sums->exact += m->exact[i] ? w : 0;
        sums->loss += w * m->loss[i];
        sums->squared += w * m->squared[i];
        sums->f1 += w * m->f1[i];
    }
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

/* 2PR/(P+R) without the divisions that could be by 0. */
static double f1_of(uint64_t right, uint64_t truths, uint64_t given)
{
    return truths + given ? 2 * (double)right / (double)(truths + given) : 0;
}

/* Averages over labels. */
struct averages {
    double precision, recall, f1, weighted_f1, auc, average_precision;
    uint64_t truths, given, right;
};

static void mean_add(double *sum, size_t *n, double x)
{
    if (!isnan(x))
        *sum += x, ++*n;
}

static struct averages average(ink__measures *r, const ink__metrics *m)
{
    const bool single = m->judged.kind == INK_ACTIVATION_SOFTMAX;
    struct averages a = {0};
    size_t counted = 0, with_auc = 0, with_ap = 0;
    for (size_t c = 0; c < m->judged.C; ++c) {
        ink__class_measures *k = &r->classes[c];
        k->precision = ratio(k->right, k->given);
        k->recall = ratio(k->right, k->truths);
        k->f1 = f1_of(k->right, k->truths, k->given);
        r->values[m->count + c] = k->f1;
        a.truths += k->truths, a.given += k->given, a.right += k->right;
        a.weighted_f1 += (double)k->truths * k->f1;
        mean_add(&a.auc, &with_auc, k->auc);
        mean_add(&a.average_precision, &with_ap, k->average_precision);
        if (!single || k->truths || k->given) {
            ++counted;
            a.precision += k->precision, a.recall += k->recall, a.f1 += k->f1;
        }
    }
    a.precision /= (double)counted, a.recall /= (double)counted, a.f1 /= (double)counted;
    a.weighted_f1 /= (double)a.truths;
    a.auc = with_auc ? a.auc / (double)with_auc : NAN;
    a.average_precision = with_ap ? a.average_precision / (double)with_ap : NAN;
    return a;
}

static void areas(ink__measures *r, const ink__metrics *m, const uint32_t *weights)
{
    const ink__judged *j = &m->judged;
    const size_t first = first_ranked(j);
    for (size_t c = 0; c < j->C; ++c) {
        ink__class_measures *k = &r->classes[c];
        k->auc = k->average_precision = NAN;
        if (c < first)
            continue;
        if (m->n_rankings > 0) {
            ink__ranking_areas(&k->auc, &k->average_precision, &m->rankings[c - first], weights);
        } else if (!weights) {
            const struct label label = {j, c};
            ink__ranking ranking;
            if (ink__ranking_create(&ranking, j->n, score_key, has_label, &label, NULL) == INK_OK)
                ink__ranking_areas(&k->auc, &k->average_precision, &ranking, NULL);
            ink__ranking_free(&ranking);
        }
    }
}

/* Matthews' correlation for C labels (Gorodkin 2004); 0 where one side is constant, as scikit-learn. */
static double mcc(const ink__measures *r, size_t C, double n, double right)
{
    double both = 0, truths = 0, given = 0;
    for (size_t c = 0; c < C; ++c) {
        const double t = (double)r->classes[c].truths, g = (double)r->classes[c].given;
        both += t * g, truths += t * t, given += g * g;
    }
    const double covariance = right * n - both, truth_spread = n * n - truths, given_spread = n * n - given;
    if (truth_spread == 0 || given_spread == 0)
        return 0;
    return covariance / (sqrt(truth_spread) * sqrt(given_spread));
}

static double ece(const ink__bin *bins)
{
    double gap = 0;
    uint64_t n = 0;
    for (size_t b = 0; b < INK__BINS; ++b)
        gap += fabs((double)bins[b].right - bins[b].score), n += bins[b].n;
    return gap / (double)n;
}

void ink__measure_labels(ink__measures *r, const ink__metrics *m, const uint32_t *weights)
{
    const ink__judged *j = &m->judged;
    double *v = r->values;
    struct sums sums = {0};
    memset(r->classes, 0, j->C * sizeof *r->classes);
    memset(r->bins, 0, sizeof r->bins);
    if (j->kind == INK_ACTIVATION_SOFTMAX)
        count_single(&sums, r, m, weights);
    else
        count_multi(&sums, r, m, weights);
    areas(r, m, weights);
    const struct averages a = average(r, m);
    const double n = (double)sums.n;
    if (sums.n == 0) {
        for (size_t k = 0; k < m->width; ++k)
            v[k] = NAN;
    } else if (j->kind == INK_ACTIVATION_SOFTMAX) {
        v[INK__SINGLE_ACCURACY] = v[INK__SINGLE_MICRO_F1] = (double)sums.exact / n;
        v[INK__SINGLE_MACRO_F1] = a.f1;
        v[INK__SINGLE_WEIGHTED_F1] = a.weighted_f1;
        v[INK__SINGLE_MACRO_PRECISION] = a.precision;
        v[INK__SINGLE_MACRO_RECALL] = a.recall;
        v[INK__SINGLE_MCC] = mcc(r, j->C, n, (double)sums.exact);
        v[INK__SINGLE_AUC] = a.auc;
        v[INK__SINGLE_LOG_LOSS] = sums.loss / n;
        v[INK__SINGLE_BRIER] = sums.squared / n;
        v[INK__SINGLE_ECE] = ece(r->bins);
    } else {
        v[INK__MULTI_MICRO_F1] = f1_of(a.right, a.truths, a.given);
        v[INK__MULTI_MACRO_F1] = a.f1;
        v[INK__MULTI_SAMPLES_F1] = sums.f1 / n;
        v[INK__MULTI_MICRO_PRECISION] = ratio(a.right, a.given);
        v[INK__MULTI_MICRO_RECALL] = ratio(a.right, a.truths);
        v[INK__MULTI_MACRO_PRECISION] = a.precision;
        v[INK__MULTI_MACRO_RECALL] = a.recall;
        v[INK__MULTI_SUBSET_ACCURACY] = (double)sums.exact / n;
        v[INK__MULTI_HAMMING_LOSS] = (double)sums.entries_wrong / (n * (double)j->C);
        v[INK__MULTI_AUC] = a.auc;
        v[INK__MULTI_AVERAGE_PRECISION] = a.average_precision;
        v[INK__MULTI_LOG_LOSS] = sums.loss / n;
        v[INK__MULTI_BRIER] = sums.squared / n;
        v[INK__MULTI_ECE] = ece(r->bins);
    }
}
