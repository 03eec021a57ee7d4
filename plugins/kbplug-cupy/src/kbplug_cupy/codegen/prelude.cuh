// What every generated kernel may use: narrow floats, complex numbers, and functions whose results the Array API fixes
// where C++ leaves them open. It includes no header, so that NVRTC compiles it fast and finds it always.

typedef unsigned short kb_u16;
typedef unsigned int kb_u32;
typedef unsigned long long kb_u64;

#ifdef __CUDACC__
#define KB_FUNCTION __device__ __forceinline__
KB_FUNCTION kb_u32 kb_bits(float x) { return __float_as_uint(x); }
KB_FUNCTION float kb_single(kb_u32 bits) { return __uint_as_float(bits); }
KB_FUNCTION double kb_double(kb_u64 bits) { return __longlong_as_double((long long)bits); }
#endif

template <class T> KB_FUNCTION T kb_infinity();
template <> KB_FUNCTION float kb_infinity<float>() { return kb_single(0x7f800000u); }
template <> KB_FUNCTION double kb_infinity<double>() { return kb_double(0x7ff0000000000000ull); }
template <class T> KB_FUNCTION T kb_nan();
template <> KB_FUNCTION float kb_nan<float>() { return kb_single(0x7fc00000u); }
template <> KB_FUNCTION double kb_nan<double>() { return kb_double(0x7ff8000000000000ull); }

// Numbers of 16 bits exist in memory only; registers hold floats.

// Rounds once, to the nearest float, or towards what a second rounding needs: odd if inexact.
KB_FUNCTION float kb_round_to_odd(double x) {
  float y = (float)x;
  if ((double)y == x || isnan(x) || isinf(y)) return y;
  kb_u32 bits = kb_bits(y);
  if (bits & 1u) return y;
  const bool away = fabs((double)y) > fabs(x);
  return kb_single(away ? bits - 1u : bits + 1u);
}

KB_FUNCTION kb_u16 kb_half_bits(float x) {
#ifdef __CUDACC__
  kb_u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
#else
  return kb_half_bits_on_cpu(x);
#endif
}

KB_FUNCTION float kb_half_value(kb_u16 bits) {
#ifdef __CUDACC__
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
#else
  return kb_half_value_on_cpu(bits);
#endif
}

struct kb_half {
  kb_u16 bits;
  kb_half() = default;
  KB_FUNCTION explicit kb_half(float x) : bits(kb_half_bits(x)) {}
  KB_FUNCTION explicit kb_half(double x) : bits(kb_half_bits(kb_round_to_odd(x))) {}
};

// Truncation of a float, rounded to nearest, ties to even.
struct kb_bfloat {
  kb_u16 bits;
  kb_bfloat() = default;
  KB_FUNCTION explicit kb_bfloat(float x) {
    const kb_u32 whole = kb_bits(x);
    bits = isnan(x) ? (kb_u16)(whole >> 16 | 0x40u) : (kb_u16)((whole + 0x7fffu + (whole >> 16 & 1u)) >> 16);
  }
  KB_FUNCTION explicit kb_bfloat(double x) : kb_bfloat(kb_round_to_odd(x)) {}
};

template <class T> struct alignas(2 * sizeof(T)) kb_complex { T re, im; };

template <class T> KB_FUNCTION T kb_value(T x) { return x; }
KB_FUNCTION float kb_value(kb_half x) { return kb_half_value(x.bits); }
KB_FUNCTION float kb_value(kb_bfloat x) { return kb_single((kb_u32)x.bits << 16); }

// As many elements as one thread reads or writes at once.
template <class T, int N> struct alignas(sizeof(T) * N) kb_pack { T at[N]; };

// Integers.

template <class T> KB_FUNCTION T kb_floor_divide_int(T a, T b) {
  if (b == 0) return 0;
  if (b + 1 == 0 && (T)-1 < 0) return (T)(0 - (kb_u64)a);
  const T q = (T)(a / b);
  return (a % b != 0 && (a < 0) != (b < 0)) ? (T)(q - 1) : q;
}

template <class T> KB_FUNCTION T kb_remainder_int(T a, T b) {
  if (b == 0 || (b + 1 == 0 && (T)-1 < 0)) return 0;
  const T r = (T)(a % b);
  return (r != 0 && (r < 0) != (b < 0)) ? (T)(r + b) : r;
}

template <class T> KB_FUNCTION T kb_pow_int(T a, T b) {
  if (b < 0) return a == 1 ? (T)1 : ((T)(a + 1) == 0 ? (T)(b % 2 ? -1 : 1) : (T)0);
  kb_u64 result = 1, base = (kb_u64)a;
  for (kb_u64 rest = (kb_u64)b; rest; rest >>= 1) {
    if (rest & 1u) result *= base;
    base *= base;
  }
  return (T)result;
}

// A shift by a negative number, or by all bits and more, leaves what a longer shift would.
template <class T> KB_FUNCTION T kb_shift_left(T a, T b) {
  return (kb_u64)b < 8 * sizeof(T) ? (T)((kb_u64)a << (kb_u64)b) : (T)0;
}

template <class T> KB_FUNCTION T kb_shift_right(T a, T b) {
  return (kb_u64)b < 8 * sizeof(T) ? (T)(a >> b) : (a < 0 ? (T)-1 : (T)0);
}

// Real floats.

