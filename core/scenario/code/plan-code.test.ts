/** Code in a plan: every way to write it, where its files are, what of them is in the hash, and mistakes told with their place. */
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../util/errors.js";
import { CATALOGUE, checkExpectations, loadScenario, rowsOf, runPlan, thisThread } from "../index.js";
import { runCell } from "../run-cell.js";
import { unsupportedReason } from "../support.js";
import { readGuestFile } from "./files.js";
import { GuestFolder, RAW_GUESTS } from "./testing/raw-guests.js";

const folder = new GuestFolder();
afterAll(() => folder.end());

const RAW = "kind: raw, rawMode: 32";

describe("ways to write it", () => {
  const imagesOf = (text: string, sets?: readonly string[]) =>
    folder
      .plan(`technique: native\n${text}`, sets)
      .cells.map(({ id, config }) => [id, config.code!.image.name]);

  it.each([
    [`workload: { image: good.bin, ${RAW} }`, [["technique=native workload=boot", "good.bin"]]],
    [`workload: { name: boot, image: good.bin, ${RAW} }`, [["technique=native workload=boot", "good.bin"]]],
    [
      `workload: boot\nparameters: { image: good.bin, ${RAW} }`,
      [["technique=native workload=boot", "good.bin"]],
    ],
    [
      `workload: { name: boot, ${RAW} }\nmatrix: { image: [good.bin, bad.bin] }`,
      [
        ["image=good.bin", "good.bin"],
        ["image=bad.bin", "bad.bin"],
      ],
    ],
    [
      `parameters: { boot: { ${RAW} } }\nmatrix: { workload: [{ image: good.bin }, { image: bad.bin, append: hi there }] }`,
      [
        ["workload=boot image=good.bin", "good.bin"],
        ["workload=boot image=bad.bin append=hi there", "bad.bin"],
      ],
    ],
  ])("%s", (text, cells) => {
    expect(imagesOf(text)).toEqual(cells);
  });

  it("programs are workloads with parameters, and a width", () => {
    const { cells } = folder.plan(
      "technique: native\nsize: tiny\nmatrix: { workload: [program/gups, { name: program/compute, part: sort }], bits: [32, 64] }",
    );
    expect(cells.map(({ config }) => [config.code!.image.name, config.code!.append])).toEqual([
      ["images/gups-32.elf", "n=20000 size=1048576 paging=2-level page=4K"],
      ["images/gups-64.elf", "n=20000 size=1048576 paging=4-level page=4K"],
      ["images/compute-32.elf", "n=1 part=sort paging=2-level page=4K"],
      ["images/compute-64.elf", "n=1 part=sort paging=4-level page=4K"],
    ]);
  });

  it("page tables of a program are the cell's", () => {
    const { cells } = folder.plan(
      "technique: native\nworkload: { name: program/invlpg, bits: 32 }\nguest: { paging: pae }\npage: 2M\nsize: tiny",
    );
    expect(cells[0]!.config.code!.append).toBe("n=10000 pages=64 paging=pae page=large");
  });

  it.each(["page: 2M", "guest: { paging: pae }"])("page tables of an image are its own: %s", (setting) => {
    const { cells } = folder.plan(`technique: native\nworkload: { image: good.bin, ${RAW} }\n${setting}`);
    expect(unsupportedReason(cells[0]!.config)).toMatch(/^an image makes its own page tables/);
  });

  it("initrd and modules are files, in that order", () => {
    const { cells } = folder.plan(
      `technique: native\nworkload: { image: good.bin, ${RAW}, initrd: bad.bin, modules: [asleep.bin, reset.bin] }`,
    );
    expect(cells[0]!.config.code!.modules.map(({ name }) => name)).toEqual([
      "bad.bin",
      "asleep.bin",
      "reset.bin",
    ]);
  });
});

