// Enough of CUDA C++ to run a generated kernel on the CPU: threads are fibres of one OS thread, so blocks run one after
// another, barriers and shuffles are exact, and races, memory order and speed are beyond it.

#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ucontext.h>
#include <vector>

#define __global__
#define __shared__ static
#define __launch_bounds__(threads)
#define KB_FUNCTION inline

using std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::ceil, std::copysign, std::cos;
using std::cosh, std::erf, std::erfc, std::exp, std::expm1, std::fabs, std::floor, std::fmod, std::hypot, std::isfinite;
using std::isinf, std::isnan, std::log, std::log10, std::log1p, std::log2, std::nextafter, std::pow, std::rint;
using std::signbit, std::sin, std::sinh, std::sqrt, std::tan, std::tanh, std::trunc;

namespace cuda_on_cpu {

struct Dimensions { unsigned x = 1, y = 1, z = 1; };

struct Barrier {
  unsigned arrived = 0, members = 0, generation = 0;
  void release_if_full() { if (members && arrived == members) { arrived = 0; ++generation; } }
};

struct Fibre {
  ucontext_t context;
  std::vector<char> stack;
  Dimensions index;
  bool done;
};

const unsigned WARP = 32;
const size_t STACK = 1 << 18;

inline std::vector<Fibre> fibres;
inline std::vector<Barrier> warps;
inline Barrier block;
inline ucontext_t scheduler;
inline unsigned running;
inline void (*kernel)(void**);
inline void** arguments;
inline uint64_t slots[1024][2];

inline void wait_at(Barrier& barrier) {
  const unsigned generation = barrier.generation;
  ++barrier.arrived;
  barrier.release_if_full();
  while (barrier.generation == generation) swapcontext(&fibres[running].context, &scheduler);
}

inline void enter() {
  kernel(arguments);
  fibres[running].done = true;
  for (Barrier* barrier : {&block, &warps[running / WARP]}) {
    --barrier->members;
    barrier->release_if_full();
  }
}

}  // namespace cuda_on_cpu

inline cuda_on_cpu::Dimensions threadIdx, blockIdx, blockDim, gridDim;

inline void __syncthreads() { cuda_on_cpu::wait_at(cuda_on_cpu::block); }

template <class V> V __shfl_xor_sync(unsigned, V value, int distance) {
  using namespace cuda_on_cpu;
  static_assert(sizeof(V) <= sizeof(slots[0]));
  const unsigned me = running;
  std::memcpy(slots[me], &value, sizeof(V));
  wait_at(warps[me / WARP]);
  std::memcpy(&value, slots[me ^ (unsigned)distance], sizeof(V));
  wait_at(warps[me / WARP]);
  return value;
}

namespace cuda_on_cpu {

inline void run_block_with_barriers() {
  const unsigned count = blockDim.x * blockDim.y;
  fibres.resize(count);
  warps.assign((count + WARP - 1) / WARP, Barrier());
  block = Barrier();
  block.members = count;
  for (unsigned i = 0; i < count; ++i) {
    Fibre& fibre = fibres[i];
    fibre.index = {i % blockDim.x, i / blockDim.x, 0};
    fibre.done = false;
    fibre.stack.resize(STACK);
    ++warps[i / WARP].members;
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.data();
    fibre.context.uc_stack.ss_size = STACK;
    fibre.context.uc_link = &scheduler;
    makecontext(&fibre.context, enter, 0);
  }
  for (bool alive = true; alive;) {
    alive = false;
    for (running = 0; running < count; ++running) {
      if (fibres[running].done) continue;
      alive = true;
      threadIdx = fibres[running].index;
      swapcontext(&scheduler, &fibres[running].context);
    }
  }
}

inline void run_block_plainly() {
  for (threadIdx.y = 0; threadIdx.y < blockDim.y; ++threadIdx.y)
    for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x) kernel(arguments);
}

// Runs a kernel over {grid.x, grid.y, block.x, block.y, whether its threads wait for each other}.
inline void launch(const unsigned* shape, void (*called)(void**), void** taken) {
  kernel = called;
  arguments = taken;
  gridDim = {shape[0], shape[1], 1};
  blockDim = {shape[2], shape[3], 1};
  for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
      shape[4] ? run_block_with_barriers() : run_block_plainly();
}

}  // namespace cuda_on_cpu

inline uint32_t kb_bits(float x) { uint32_t bits; std::memcpy(&bits, &x, 4); return bits; }
inline float kb_single(uint32_t bits) { float x; std::memcpy(&x, &bits, 4); return x; }
inline double kb_double(uint64_t bits) { double x; std::memcpy(&x, &bits, 8); return x; }

// IEEE 754 half precision, nearest, ties to even.
inline uint16_t kb_half_bits_on_cpu(float x) {
  const uint16_t sign = kb_bits(x) >> 16 & 0x8000;
  if (isnan(x)) return sign | 0x7e00;
  const double size = fabs((double)x);
  if (size >= 65520.0) return sign | 0x7c00;
  if (size < 6.103515625e-05) return sign | (uint16_t)rint(size * 16777216.0);
  int exponent;
  const double fraction = std::frexp(size, &exponent);
  return sign | (uint16_t)(((exponent + 14 - 1) << 10) + (int)rint(fraction * 2048.0));
}

inline float kb_half_value_on_cpu(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float size = exponent == 31  ? (fraction ? kb_single(0x7fc00000u) : kb_single(0x7f800000u))
                     : exponent == 0 ? std::ldexp((float)fraction, -24)
                                     : std::ldexp((float)(fraction + 1024), exponent - 25);
  return bits & 0x8000 ? -size : size;
}
