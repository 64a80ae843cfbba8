/**
 * What the pages of a small, idle Linux guest hold, measured. Times in nanoseconds, shares as fractions of 1. Written by
 * scripts/measure/guest-pages.mjs --write; not by hand.
 */
import type { Measurement } from "./measurement.js";

export const MACHINE = "linux-image-6.1.0-56-cloud-amd64 6.1.192-2, 128 MiB, QEMU without acceleration";

export const MEASURED = {
  zero: { p10: 0.2952, p50: 0.2952, p90: 0.2952, samples: 32768 },
  "equal-within": { p10: 0.5492, p50: 0.5492, p90: 0.5492, samples: 32768 },
  "equal-across": { p10: 0.6801, p50: 0.6801, p90: 0.6801, samples: 32768 },
  "used-bytes": { p10: 94593024, p50: 94593024, p90: 94593024, samples: 1 },
} as const satisfies Readonly<Record<string, Measurement>>;
