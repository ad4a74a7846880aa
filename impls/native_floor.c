/* A whole epoch of the perceptron's training in one call, float32, one pass over x per batch.

   Plain C with `omp simd` hints, for GCC and Clang on any processor. exp and log are written out, so that the
   compiler makes vector code of them everywhere; neither is ever used beyond the range that it is made for. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define CHUNK 1024 /* rows summed in float32 before the sum goes to float64 */
#define BLOCK 8    /* rows that stay in the L1 cache between the forward and the backward pass */
#define GROUP 8    /* rows of it added to the gradient at once */
#define SMALLEST 1.17549435e-38f /* normal float32 */

typedef struct {
    int64_t n_features, on_logits;
    float learning_rate, beta1, beta2, epsilon, log_clamp, gradient_clamp;
    double beta1_power, beta2_power;                     /* of the steps so far */
    float *parameters, *first_moment, *second_moment;    /* (n_features + 1), the bias last */
    double *gradient;                                    /* (n_features + 1), sum over a batch */
    float *partial;                                      /* (n_features), sum over a chunk */
    float *losses;                                       /* (n_batches) */
} Training;

typedef struct {
    int64_t n_batches, batch_size, last_batch_size;
    const float *x, *y; /* of each batch (batch_size, n_features), of up to 4 features its transpose; (n_samples) */
} Epoch;

typedef struct {
    float loss, d_logit;
} Sample;

/* exp(x) of x <= 0; 0 where it is no longer a normal float32. */
INLINE float exp_of_negative(float x) {
    const float n = rintf((x < -87.3f ? -87.3f : x) * 1.44269504f); /* NaN stays NaN */
    const float r = x - n * 0.693147181f; /* x - n·ln 2; the constant's own error, 2e-9·n, is little enough */
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const int32_t bits = ((int32_t)n + 127) << 23; /* 2^n */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.33654f ? 0.0f : p * scale;
}

/* log(x) of a normal x > 0, within 1e-7 or 1e-7·log(x). */
INLINE float log_of_normal(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t n = (bits - 0x3f3504f3) >> 23; /* so that the mantissa is in [√½, √2) */
    bits -= n * (1 << 23);
    float r;
    memcpy(&r, &bits, sizeof r);
    r -= 1.0f;
    float p = 7.0376836292e-2f;
    p = p * r - 1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r - 1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r - 1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r - 2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    return (float)n * 0.693147181f + (p * r * r * r - 0.5f * r * r + r);
}

/* One sample's loss and its derivative by the logit; the label is 0 or 1, so that one logarithm will do. */
INLINE Sample differentiate(const Training *t, int on_logits, float logit, float label) {
    const float e = exp_of_negative(-fabsf(logit)); /* never overflows */
    const float reciprocal = 1.0f / (1.0f + e);
    const float y_pred = logit < 0.0f ? e * reciprocal : reciprocal;
    if (on_logits)
        return (Sample){(logit > 0.0f ? logit : 0.0f) - label * logit + log_of_normal(1.0f + e), y_pred - label};
    const float likelihood = label > 0.5f ? y_pred : 1.0f - y_pred;
    const float log_likelihood = log_of_normal(likelihood < SMALLEST ? SMALLEST : likelihood);
    const float clamp = t->gradient_clamp, slope = y_pred * (1.0f - y_pred);
    return (Sample){
        likelihood < SMALLEST ? -t->log_clamp : -log_likelihood,
        (y_pred - label) * (slope < clamp ? slope * (1.0f / clamp) : 1.0f), /* slope / max(slope, clamp) */
    };
}

/* Sum up n <= CHUNK samples of few features, each feature's values at a stride from the one before;
   n_features and on_logits are constants where this is called. */
INLINE void sum_narrow(Training *t, int n_features, int on_logits, const float *x, int64_t stride, const float *y,
                       int64_t n, double *loss_sum) {
    const int D = n_features;
    const float w0 = t->parameters[0], w1 = D > 1 ? t->parameters[1] : 0, w2 = D > 2 ? t->parameters[2] : 0,
                w3 = D > 3 ? t->parameters[3] : 0, bias = t->parameters[D];
    const float *x0 = x, *x1 = D > 1 ? x + stride : x, *x2 = D > 2 ? x + 2 * stride : x,
                *x3 = D > 3 ? x + 3 * stride : x;
    float loss = 0, g0 = 0, g1 = 0, g2 = 0, g3 = 0, d_bias = 0;
#pragma omp simd reduction(+ : loss, g0, g1, g2, g3, d_bias)
    for (int64_t i = 0; i < n; i++) {
        float logit = bias + w0 * x0[i];
        if (D > 1) logit += w1 * x1[i];
        if (D > 2) logit += w2 * x2[i];
        if (D > 3) logit += w3 * x3[i];
        const Sample s = differentiate(t, on_logits, logit, y[i]);
        loss += s.loss;
        d_bias += s.d_logit;
        g0 += s.d_logit * x0[i];
        if (D > 1) g1 += s.d_logit * x1[i];
        if (D > 2) g2 += s.d_logit * x2[i];
        if (D > 3) g3 += s.d_logit * x3[i];
    }
    const float sums[4] = {g0, g1, g2, g3};
    for (int j = 0; j < D; j++) t->gradient[j] += sums[j];
    t->gradient[D] += d_bias;
    *loss_sum += loss;
}

