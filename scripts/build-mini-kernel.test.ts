/** Are the committed images of the mini-kernel what its sources build? Skipped without the compiler that built them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { imageFile, WIDTHS } from "../core/guest/mini-kernel/benchmark.js";
import { buildMiniKernel, IMAGES, imageName, standName } from "./build-mini-kernel.mjs";
import { TOOLS_FILE, toolVersions } from "./build-programs.mjs";

const MOST_BYTES = 110_000;
const builtWith = readFileSync(path.join(IMAGES, TOOLS_FILE), "utf8");
const here = await toolVersions();
if (here !== builtWith)
  console.log(
    `skipped: images were built with ${builtWith.trim()}; here is ${here?.trim() ?? "no compiler"}`,
  );

const folder = mkdtempSync(path.join(tmpdir(), "virtlab-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.runIf(here === builtWith)("the committed images are what the sources build", async () => {
  await buildMiniKernel(folder);
  for (const name of WIDTHS.flatMap((width) => [imageName(width), standName(width)])) {
    const built = readFileSync(path.join(folder, name));
    expect(built.equals(readFileSync(path.join(IMAGES, name))), name).toBe(true);
  }
});

test.each(WIDTHS)("the image of %i bits is small, and named as the lab knows it", (width) => {
  expect(readFileSync(path.join(IMAGES, imageName(width))).length).toBeLessThan(MOST_BYTES);
  expect(imageFile(width)).toBe(`images/${imageName(width)}`);
});
