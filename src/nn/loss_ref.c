/* Losses: see loss.h. */
#include "nn/loss.h"

#include <math.h>

/* log sum_c exp(z_c / T) */
static double log_sum_exp(const float *z, double T, size_t C)
{
    double top = z[0], sum = 0;
    for (size_t c = 1; c < C; ++c)
        top = z[c] > top ? z[c] : top;
    for (size_t c = 0; c < C; ++c)
        sum += exp((z[c] - top) / T);
    return top / T + log(sum);
}

double ink_label_weight(const int32_t *labels, const float *weights, size_t B)
{
    double sum = 0;
    for (size_t b = 0; b < B; ++b)
        if (labels[b] >= 0)
            sum += weights ? weights[labels[b]] : 1;
    return sum;
}

/*   dz_c = (1 - smoothing) w_y (p_c - [c = y]) + smoothing/C (p_c sum_k w_k - w_c)   */
double ink_cross_entropy(float *dz, const float *z, const int32_t *labels, const float *weights,
                         double smoothing, double norm, size_t B, size_t C)
{
    const double spread = smoothing / (double)C;
    double loss = 0, all = 0;
    for (size_t c = 0; c < C; ++c)
        all += weights ? weights[c] : 1;
    for (size_t b = 0; b < B; ++b) {
        const float *z_b = z + b * C; /* [C] */
        float *dz_b = dz + b * C;     /* [C] */
        if (labels[b] < 0) {
            for (size_t c = 0; c < C; ++c)
                dz_b[c] = 0;
            continue;
        }
        const size_t y = (size_t)labels[b];
        const double own = (1 - smoothing) * (weights ? weights[y] : 1), lse = log_sum_exp(z_b, 1, C);
        for (size_t c = 0; c < C; ++c) {
            const double log_p = z_b[c] - lse, share = spread * (weights ? weights[c] : 1);
            loss -= (c == y ? own + share : share) * log_p;
            dz_b[c] = (float)(((own + spread * all) * exp(log_p) - (c == y ? own + share : share)) / norm);
        }
    }
    return loss / norm;
}

double ink_cross_entropy_row(float *z, bool *first, size_t y, float scale, size_t V)
{
    const double lse = log_sum_exp(z, 1, V), loss = lse - z[y];
    *first = true;
    for (size_t v = 0; v < V; ++v)
        *first = *first && !(z[v] > z[y]);
    for (size_t v = 0; v < V; ++v)
        z[v] = (float)(scale * (exp(z[v] - lse) - (v == y)));
    return loss;
}

/*   dz = (1 - y) s(z) - a y s(-z)   */
double ink_binary_cross_entropy(float *dz, const float *z, const float *targets, const float *positive,
                                double norm, size_t B, size_t C)
{
    double loss = 0;
    for (size_t i = 0; i < B * C; ++i) {
        const double x = z[i], y = targets[i], a = positive ? positive[i % C] : 1;
        const double e = exp(-fabs(x)), near = 1 / (1 + e), far = e / (1 + e); /* s(|x|) and s(-|x|) */
        const double tail = log1p(e), up = x > 0 ? x : 0, down = x > 0 ? 0 : -x;
        loss += a * y * (down + tail) + (1 - y) * (up + tail);
        dz[i] = (float)(((1 - y) * (x > 0 ? near : far) - a * y * (x > 0 ? far : near)) / norm);
    }
    return loss / norm;
}

double ink_squared_error(float *dz, const float *z, const float *targets, double norm, size_t n)
{
    double loss = 0;
    for (size_t i = 0; i < n; ++i) {
        const double d = (double)z[i] - targets[i];
        loss += d * d;
        dz[i] = (float)(2 * d / norm);
    }
    return loss / norm;
}

double ink_absolute_error(float *dz, const float *z, const float *targets, double norm, size_t n)
{
    double loss = 0;
    for (size_t i = 0; i < n; ++i) {
        const double d = (double)z[i] - targets[i];
        loss += fabs(d);
        dz[i] = (float)((d > 0 ? 1 : d < 0 ? -1 : d) / norm); /* NaN stays NaN */
    }
    return loss / norm;
}

double ink_distillation(float *dz, const float *z, const float *teacher, double T, double norm, size_t B,
                        size_t C)
{
    double loss = 0;
    for (size_t b = 0; b < B; ++b) {
        const float *z_b = z + b * C, *t_b = teacher + b * C; /* [C] */
        float *dz_b = dz + b * C;                             /* [C] */
        const double lse_z = log_sum_exp(z_b, T, C), lse_t = log_sum_exp(t_b, T, C);
        for (size_t c = 0; c < C; ++c) {
            const double log_p = z_b[c] / T - lse_z, log_q = t_b[c] / T - lse_t, q = exp(log_q);
            loss += q * (log_q - log_p);
            dz_b[c] = (float)(T * (exp(log_p) - q) / norm);
        }
    }
    return T * T * loss / norm;
}

/* s(x) and log s(x) */
static double logistic(double *log_s, double x)
{
    const double e = exp(-fabs(x));
    *log_s = (x < 0 ? x : 0) - log1p(e);
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

double ink_binary_distillation(float *dz, const float *z, const float *teacher, double T, double norm,
                               size_t B, size_t C)
{
    double loss = 0;
    for (size_t i = 0; i < B * C; ++i) {
        const double x = z[i] / T, t = teacher[i] / T;
        double log_p, log_q, log_np, log_nq; /* of yes and of no */
        const double p = logistic(&log_p, x), q = logistic(&log_q, t);
        const double nq = logistic(&log_nq, -t);
        logistic(&log_np, -x);
        loss += q * (log_q - log_p) + nq * (log_nq - log_np);
        dz[i] = (float)(T * (p - q) / norm);
    }
    return T * T * loss / norm;
}
