/* A whole epoch of the perceptron's training in one launch, float32, one pass over x per batch.

   NVRTC compiles it for one problem: N_FEATURES, ON_LOGITS, MAX_THREADS, and SCOPE, which decides what trains: a block,
   a cluster of blocks that read each other's shared memory, or the whole grid. A thread reads a row of up to 4
   features, a warp reads a wider row. Each block takes the same step from the same sums: one barrier per step will do,
   as sums have two places, of which a step's number chooses one. */
#define BLOCK 0
#define CLUSTER 1
#define GRID 2

#define LANES (N_FEATURES > 4 ? 32 : 1)                        /* threads that read a row */
#define COLUMNS ((N_FEATURES + LANES - 1) / LANES)             /* values that each of them holds of it */
#define VECTOR (N_FEATURES % (4 * LANES) == 0 ? 4 : N_FEATURES % (2 * LANES) == 0 ? 2 : 1) /* loaded at once */
#define ROWS (COLUMNS > 8 ? 1 : 4)                             /* that a thread loads before it computes */
#define N_SUMS (N_FEATURES + 2)                                /* of a batch: the gradient, the bias's last, the loss */
#define WHOLE_WARP 0xffffffffu

typedef struct {
    float learning_rate, beta1, beta2, epsilon, log_clamp, gradient_clamp;
    double *powers;              /* (2): of beta1 and beta2, of the steps so far */
    float *parameters;           /* (3, N_FEATURES + 1): the parameters, the bias last, and Adam's two moments */
    float *sums;                 /* (2, N_SUMS, n_blocks): of the blocks of a grid */
    unsigned long long *arrived; /* blocks of the grid at barriers so far */
    float *losses;               /* (n_batches) */
} Training;

typedef struct {
    long long n_batches, batch_size, last_batch_size;
    const float *x, *y; /* (n_samples, N_FEATURES), (n_samples) */
} Epoch;

typedef struct {
    float loss, d_logit;
} Sample;

typedef struct __align__(4 * VECTOR) {
    float at[VECTOR];
} Vector;

#ifndef EMULATED /* by the tests, on a CPU */
extern __shared__ float shared[];

/* 1 / x of x from 1 to 2, as exact as a division, which has a branch for other x. */
__device__ __forceinline__ float reciprocal(float x) {
    float value;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return fmaf(value, fmaf(-x, value, 1.0f), value);
}

/* Wait for all threads of the cluster; what each wrote before, all see after. */
__device__ __forceinline__ void cluster_barrier() {
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/* Read another block's shared memory, where this block has the same variable. */
__device__ __forceinline__ float read_from_block(const float *address, unsigned block) {
    unsigned remote, own = (unsigned)__cvta_generic_to_shared(address);
    float value;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(own), "r"(block));
    asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(remote) : "memory");
    return value;
}

__device__ __forceinline__ void arrive(unsigned long long *arrived) {
    asm volatile("red.release.gpu.global.add.u64 [%0], 1;" ::"l"(arrived) : "memory");
}

__device__ __forceinline__ unsigned long long count(const unsigned long long *arrived) {
    unsigned long long value;
    asm volatile("ld.acquire.gpu.global.u64 %0, [%1];" : "=l"(value) : "l"(arrived) : "memory");
    return value;
}
#endif

/* Wait until all blocks have arrived `target` times in total. */
__device__ __forceinline__ void grid_barrier(unsigned long long *arrived, unsigned long long target) {
    __syncthreads();
    if (threadIdx.x == 0) {
        arrive(arrived);
        while (count(arrived) < target) {
        }
    }
    __syncthreads();
}

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int distance = 16; distance; distance /= 2) value += __shfl_xor_sync(WHOLE_WARP, value, distance);
    return value;
}

/* The column of value c of a lane: lanes side by side read vectors side by side. */
__device__ __forceinline__ int column_of(int c, int lane) {
    return c / VECTOR * VECTOR * LANES + lane * VECTOR + c % VECTOR;
}

