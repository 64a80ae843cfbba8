/**
 * Guests that repeat one operation which leaves a virtual machine (guest/exits) as workloads: `exit/cpuid`. A row's cycles
 * divided by their ROUNDS are what one operation takes, with its loop.
 */
import { EXIT_OPERATIONS, exitFile, ROUNDS } from "../../guest/exits/index.js";
import { DEFAULT_SETTINGS } from "../settings.js";
import type { CodeWorkload } from "./workload.js";

/** From the folder of the lab's programs. */
const FOLDER = "../exits";

export const EXIT_WORKLOADS: readonly CodeWorkload[] = Object.entries(EXIT_OPERATIONS).map(
  ([name, { title }]): CodeWorkload => ({
    name: `exit/${name}`,
    title: `Exit: ${name.replaceAll("-", " ")}`,
    description: `${title} ${ROUNDS} times in a 32-bit kernel without paging.`,
    source: "kvm-unit-tests, x86/vmexit.c",
    parameters: {},
    request: () => ({
      image: `${FOLDER}/${exitFile(name)}`,
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
