/**
 * What the pages of a small Linux guest hold, by their use, measured. Times in nanoseconds, shares as fractions of 1. Written by
 * scripts/measure/guest-pages.mjs --write; not by hand.
 */
import type { Measurement } from "./measurement.js";

export const MACHINE = "linux-image-6.1.0-56-cloud-amd64 6.1.192-2, 128 MiB, QEMU without acceleration";

export const MEASURED = {
  "random-image-bytes": { p10: 37142528, p50: 37142528, p90: 37142528, samples: 9068 },
  "random-image-zero": { p10: 0.1386, p50: 0.1386, p90: 0.1386, samples: 9068 },
  "random-image-equal": { p10: 0.5211, p50: 0.5211, p90: 0.5211, samples: 9068 },
  "random-slab-bytes": { p10: 13615104, p50: 13615104, p90: 13615104, samples: 3324 },
  "random-slab-zero": { p10: 0.0409, p50: 0.0409, p90: 0.0409, samples: 3324 },
  "random-slab-equal": { p10: 0.0013, p50: 0.0013, p90: 0.0013, samples: 3324 },
  "random-kernel-bytes": { p10: 10502144, p50: 10502144, p90: 10502144, samples: 2564 },
  "random-kernel-zero": { p10: 0.5917, p50: 0.5917, p90: 0.5917, samples: 2564 },
  "random-kernel-equal": { p10: 0.5817, p50: 0.5817, p90: 0.5817, samples: 2564 },
  "random-tables-bytes": { p10: 77824, p50: 77824, p90: 77824, samples: 19 },
  "random-tables-zero": { p10: 0.0526, p50: 0.0526, p90: 0.0526, samples: 19 },
  "random-tables-equal": { p10: 0, p50: 0, p90: 0, samples: 19 },
  "random-freed-bytes": { p10: 55029760, p50: 55029760, p90: 55029760, samples: 13435 },
  "random-freed-zero": { p10: 0.3199, p50: 0.3199, p90: 0.3199, samples: 13435 },
  "random-freed-equal": { p10: 0.9944, p50: 0.9944, p90: 0.9944, samples: 13435 },
  "random-heap-bytes": { p10: 17080320, p50: 17080320, p90: 17080320, samples: 4170 },
  "random-heap-zero": { p10: 0, p50: 0, p90: 0, samples: 4170 },
  "random-heap-equal": { p10: 0.5046, p50: 0.5046, p90: 0.5046, samples: 4170 },
  "random-files-bytes": { p10: 770048, p50: 770048, p90: 770048, samples: 188 },
  "random-files-zero": { p10: 0, p50: 0, p90: 0, samples: 188 },
  "random-files-equal": { p10: 1, p50: 1, p90: 1, samples: 188 },
  "fixed-image-bytes": { p10: 37142528, p50: 37142528, p90: 37142528, samples: 9068 },
  "fixed-image-zero": { p10: 0.1388, p50: 0.1388, p90: 0.1388, samples: 9068 },
  "fixed-image-equal": { p10: 0.9401, p50: 0.9401, p90: 0.9401, samples: 9068 },
  "fixed-slab-bytes": { p10: 13615104, p50: 13615104, p90: 13615104, samples: 3324 },
  "fixed-slab-zero": { p10: 0.0409, p50: 0.0409, p90: 0.0409, samples: 3324 },
  "fixed-slab-equal": { p10: 0.0035, p50: 0.0035, p90: 0.0035, samples: 3324 },
  "fixed-kernel-bytes": { p10: 10489856, p50: 10489856, p90: 10489856, samples: 2561 },
  "fixed-kernel-zero": { p10: 0.592, p50: 0.592, p90: 0.592, samples: 2561 },
  "fixed-kernel-equal": { p10: 0.9349, p50: 0.9349, p90: 0.9349, samples: 2561 },
  "fixed-tables-bytes": { p10: 69632, p50: 69632, p90: 69632, samples: 17 },
  "fixed-tables-zero": { p10: 0.0588, p50: 0.0588, p90: 0.0588, samples: 17 },
  "fixed-tables-equal": { p10: 0.625, p50: 0.625, p90: 0.625, samples: 17 },
  "fixed-freed-bytes": { p10: 55054336, p50: 55054336, p90: 55054336, samples: 13441 },
  "fixed-freed-zero": { p10: 0.576, p50: 0.576, p90: 0.576, samples: 13441 },
  "fixed-freed-equal": { p10: 0.9926, p50: 0.9926, p90: 0.9926, samples: 13441 },
  "fixed-heap-bytes": { p10: 17076224, p50: 17076224, p90: 17076224, samples: 4169 },
  "fixed-heap-zero": { p10: 0, p50: 0, p90: 0, samples: 4169 },
  "fixed-heap-equal": { p10: 0.5066, p50: 0.5066, p90: 0.5066, samples: 4169 },
  "fixed-files-bytes": { p10: 770048, p50: 770048, p90: 770048, samples: 188 },
  "fixed-files-zero": { p10: 0, p50: 0, p90: 0, samples: 188 },
  "fixed-files-equal": { p10: 1, p50: 1, p90: 1, samples: 188 },
} as const satisfies Readonly<Record<string, Measurement>>;
