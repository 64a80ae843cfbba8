/** Does the comparison take times from a guest's lines, tell failures, and add up its table? No engine is needed. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CASES } from "../../core/guest/programs/cases.js";
import { bootDisk } from "./boot-disk.mjs";
import { runGuest } from "./guest-run.mjs";
import { KINDS } from "./kinds.mjs";
import { compare, markdown } from "./table.mjs";

/** A process that prints lines as a guest would. */
const guest = (script: string) => ({ file: process.execPath, args: ["-e", script] });
const REGION_MS = 50;

test("the time is that between begin and end", async () => {
  const run = await runGuest(
    guest(
      `console.log("begin"); setTimeout(() => console.log("end\\nchecksum 0123abcd\\nok"), ${REGION_MS})`,
    ),
  );
  expect(run.checksum).toBe("0123abcd");
  expect(run.seconds).toBeGreaterThan((REGION_MS * 0.9) / 1000); // lines travel some milliseconds, either of them
});

test("a guest that fails, a process that ends and one that is not there are failures", async () => {
  expect(
    (await runGuest(guest(`console.log("begin\\nfailed: why"); setInterval(() => {}, 1000)`))).failure,
  ).toMatch(/the guest failed: begin\s+failed: why/);
  expect((await runGuest(guest(`console.error("no machine"); process.exit(3)`))).failure).toBe(
    "ended with 3: no machine",
  );
  expect((await runGuest({ file: "no-such-emulator", args: [] })).failure).toMatch(/ENOENT/);
});

test("speeds are medians, ratios a geometric mean over what both have run", () => {
  const cell = (...seconds: number[]) => ({
    instructions: 1e6,
    clock: "seconds",
    runs: seconds.map((value) => ({ seconds: value })),
  });
  const rows = [
    { kind: "a", isInMean: true, cells: { tcg: cell(1, 9, 1), v86: cell(2) } },
    { kind: "b", isInMean: true, cells: { tcg: cell(1), v86: cell(8) } },
    { kind: "c", isInMean: true, cells: { tcg: cell(1), v86: cell() } },
    { kind: "d", isInMean: false, cells: { tcg: cell(1), v86: cell(100) } },
  ];
  expect(compare(rows, "v86", "tcg").kinds).toBe(2);
  expect(compare(rows, "v86", "tcg").mean).toBeCloseTo(1 / 4, 12);
  const table = markdown(rows, [
    { name: "tcg", title: "QEMU TCG" },
    { name: "v86", title: "v86" },
  ]);
  expect(table).toContain("| a | 1.0 | 0.5 |");
  expect(table).toContain("| c | 1.0 | – |");
  expect(table).toContain("| (d) |");
  expect(table).toContain("1.00× (3) | 0.25× (2) |");
});

test("every kind is a case whose instructions are counted", () => {
  for (const kind of KINDS)
    expect(CASES.find((of) => of.name === kind.case)?.isCountable, kind.name).toBe(true);
});

test("a boot disk has whole cylinders, the command line and the image", () => {
  const image = fileURLToPath(new URL("../../core/guest/programs/images/arithmetic-32.elf", import.meta.url));
  const disk = bootDisk(image, "n=5");
  expect(disk.length % (16 * 63 * 512)).toBe(0);
  expect(disk.readUInt16LE(510)).toBe(0xaa55);
  expect(disk.toString("latin1", 512, 516)).toBe("n=5\0");
  const header = readFileSync(image).indexOf(Uint8Array.of(0x02, 0xb0, 0xad, 0x1b));
  expect(disk.indexOf(Uint8Array.of(0x02, 0xb0, 0xad, 0x1b))).toBe(1024);
  expect(header).toBeGreaterThan(0);
  expect(() => bootDisk(image, "x".repeat(512))).toThrow(/too long/);
});