__device__ __forceinline__ bool is_feature(int column) { return N_FEATURES % LANES == 0 || column < N_FEATURES; }

/* One sample's loss and its derivative by the logit; the label is 0 or 1, so that one logarithm will do. */
__device__ __forceinline__ Sample differentiate(const Training &t, float logit, float label) {
    const float e = __expf(-fabsf(logit)); /* never overflows */
    const float larger = reciprocal(1.0f + e), y_pred = logit < 0.0f ? e * larger : larger;
    if (ON_LOGITS) return {fmaxf(logit, 0.0f) - label * logit + __logf(1.0f + e), y_pred - label};
    const float likelihood = label > 0.5f ? y_pred : 1.0f - y_pred;
    const float slope = y_pred * (1.0f - y_pred);
    return {
        fminf(-__logf(likelihood), -t.log_clamp),
        (y_pred - label) * fminf(slope * (1.0f / t.gradient_clamp), 1.0f), /* slope / max(slope, clamp) */
    };
}

/* Load this lane's part of a row; of a row that does not exist, zeros. */
__device__ __forceinline__ void load_row(const float *row, bool exists, int part, float values[COLUMNS]) {
#pragma unroll
    for (int c = 0; c < COLUMNS; c += VECTOR) {
        const int column = column_of(c, part);
        Vector vector = {};
        if (exists && is_feature(column)) vector = *(const Vector *)(row + column);
#pragma unroll
        for (int v = 0; v < VECTOR; v++) values[c + v] = vector.at[v];
    }
}

/* Sum up this thread's rows of a batch, and write its warp's sums to `sums` (N_SUMS). */
__device__ __forceinline__ void sum_rows(
    const Training &t, const float *x, const float *y, long long n_rows, const float *parameters, float *sums
) {
    const int lane = threadIdx.x % 32, part = LANES == 1 ? 0 : lane; /* of the row */
    const long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / LANES;
    const long long stride = (long long)gridDim.x * blockDim.x / LANES;
    float weight[COLUMNS], gradient[COLUMNS], loss = 0, d_bias = 0;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
        weight[c] = is_feature(column_of(c, part)) ? parameters[column_of(c, part)] : 0.0f;
        gradient[c] = 0;
    }
#pragma unroll 1
    for (long long i = first; i < n_rows; i += ROWS * stride) {
        float rows[ROWS][COLUMNS], labels[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const long long at = i + r * stride;
            load_row(x + at * N_FEATURES, at < n_rows, part, rows[r]);
            labels[r] = at < n_rows ? y[at] : 0.0f;
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            if (i + r * stride >= n_rows) break;
            float logit = 0;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) logit = fmaf(weight[c], rows[r][c], logit);
            if (LANES > 1) logit = warp_sum(logit);
            const Sample sample = differentiate(t, logit + parameters[N_FEATURES], labels[r]);
            loss += sample.loss;
            d_bias += sample.d_logit;
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) gradient[c] = fmaf(sample.d_logit, rows[r][c], gradient[c]);
        }
    }
    if (LANES == 1) { /* else all lanes have the same loss, and each its own columns */
        loss = warp_sum(loss);
        d_bias = warp_sum(d_bias);
    }
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
        const float sum = LANES == 1 ? warp_sum(gradient[c]) : gradient[c];
        if (lane == part && is_feature(column_of(c, part))) sums[column_of(c, part)] = sum;
    }
    if (lane == 0) {
        sums[N_FEATURES] = d_bias;
        sums[N_FEATURES + 1] = loss;
    }
}

/* Add up the sums of the grid's blocks (N_SUMS, n_blocks): a warp for each. */
__device__ __forceinline__ void add_blocks(const float *sums, float *totals) {
    const int lane = threadIdx.x % 32;
    for (int k = threadIdx.x / 32; k < N_SUMS; k += blockDim.x / 32) {
        float sum = 0;
        for (int block = lane; block < gridDim.x; block += 32) sum += __ldcg(&sums[k * gridDim.x + block]);
        sum = warp_sum(sum);
        if (lane == 0) totals[k] = sum;
    }
    __syncthreads();
}

