/** v86, the npm package: an emulator that translates to WebAssembly. 32-bit only. It runs in a process of its own (v86-guest.mjs). */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

function isInstalled() {
  try {
    createRequire(import.meta.url).resolve("v86");
    return true;
  } catch {
    return false;
  }
}

export const v86 = {
  name: "v86",
  title: "v86",
  unavailable(width) {
    if (width === 64) return "v86 has no 64-bit mode";
    return isInstalled() ? undefined : "the npm package v86 is not installed";
  },
  command: ({ image, line }) => ({
    file: process.execPath,
    args: [fileURLToPath(new URL("v86-guest.mjs", import.meta.url)), image, line],
  }),
};
