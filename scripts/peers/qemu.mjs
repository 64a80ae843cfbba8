/**
 * QEMU's translator (TCG), which boots multiboot images itself. It gets no debug exit: the guest halts in the end, and the times of
 * its threads can still be read.
 */
import { missing } from "./installed.mjs";
import { MEMORY_MEBIBYTES } from "./memory.mjs";

const BINARY = { 32: "qemu-system-i386", 64: "qemu-system-x86_64" };

/** An engine with some more options. */
export function qemu(name, title, options) {
  return {
    name,
    title,
    unavailable: (width) => missing(BINARY[width]),
    command: ({ image, line, width }) => ({
      file: BINARY[width],
      args: [
        ...["-accel", "tcg", ...options, "-m", String(MEMORY_MEBIBYTES)],
        ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
        ...["-kernel", image, "-append", line],
      ],
    }),
  };
}