/* Kingma & Ba (2015), Algorithm 1, for one parameter; its moments are N_FEATURES + 1 and twice that further on. */
__device__ __forceinline__ void adam(const Training &t, float *parameter, float gradient, float rate, float correction) {
    float *const first = parameter + N_FEATURES + 1, *const second = first + N_FEATURES + 1;
    *first += (1 - t.beta1) * (gradient - *first);
    *second += (1 - t.beta2) * (gradient * gradient - *second);
    *parameter -= __fdividef(rate * *first, sqrtf(*second * correction) + t.epsilon);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) run_epoch(const Training t, const Epoch epoch) {
    float *const parameters = shared;                            /* (3, N_FEATURES + 1) */
    float *const both_totals = parameters + 3 * (N_FEATURES + 1); /* (2, N_SUMS) */
    float *const of_warps = both_totals + 2 * N_SUMS;            /* (n_warps, N_SUMS) */
    const int n_warps = blockDim.x / 32;
    double beta1_power = t.powers[0], beta2_power = t.powers[1];
    unsigned long long target = 0; /* only the thread that waits for the grid needs it */
    if (SCOPE == GRID && threadIdx.x == 0) /* none of this epoch's barriers has completed: this block has not arrived */
        target = count(t.arrived) / gridDim.x * gridDim.x;
    for (int j = threadIdx.x; j < 3 * (N_FEATURES + 1); j += blockDim.x) parameters[j] = t.parameters[j];
    __syncthreads();
    for (long long n = 0; n < epoch.n_batches; n++) {
        const long long n_rows = n + 1 < epoch.n_batches ? epoch.batch_size : epoch.last_batch_size;
        const long long first = n * epoch.batch_size;
        float *const totals = both_totals + n % 2 * N_SUMS, *const sums = t.sums + n % 2 * N_SUMS * gridDim.x;
        sum_rows(t, epoch.x + first * N_FEATURES, epoch.y + first, n_rows, parameters,
                 of_warps + threadIdx.x / 32 * N_SUMS);
        __syncthreads();
        for (int k = threadIdx.x; k < N_SUMS; k += blockDim.x) {
            float sum = 0;
            for (int warp = 0; warp < n_warps; warp++) sum += of_warps[warp * N_SUMS + k];
            (SCOPE == GRID ? sums[k * gridDim.x + blockIdx.x] : totals[k]) = sum;
        }
        if (SCOPE == CLUSTER) cluster_barrier();
        if (SCOPE == GRID) {
            grid_barrier(t.arrived, target += gridDim.x);
            add_blocks(sums, totals);
        }
        beta1_power *= t.beta1;
        beta2_power *= t.beta2;
        const float rate = __fdividef(t.learning_rate, (float)(1 - beta1_power));
        const float correction = __fdividef(1.0f, (float)(1 - beta2_power));
        for (int k = threadIdx.x; k < N_SUMS; k += blockDim.x) { /* each k belongs to the same thread as above */
            float sum = SCOPE == CLUSTER ? 0 : totals[k];
            for (unsigned block = 0; SCOPE == CLUSTER && block < gridDim.x; block++)
                sum += read_from_block(&totals[k], block);
            const float mean = __fdividef(sum, (float)n_rows);
            if (k <= N_FEATURES)
                adam(t, parameters + k, mean, rate, correction);
            else if (blockIdx.x == 0)
                t.losses[n] = mean;
        }
        __syncthreads();
    }
    if (SCOPE == CLUSTER) cluster_barrier(); /* the others may still read this block's sums */
    if (blockIdx.x > 0) return; /* and all have loaded the parameters: there was a barrier since */
    for (int j = threadIdx.x; j < 3 * (N_FEATURES + 1); j += blockDim.x) t.parameters[j] = parameters[j];
    if (threadIdx.x == 0) {
        t.powers[0] = beta1_power;
        t.powers[1] = beta2_power;
    }
}