describe("where files are", () => {
  it("paths are relative to the file that says them, an option's to the working folder", () => {
    folder.write("images/inner.bin", Uint8Array.from(RAW_GUESTS.good));
    folder.write("images/parent.yaml", `technique: native\nworkload: { image: inner.bin, ${RAW} }`);
    const child = folder.write("child.yaml", "extends: images/parent.yaml");
    const imageOf = (sets: readonly string[]): unknown => {
      const { document } = loadScenario(child, { sets });
      return (document.parameters as Record<string, Record<string, unknown>>)["boot"]!["image"];
    };
    expect(imageOf([])).toBe("images/inner.bin");
    const set = imageOf(["parameters.boot.image=some/other.bin"]) as string;
    expect(set).toMatch(/^(\.\.\/)+.*some\/other\.bin$/);
  });

  it("a plan's hash is of contents and names, not of places", () => {
    const text = `technique: native\nworkload: { image: guest.bin, ${RAW} }`;
    const hashes = (["a", "b", "c"] as const).map((place) => {
      folder.write(`${place}/guest.bin`, Uint8Array.from(RAW_GUESTS[place === "c" ? "bad" : "good"]));
      return folder.plan(text, [], `${place}/test.yaml`).hash;
    });
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it("a file that changes after the plan is noticed", () => {
    const name = "changing.bin";
    folder.write(name, Uint8Array.from(RAW_GUESTS.good));
    const { image } = folder.plan(`technique: native\nworkload: { image: ${name}, ${RAW} }`).cells[0]!.config
      .code!;
    expect(readGuestFile(image)).toEqual(Buffer.from(RAW_GUESTS.good));
    folder.write(name, Uint8Array.from(RAW_GUESTS.bad));
    expect(() => readGuestFile(image)).toThrow("changing.bin has changed since the run began");
  });
});

describe("a file that is missing", () => {
  it("makes an unsupported row where the scenario says why", () => {
    const { cells } = folder.plan(
      "technique: native\nifMissing: run npm run fetch-it\nworkload: { image: nowhere.elf }",
    );
    expect(unsupportedReason(cells[0]!.config)).toBe("nowhere.elf is not there: run npm run fetch-it");
  });

  it("skips what is expected of its rows alone", async () => {
    const plan = folder.plan(
      `technique: native
ifMissing: fetch it
parameters: { boot: { ${RAW} } }
matrix: { workload: [{ image: good.bin }, { image: nowhere.bin }] }
expect:
  - exit_status == 0
  - exit_status == 0 where image == 'nowhere.bin'
  - exit_status == 0 where image == 'elsewhere.bin'
  - count() == 1 where status == 'unsupported'`,
    );
    const { outcomes } = await runPlan(plan, {}, CATALOGUE, thisThread(runCell));
    const verdicts = checkExpectations(plan, rowsOf(plan, outcomes));
    expect(verdicts.map(({ passed, skipped, reason }) => [passed, skipped, reason])).toEqual([
      [true, false, ""],
      [true, true, "nowhere.bin is not there: fetch it"],
      [false, false, "selected no rows"],
      [true, false, ""],
    ]);
  });
});

/** The whole message a user sees, without the folder. */
function complaint(text: string): string {
  try {
    folder.plan(`technique: native\n${text}`);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text.replaceAll(`${folder.path}/`, "");
  }
  return "accepted";
}

describe("a mistake is told with its place", () => {
  folder.write("truncated.elf", Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]));
  folder.write("text.txt", "no image at all, but long enough to be looked at\n");

  it.each([
    [
      "no file",
      "workload: { image: nowhere.elf }",
      "test.yaml:2:20: there is no file nowhere.elf\n  paths are relative to the scenario",
    ],
    [
      "no module",
      `workload:\n  image: good.bin\n  ${RAW.replace(", ", "\n  ")}\n  initrd: no.cpio`,
      "test.yaml:6:11: there is no file no.cpio",
    ],
    [
      "no file in a list",
      `matrix:\n  workload:\n    - { image: good.bin, ${RAW} }\n    - { image: gone.bin, ${RAW} }`,
      "test.yaml:5:16: there is no file gone.bin",
    ],
    ["a folder", "workload: { image: . }", "test.yaml:2:20: . is not a file"],
    ["a truncated image", "workload: { image: truncated.elf }", "test.yaml:2:20: truncated.elf: "],
    ["no image", "workload: { image: text.txt }", "test.yaml:2:20: text.txt: it is no guest image"],
    ["raw without a mode", "workload: { image: good.bin, kind: raw }", "say rawMode: 16, 32 or 64"],
    [
      "a mode for what is not raw",
      "workload: { image: good.bin, kind: elf, rawMode: 32 }",
      "is not of kind raw",
    ],
    ["no image named", "workload: boot", "test.yaml:2:11: the workload boot has no image"],
    [
      "a misspelt key",
      "workload: { image: good.bin, apend: x }",
      'unknown key "apend" in workload\n  did you mean "append"?',
    ],
    ["a misspelt name", "workload: program/compote", 'did you mean "program/compute"?'],
    [
      "another's parameter",
      "workload: { name: program/compute, footprint: 1MiB }",
      'unknown key "footprint"',
    ],
    ["a width that there is not", "workload: { name: program/compute, bits: 16 }", "workload.bits: "],
    [
      "no memory for it",
      `machine: { memory: 1MiB }\nworkload: { image: good.bin, ${RAW} }`,
      "test.yaml:3:20: good.bin: ",
    ],
    ["an empty path", "workload: { image: '' }", "test.yaml:2:20: workload.image: must not be empty"],
    [
      "a list for a file",
      "workload: { image: [a, b] }",
      "test.yaml:2:20: workload.image: expected text, found a list\n  several values are an axis: write matrix: { image: […] }",
    ],
  ])("%s", (_, text, message) => {
    expect(complaint(text)).toContain(message);
  });
});
