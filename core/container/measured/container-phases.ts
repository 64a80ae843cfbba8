/**
 * What starting a container and using a union file system cost, measured. Times in nanoseconds, shares as fractions of 1. Written by
 * scripts/measure/container-phases.mjs --write; not by hand.
 */
import type { Measurement } from "../../host/measured/measurement.js";

export const MACHINE = "AMD EPYC, 2 processors of a virtual machine, Linux 6.18";

export const MEASURED = {
  "namespace-pid": { p10: 7721, p50: 8263, p90: 8914, samples: 100 },
  "namespace-net": { p10: 313761, p50: 319620, p90: 370727, samples: 100 },
  "namespace-ipc": { p10: 25579, p50: 27962, p90: 30366, samples: 100 },
  "namespace-mnt": { p10: 26800, p50: 29545, p90: 41312, samples: 100 },
  "namespace-uts": { p10: 5598, p50: 5829, p90: 6129, samples: 100 },
  "namespace-user": { p10: 12348, p50: 12919, p90: 14532, samples: 100 },
  "namespace-cgroup": { p10: 5809, p50: 6159, p90: 6570, samples: 100 },
  "namespace-time": { p10: 6190, p50: 6610, p90: 7311, samples: 100 },
  "fork-exec": { p10: 518979, p50: 545639, p90: 605489, samples: 100 },
  chroot: { p10: 5398, p50: 5659, p90: 6099, samples: 100 },
  "pivot-root": { p10: 77766, p50: 84667, p90: 373591, samples: 50 },
  "mount-proc": { p10: 13510, p50: 15473, p90: 17266, samples: 50 },
  "overlay-mount-1": { p10: 196125, p50: 207451, p90: 459600, samples: 50 },
  "overlay-lookup-1": { p10: 13470, p50: 14302, p90: 17897, samples: 50 },
  "overlay-missing-1": { p10: 8773, p50: 10325, p90: 12339, samples: 50 },
  "overlay-mount-8": { p10: 222124, p50: 232019, p90: 273691, samples: 50 },
  "overlay-lookup-8": { p10: 20070, p50: 21753, p90: 23765, samples: 50 },
  "overlay-missing-8": { p10: 16495, p50: 17677, p90: 23044, samples: 50 },
  "overlay-mount-32": { p10: 309405, p50: 333030, p90: 379780, samples: 50 },
  "overlay-lookup-32": { p10: 47111, p50: 50306, p90: 73470, samples: 50 },
  "overlay-missing-32": { p10: 41192, p50: 43525, p90: 50005, samples: 50 },
  "overlay-mount-120": { p10: 656997, p50: 704107, p90: 851358, samples: 50 },
  "overlay-lookup-120": { p10: 141693, p50: 151027, p90: 180862, samples: 50 },
  "overlay-missing-120": { p10: 139049, p50: 151978, p90: 212660, samples: 50 },
  "copy-up-4KiB": { p10: 231888, p50: 245509, p90: 281212, samples: 50 },
  "copy-up-64KiB": { p10: 267151, p50: 292099, p90: 633771, samples: 50 },
  "copy-up-1024KiB": { p10: 990607, p50: 1016517, p90: 6599169, samples: 50 },
  "copy-up-16384KiB": { p10: 9726305, p50: 10996892, p90: 19436545, samples: 15 },
  "copy-up-65536KiB": { p10: 33793462, p50: 39578048, p90: 52561112, samples: 15 },
  "cgroup-v1-create": { p10: 41442, p50: 44527, p90: 47351, samples: 50 },
  "cgroup-v2-create": { p10: 26460, p50: 28793, p90: 94592, samples: 50 },
  "cgroup-v1-attach": { p10: 7782, p50: 8423, p90: 9644, samples: 50 },
  "cgroup-v2-attach": { p10: 24056, p50: 25388, p90: 31156, samples: 50 },
  "page-cache-shared-overlay": { p10: 1, p50: 1, p90: 1, samples: 1 },
  "page-cache-shared-copy": { p10: 0, p50: 0, p90: 0, samples: 1 },
  "start-runc": { p10: 70329938, p50: 115952872, p90: 265898354, samples: 40 },
  "start-crun": { p10: 55729530, p50: 84150148, p90: 152478411, samples: 40 },
} as const satisfies Readonly<Record<string, Measurement>>;
