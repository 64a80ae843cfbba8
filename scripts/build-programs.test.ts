/** Are the committed images what the sources build? Skipped without the compiler that built them: others build other bytes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { PROGRAMS } from "../core/guest/programs/definitions.js";
import { imageFile } from "../core/guest/programs/program.js";
import {
  BOOT_SECTOR,
  buildBootSector,
  buildImages,
  IMAGES,
  imageName,
  programNames,
  TOOLS_FILE,
  toolVersions,
  WIDTHS,
} from "./build-programs.mjs";

const builtWith = readFileSync(path.join(IMAGES, TOOLS_FILE), "utf8");
const here = await toolVersions();
if (here !== builtWith)
  console.log(
    `skipped: images were built with ${builtWith.trim()}; here is ${here?.trim() ?? "no compiler"}`,
  );

const folder = mkdtempSync(path.join(tmpdir(), "virtlab-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.runIf(here === builtWith)("the committed images are what the sources build", async () => {
  await buildImages(folder);
  const differing = readdirSync(folder).filter(
    (name) => !readFileSync(path.join(folder, name)).equals(readFileSync(path.join(IMAGES, name))),
  );
  expect(differing).toEqual([]);
  const bootSector = path.join(folder, "boot-sector.bin");
  await buildBootSector(bootSector);
  expect(readFileSync(bootSector).equals(readFileSync(BOOT_SECTOR))).toBe(true);
});

test("programs, sources and images are the same set", () => {
  expect(PROGRAMS.map((program) => program.name).sort()).toEqual(programNames());
  const images = programNames().flatMap((name) => WIDTHS.map((width) => imageName(name, width)));
  expect(readdirSync(IMAGES).sort()).toEqual([TOOLS_FILE, ...images].sort());
  expect(imageFile("arithmetic", 32)).toBe(path.join("images", imageName("arithmetic", 32)));
});
