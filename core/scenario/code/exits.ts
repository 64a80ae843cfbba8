/**
 * Guests that repeat one operation which leaves a virtual machine (guest/exits) as workloads: `exit/cpuid`. A row's cycles
 * divided by their ROUNDS are what one operation takes, with its loop.
 */
import { EXIT_OPERATIONS, exitFile, ROUNDS } from "../../guest/exits/index.js";
import { rawKernel } from "./raw-kernel.js";
import type { CodeWorkload } from "./workload.js";

export const EXIT_WORKLOADS: readonly CodeWorkload[] = Object.entries(EXIT_OPERATIONS).map(
  ([name, { title }]) =>
    rawKernel(
      {
        name: `exit/${name}`,
        title: `Exit: ${name.replaceAll("-", " ")}`,
        description: `${title} ${ROUNDS} times in a 32-bit kernel without paging.`,
        source: "kvm-unit-tests, x86/vmexit.c",
      },
      `../exits/${exitFile(name)}`,
    ),
);
