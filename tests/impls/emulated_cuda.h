/* Runs impls/native_floor.cu on a CPU: each thread of the GPU is a fiber, which waits at barriers for the others.
   A random warp runs until it waits, then another one, so that a missing barrier shows. Only the algorithm is tested:
   what a GPU's memory model allows and a CPU's does not is invisible here. */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <ucontext.h>
#include <vector>

#define EMULATED
#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __expf expf
#define __logf logf
#define __fdividef(x, y) ((x) / (y))
#define __ldcg(address) (*(address))

struct Index {
    unsigned x;
};

struct Barrier {
    unsigned n_waiting = 0, n_passed = 0;
};

struct Fiber {
    Index thread, block;
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    const Barrier *barrier = nullptr; /* at which it waits until more threads than these have passed */
    unsigned n_passed = 0;
    bool has_ended = false;

    bool can_run() const { return !has_ended && !(barrier && barrier->n_passed == n_passed); }
};

struct Block {
    std::vector<float> memory;
    std::vector<float> exchanged; /* by the shuffles */
    Barrier barrier;
    std::vector<Barrier> of_warps;
};

static std::vector<Fiber> fibers;
static std::vector<Block> blocks;
static Barrier of_all;
static Fiber *now;
static bool has_yielded; /* to other warps */
static ucontext_t scheduler;
static Index blockDim, gridDim;

#define threadIdx (now->thread)
#define blockIdx (now->block)
#define shared (blocks[blockIdx.x].memory.data())

static void others_run() {
    has_yielded = true;
    swapcontext(&now->context, &scheduler);
}

static void wait_for(Barrier &barrier, unsigned n_threads) {
    now->barrier = &barrier, now->n_passed = barrier.n_passed;
    if (++barrier.n_waiting == n_threads) {
        barrier.n_waiting = 0;
        barrier.n_passed++;
    } else {
        swapcontext(&now->context, &scheduler);
    }
}

static void __syncthreads() { wait_for(blocks[blockIdx.x].barrier, blockDim.x); }

static void cluster_barrier() { wait_for(of_all, blockDim.x * gridDim.x); }

static float __shfl_xor_sync(unsigned, float value, int distance) {
    Block &block = blocks[blockIdx.x];
    Barrier &barrier = block.of_warps[threadIdx.x / 32];
    block.exchanged[threadIdx.x] = value;
    wait_for(barrier, 32);
    const float other = block.exchanged[threadIdx.x ^ distance];
    wait_for(barrier, 32);
    return other;
}

static float read_from_block(const float *address, unsigned block) {
    return blocks[block].memory[address - shared];
}

static float reciprocal(float x) { return 1.0f / x; }

static void arrive(unsigned long long *arrived) {
    ++*arrived;
    others_run();
}

static unsigned long long count(const unsigned long long *arrived) {
    others_run();
    return *arrived;
}

/* Run a random warp until all its threads wait or one lets others run, then the next, until all have ended. */
static void run_all() {
    std::minstd_rand random;
    std::vector<size_t> warps;
    auto can_run = [](size_t warp) {
        return std::any_of(&fibers[32 * warp], &fibers[32 * warp] + 32, [](const Fiber &each) { return each.can_run(); });
    };
    while (true) {
        warps.clear();
        for (size_t warp = 0; warp < fibers.size() / 32; warp++)
            if (can_run(warp)) warps.push_back(warp);
        if (warps.empty()) return;
        const size_t warp = warps[random() % warps.size()];
        size_t lane = random();
        for (has_yielded = false; can_run(warp) && !has_yielded; lane++) {
            now = &fibers[32 * warp + lane % 32];
            if (now->can_run()) swapcontext(&scheduler, &now->context);
        }
    }
}

/* Run `work` in each thread of each block; shared memory begins with NaN. */
template <typename Work> static void launch(unsigned n_blocks, unsigned n_threads, size_t shared_bytes, Work work) {
    static Work *job;
    job = &work;
    gridDim.x = n_blocks, blockDim.x = n_threads;
    of_all = Barrier();
    blocks.assign(n_blocks, Block());
    for (Block &block : blocks) {
        block.memory.assign(shared_bytes / sizeof(float), NAN);
        block.exchanged.assign(n_threads, NAN);
        block.of_warps.assign(n_threads / 32, Barrier());
    }
    fibers = std::vector<Fiber>(n_blocks * n_threads);
    const size_t size = 1 << 16;
    for (size_t i = 0; i < fibers.size(); i++) {
        Fiber &fiber = fibers[i];
        fiber.thread.x = i % n_threads, fiber.block.x = i / n_threads;
        fiber.stack.reset(new char[size]);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get(), fiber.context.uc_stack.ss_size = size;
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, +[] { (*job)(), now->has_ended = true; }, 0);
    }
    run_all();
}
