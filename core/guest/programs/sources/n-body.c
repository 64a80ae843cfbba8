/*
 * Planets: the n-body problem of the Computer Language Benchmarks Game (a symplectic integrator; Jupiter, Saturn,
 * Uranus, Neptune and the Sun), in double precision by SSE2 in either width. IEEE 754 arithmetic makes the bits of the
 * result the same everywhere. Here the initial values are in simple units of their own.
 */
#include "../runtime/runtime.h"

const char program_name[] = "n-body";

/* Steps. */
PARAMETER(n, 200, "");

#define BODIES 5
#define STEP (1.0 / 128)
struct body {
  double place[3], speed[3], mass;
};
static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 40},
    {{5, -1, -0.125}, {0.5, 2.75, -0.0625}, 0.0375},
    {{8, 4, -0.375}, {-1, 1.75, 0.0078125}, 0.01125},
    {{12, -15, -0.25}, {1, 0.875, -0.0078125}, 0.00171875},
    {{15, -26, 0.1875}, {1, 0.5625, -0.03125}, 0.002},
};

static inline double square_root(double value) {
  double root;
  __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(value));
  return root;
}

static void advance(void) {
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *b = &bodies[j];
      double d[3], square = 0;
      for (int k = 0; k < 3; k++) d[k] = a->place[k] - b->place[k], square += d[k] * d[k];
      double magnitude = STEP / (square * square_root(square));
      for (int k = 0; k < 3; k++) {
        a->speed[k] -= d[k] * b->mass * magnitude;
        b->speed[k] += d[k] * a->mass * magnitude;
      }
    }
  }
  for (int i = 0; i < BODIES; i++)
    for (int k = 0; k < 3; k++) bodies[i].place[k] += STEP * bodies[i].speed[k];
}

/* Through memory, so that a 32-bit program returns no double, which it would do by the x87. */
static void energy(double *result) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    double square = 0;
    for (int k = 0; k < 3; k++) square += bodies[i].speed[k] * bodies[i].speed[k];
    sum += 0.5 * bodies[i].mass * square;
    for (int j = i + 1; j < BODIES; j++) {
      square = 0;
      for (int k = 0; k < 3; k++) {
        double d = bodies[i].place[k] - bodies[j].place[k];
        square += d * d;
      }
      sum -= bodies[i].mass * bodies[j].mass / square_root(square);
    }
  }
  *result = sum;
}

uint32_t program(void) {
  double before, after;
  paging_start();
  uint32_t steps = n.value;
  energy(&before);
  roi_begin();
  for (uint32_t step = 0; step < steps; step++) advance();
  roi_end();
  energy(&after);
  double drift = (after - before) / before;
  if (!(drift < 0.01 && drift > -0.01)) fail("energy is not conserved");
  union {
    double value;
    uint32_t words[2];
  } bits = {after};
  return checksum_add(checksum_add(CHECKSUM_START, bits.words[0]), bits.words[1]);
}