template <class T> KB_FUNCTION T kb_sign(T x) { return x > 0 ? (T)1 : (x < 0 ? (T)-1 : (x == 0 ? (T)0 : x)); }
template <class T> KB_FUNCTION T kb_larger(T a, T b) { return (a >= b || a != a) ? a : b; }
template <class T> KB_FUNCTION T kb_smaller(T a, T b) { return (a <= b || a != a) ? a : b; }

template <class T> KB_FUNCTION T kb_remainder(T a, T b) {
  const T r = fmod(a, b);
  if (b == 0) return r;
  if (r == 0) return copysign((T)0, b);
  return (b < 0) != (r < 0) ? r + b : r;
}

template <class T> KB_FUNCTION T kb_floor_divide(T a, T b) {
  if (b == 0 || isinf(a) || isinf(b)) return floor(a / b);
  const T r = fmod(a, b);
  T q = (a - r) / b;
  if (r != 0 && (b < 0) != (r < 0)) q -= 1;
  if (q == 0) return copysign((T)0, a / b);
  const T whole = floor(q);
  return q - whole > (T)0.5 ? whole + 1 : whole;
}

template <class T> KB_FUNCTION T kb_logaddexp(T a, T b) {
  if (a == b) return a + (T)0.6931471805599453;
  const T d = a - b;
  return d > 0 ? a + log1p(exp(-d)) : (d <= 0 ? b + log1p(exp(d)) : d);
}

template <class N> KB_FUNCTION float kb_next_narrow(float a, float b) {
  if (isnan(a) || isnan(b)) return kb_nan<float>();
  N x(a);
  if (a == b) return b;
  if (a == 0) x.bits = b > 0 ? 0x0001 : 0x8001;
  else x.bits = (kb_u16)((a < b) == (a > 0) ? x.bits + 1 : x.bits - 1);
  return kb_value(x);
}

template <class T> KB_FUNCTION T kb_expit(T x) {
  const T small = exp(-fabs(x));
  return (x < 0 ? small : (T)1) / (1 + small);
}

template <class T> KB_FUNCTION T kb_logit(T p) {
  if (p > 0 && p < 1) return p >= (T)0.25 && p <= (T)0.75 ? 2 * atanh(2 * p - 1) : log(p) - log1p(-p);
  return p == 0 ? -kb_infinity<T>() : (p == 1 ? kb_infinity<T>() : kb_nan<T>());
}

template <class T> KB_FUNCTION T kb_xlogy(T x, T y) { return x == 0 && !isnan(y) ? (T)0 : x * log(y); }
template <class T> KB_FUNCTION T kb_xlog1py(T x, T y) { return x == 0 && !isnan(y) ? (T)0 : x * log1p(y); }

// Complex numbers.

#define KB_EACH template <class T> KB_FUNCTION kb_complex<T>
KB_EACH operator+(kb_complex<T> a, kb_complex<T> b) { return {a.re + b.re, a.im + b.im}; }
KB_EACH operator-(kb_complex<T> a, kb_complex<T> b) { return {a.re - b.re, a.im - b.im}; }
KB_EACH operator-(kb_complex<T> a) { return {-a.re, -a.im}; }
KB_EACH operator*(kb_complex<T> a, kb_complex<T> b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
KB_EACH kb_conj(kb_complex<T> a) { return {a.re, -a.im}; }
KB_EACH kb_round(kb_complex<T> a) { return {rint(a.re), rint(a.im)}; }

// Smith's quotient: scaled by the larger part of the divisor, so that its square does not overflow (Smith, 1962).
KB_EACH operator/(kb_complex<T> a, kb_complex<T> b) {
  if (fabs(b.re) >= fabs(b.im)) {
    if (b.re == 0 && b.im == 0) return {a.re / fabs(b.re), a.im / fabs(b.re)};
    const T ratio = b.im / b.re, scale = 1 / (b.re + b.im * ratio);
    return {(a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale};
  }
  const T ratio = b.re / b.im, scale = 1 / (b.im + b.re * ratio);
  return {(a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale};
}
#undef KB_EACH
template <class T> KB_FUNCTION bool operator==(kb_complex<T> a, kb_complex<T> b) { return a.re == b.re && a.im == b.im; }

// Reductions: every thread of a row gives its part and gets the whole, in an order that hangs on nothing but T.

struct kb_add { template <class V> KB_FUNCTION V operator()(V a, V b) const { return a + b; } };
struct kb_multiply { template <class V> KB_FUNCTION V operator()(V a, V b) const { return a * b; } };
struct kb_maximum { template <class V> KB_FUNCTION V operator()(V a, V b) const { return kb_larger(a, b); } };
struct kb_minimum { template <class V> KB_FUNCTION V operator()(V a, V b) const { return kb_smaller(a, b); } };

template <class V> KB_FUNCTION V kb_other(V x, int distance) { return __shfl_xor_sync(0xffffffffu, x, distance); }
template <class T> KB_FUNCTION kb_complex<T> kb_other(kb_complex<T> x, int distance) {
  return {kb_other(x.re, distance), kb_other(x.im, distance)};
}

template <int T, class Op, class V> KB_FUNCTION V kb_reduce(V part, Op op) {
  for (int distance = 16; distance; distance /= 2) part = op(part, kb_other(part, distance));
  if (T > 32) {
    __shared__ V parts[T / 32];
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = part;
    __syncthreads();
    part = parts[0];
    for (int i = 1; i < T / 32; ++i) part = op(part, parts[i]);
  }
  return part;
}