/* Sum the products of x (D) and w (D) up. */
INLINE float dot(const float *x, const float *w, int64_t D) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < D; j++) sum += x[j] * w[j];
    return sum;
}

/* Add GROUP rows to g (D), each times its d. */
INLINE void add_rows(float *restrict g, const float *const *row, const float *d, int64_t D) {
    const float *x0 = row[0], *x1 = row[1], *x2 = row[2], *x3 = row[3];
    const float *x4 = row[4], *x5 = row[5], *x6 = row[6], *x7 = row[7];
    const float d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7];
#pragma omp simd
    for (int64_t j = 0; j < D; j++)
        g[j] += d0 * x0[j] + d1 * x1[j] + d2 * x2[j] + d3 * x3[j] + d4 * x4[j] + d5 * x5[j] + d6 * x6[j] +
                d7 * x7[j];
}

/* Sum up n <= CHUNK samples of any number of features, block by block. */
INLINE void sum_wide(Training *t, int on_logits, const float *x, const float *y, int64_t n, double *loss_sum) {
    const int64_t D = t->n_features;
    const float *w = t->parameters;
    float *restrict g = t->partial;
    float loss = 0, d_bias = 0;
    memset(g, 0, (size_t)D * sizeof *g);
    for (int64_t start = 0; start < n; start += BLOCK) {
        const float *row[BLOCK];
        float logit[BLOCK], label[BLOCK], d[BLOCK];
        const int64_t n_rows = n - start < BLOCK ? n - start : BLOCK;
        for (int r = 0; r < BLOCK; r++) { /* rows past the end repeat the last one and count for nothing */
            const int64_t i = start + (r < n_rows ? r : n_rows - 1);
            row[r] = x + i * D;
            label[r] = y[i];
        }
        for (int r = 0; r < BLOCK; r++) logit[r] = dot(row[r], w, D); /* in memory's order: it is fastest so */
#pragma omp simd reduction(+ : loss, d_bias)
        for (int r = 0; r < BLOCK; r++) {
            const Sample s = differentiate(t, on_logits, logit[r] + w[D], label[r]);
            d[r] = r < n_rows ? s.d_logit : 0.0f;
            loss += r < n_rows ? s.loss : 0.0f;
            d_bias += d[r];
        }
        /* Have memory begin with the next block's first 2 KiB: else it would idle (a prefetch never faults). */
        const float *next = row[0] + BLOCK * D;
        for (int line = 0; line < 32; line++) __builtin_prefetch(next + 16 * line);
        for (int r = 0; r < BLOCK; r += GROUP) add_rows(g, row + r, d + r, D);
    }
    for (int64_t j = 0; j < D; j++) t->gradient[j] += g[j];
    t->gradient[D] += d_bias;
    *loss_sum += loss;
}

/* Sum up rows start to start + n, n <= CHUNK, of a batch of batch_size. */
INLINE void sum_chunk(Training *t, int on_logits, const float *x, const float *y, int64_t batch_size, int64_t start,
                      int64_t n, double *loss) {
    const float *first = x + start;
    y += start;
    switch (t->n_features) {
        case 1: sum_narrow(t, 1, on_logits, first, batch_size, y, n, loss); break;
        case 2: sum_narrow(t, 2, on_logits, first, batch_size, y, n, loss); break;
        case 3: sum_narrow(t, 3, on_logits, first, batch_size, y, n, loss); break;
        case 4: sum_narrow(t, 4, on_logits, first, batch_size, y, n, loss); break;
        default: sum_wide(t, on_logits, x + start * t->n_features, y, n, loss);
    }
}

/* Kingma & Ba (2015), Algorithm 1, on the mean of n samples' gradients. */
INLINE void adam(Training *t, int64_t n) {
    t->beta1_power *= t->beta1;
    t->beta2_power *= t->beta2;
    const float rate = (float)(t->learning_rate / (1 - t->beta1_power));
    const float correction = (float)(1 / (1 - t->beta2_power));
    const double mean = 1.0 / (double)n;
    float *restrict first = t->first_moment, *restrict second = t->second_moment;
    float *restrict parameters = t->parameters;
#pragma omp simd
    for (int64_t j = 0; j <= t->n_features; j++) {
        const float gradient = (float)(t->gradient[j] * mean);
        first[j] += (1 - t->beta1) * (gradient - first[j]);
        second[j] += (1 - t->beta2) * (gradient * gradient - second[j]);
        parameters[j] -= rate * first[j] / (sqrtf(second[j] * correction) + t->epsilon);
    }
}

void run_epoch(Training *t, const Epoch *epoch) {
    const float *x = epoch->x, *y = epoch->y;
    for (int64_t i = 0; i < epoch->n_batches; i++) {
        const int64_t n = i + 1 < epoch->n_batches ? epoch->batch_size : epoch->last_batch_size;
        double loss = 0;
        memset(t->gradient, 0, (size_t)(t->n_features + 1) * sizeof *t->gradient);
        for (int64_t start = 0; start < n; start += CHUNK) {
            const int64_t size = n - start < CHUNK ? n - start : CHUNK;
            if (t->on_logits)
                sum_chunk(t, 1, x, y, n, start, size, &loss);
            else
                sum_chunk(t, 0, x, y, n, start, size, &loss);
        }
        x += n * t->n_features;
        y += n;
        t->losses[i] = (float)(loss / (double)n);
        adam(t, n);
    }
}
