/** The images are what the sources assemble; BLESS=1 writes them. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { exitImage } from "./guests.js";
import { EXIT_OPERATIONS, exitFile } from "./index.js";

it.each(Object.keys(EXIT_OPERATIONS))("%s", (name) => {
  const file = new URL(exitFile(name), import.meta.url);
  const image = exitImage(name);
  if (process.env["BLESS"] === "1") writeFileSync(file, image);
  expect(new Uint8Array(readFileSync(file))).toEqual(image);
});
