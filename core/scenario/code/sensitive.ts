/**
 * Guests of one sensitive instruction each (guest/sensitive-instructions) as workloads: `sensitive/popf`. They print what it
 * showed or did; where it went wrong the row's fingerprint is another than natively, and its `reason` says which and where.
 */
import { SENSITIVE_GUESTS, sensitiveFile } from "../../guest/sensitive-instructions/index.js";
import { rawKernel } from "./raw-kernel.js";
import type { CodeWorkload } from "./workload.js";

export const SENSITIVE_WORKLOADS: readonly CodeWorkload[] = Object.keys(SENSITIVE_GUESTS).map((name) => {
  const words = name.replaceAll("-", " ");
  return rawKernel(
    {
      name: `sensitive/${name}`,
      title: `Sensitive: ${words}`,
      description: `A 32-bit kernel executes ${words.toUpperCase()} at CPL 0 and prints what that showed or did.`,
      source: "Robin & Irvine, USENIX Security 2000, table 2",
    },
    `../sensitive-instructions/${sensitiveFile(name)}`,
  );
});
