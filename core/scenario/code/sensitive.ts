/**
 * Guests of one sensitive instruction each (guest/sensitive-instructions) as workloads: `sensitive/popf`. They print what it
 * showed or did; where it went wrong the row's fingerprint is another than natively, and its `reason` says which and where.
 */
import { SENSITIVE_GUESTS, sensitiveFile } from "../../guest/sensitive-instructions/index.js";
import { DEFAULT_SETTINGS } from "../settings.js";
import type { CodeWorkload } from "./workload.js";

/** From the folder of the lab's programs. */
const FOLDER = "../sensitive-instructions";

export const SENSITIVE_WORKLOADS: readonly CodeWorkload[] = Object.keys(SENSITIVE_GUESTS).map(
  (name): CodeWorkload => ({
    name: `sensitive/${name}`,
    title: `Sensitive: ${name.replaceAll("-", " ")}`,
    description: `A 32-bit kernel executes ${name.replaceAll("-", " ").toUpperCase()} at CPL 0 and prints what that showed or did.`,
    source: "Robin & Irvine, USENIX Security 2000, table 2",
    parameters: {},
    request: () => ({
      image: `${FOLDER}/${sensitiveFile(name)}`,
      isShipped: true,
      kind: "raw",
      append: "",
      modules: [],
      disk: "",
      raw: { mode: 32, address: 0, entry: 0 },
    }),
    unsupported: ({ page, guest }) =>
      page === DEFAULT_SETTINGS.page && guest.paging === DEFAULT_SETTINGS.guest.paging
        ? undefined
        : "these guests have no page tables",
  }),
);
