/** virtlab itself, as built in dist/: a guest in a process of its own (virtlab-guest.mjs). */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../build.mjs";

const GUEST = fileURLToPath(new URL("virtlab-guest.mjs", import.meta.url));

export const virtlab = {
  name: "virtlab",
  title: "virtlab",
  unavailable: () =>
    existsSync(path.join(ROOT, "dist/machine/computer.js")) ? undefined : "dist/ has not been built",
  command: ({ image, line }) => ({ file: process.execPath, args: [GUEST, image, line] }),
};
