/** The committed first process of the Linux guest is what its source says. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readElf } from "../core/guest/images/elf.js";
import { ImageReader } from "../core/guest/images/image-reader.js";
import { buildLinuxInit, compilerVersion } from "./build-linux-init.mjs";

const FOLDER = "core/guest/programs/linux-init";
const committed = readFileSync(`${FOLDER}/init`);

test("it is a small static 64-bit program", () => {
  const elf = readElf(new ImageReader(committed, "init"));
  expect([elf.bits, elf.isPositionIndependent, elf.dynamic]).toEqual([64, false, undefined]);
  expect(committed.length).toBeLessThan(10_240);
});

const wanted = readFileSync(`${FOLDER}/BUILT-WITH`, "utf8").trim();
const isSameCompiler = compilerVersion() === wanted;
if (!isSameCompiler) console.log(`skipped: building init again: it was built with ${wanted}`);
test.runIf(isSameCompiler)("its source builds the same bytes", () => {
  expect(Buffer.compare(buildLinuxInit(), committed)).toBe(0);
});
