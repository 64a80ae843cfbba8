/** The images are what the sources assemble; BLESS=1 writes them. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { sensitiveImage } from "./guests.js";
import { SENSITIVE_GUESTS, sensitiveFile } from "./index.js";

it.each(Object.keys(SENSITIVE_GUESTS))("%s", (name) => {
  const file = new URL(sensitiveFile(name), import.meta.url);
  const image = sensitiveImage(name);
  if (process.env["BLESS"] === "1") writeFileSync(file, image);
  expect(new Uint8Array(readFileSync(file))).toEqual(image);
});
