/**
 * Clients of a file server, as dbench imitates them: each works on files of its own, one after another, as fast as they come.
 * How much of them the guest's page cache holds decides how often the disk is waited for, which is what an experiment that moves
 * memory between guests has to show. Not one of the applications that instances can be asked to run (index.ts).
 */
import { assumed, fitted, NONE } from "../../events/profiles/constants.js";
import { KIB, MIB } from "../../util/units.js";
import { US } from "../time.js";
import type { Application } from "./application.js";

/** Files of all clients together, bytes: what the page cache would hold if it could. */
export const FILE_SET = fitted(
  480 * MIB,
  "fitted to esx02-tax-gain: 40 clients of dbench gain 30% where their guest has 256 MB in place of 179; 12 MB for each",
  [360 * MIB, 1_000 * MIB],
);
/** Blocks of these that a request reads or writes, and of them those that the same client used just before. */
export const BLOCKS = assumed(1, "requests of dbench are single reads and writes, most of 4 KiB or less");
export const REUSED = assumed(
  0.95,
  "a client writes, reads and deletes the same file within some requests: few come upon one that it left long ago",
  [0.8, 0.99],
);

export const FILE_SERVER: Application = {
  name: "file-server",
  title: "File server",
  description: "Clients that read and write files one after another: dbench.",
  memory: {
    files: assumed(500 * KIB, "a small program and the C library"),
    hot: assumed(2 * MIB, "stacks and buffers of 40 processes"),
    warm: NONE,
    cold: assumed(1 * MIB, "set up at start"),
    zero: NONE,
  },
  arrivals: "closed",
  rate: NONE,
  request: {
    work: assumed(200 * US, "some system calls and a copy, on a Pentium III", [50 * US, 500 * US]),
    hotPages: assumed(2, "a buffer and a stack"),
    warmPages: NONE,
    diskBytes: NONE,
    answerBytes: NONE,
    systemCalls: NONE,
    exits: NONE,
  },
  threads: 40,
  startWork: NONE,
  objective: assumed(1_000_000 * US, "none that anybody stated: a client waits"),
};
