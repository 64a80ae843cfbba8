/**
 * What runs the images. An engine is
 *
 *   name, title
 *   unavailable(width)   a reason why it cannot run here, or undefined; may be a promise
 *   prepare(programs, width, folder)   optional: work before anything is timed
 *   cannotRun(program)   optional: a reason why it cannot run this program, or undefined
 *   command(job)         { file, args, pipe }: a process whose standard output is the guest's serial port; or else `pipe`, a
 *                        named pipe, is
 *
 * and a job { program, width, image, line, ownLine, folder }: the program's name, 32 or 64, the image's file, the command line
 * for the guest, the part of it that is the program's own, and a scratch folder.
 */

import { bare } from "./bare.mjs";
import { bochs } from "./bochs.mjs";
import { qemu } from "./qemu.mjs";
import { v86 } from "./v86.mjs";
import { virtlab } from "./virtlab.mjs";

/** The one that the others are measured against comes first. */
export const ENGINES = [
  qemu("tcg", "QEMU TCG", []),
  qemu("icount", "QEMU -icount", ["-icount", "shift=0,sleep=off"]),
  v86,
  bochs,
  virtlab,
  bare,
];
