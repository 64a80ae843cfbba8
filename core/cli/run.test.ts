/** `virtlab run` as a process: what goes to which stream, and which exit code each way of ending gives. */
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { imageFile } from "../guest/programs/index.js";
import { GuestFolder, type RawGuest } from "../scenario/code/testing/raw-guests.js";
import { PROJECT_ROOT } from "./project.js";
import { Workshop } from "./testing/command-line.js";

const workshop = new Workshop();
const guests = new GuestFolder();
afterAll(() => {
  workshop.end();
  guests.end();
});

const raw = (guest: RawGuest): string[] => [
  "run",
  path.join(guests.path, `${guest}.bin`),
  "--raw-mode",
  "32",
];
const program = (name: string): string =>
  path.join(PROJECT_ROOT, "core", "guest", "programs", imageFile(name, 64));

describe("the guest", () => {
  it("has stdout for itself; what it did and cost is on stderr", async () => {
    const { code, stdout, stderr } = await workshop.run(
      ...[
        "run",
        program("compute"),
        "--append",
        "n=1 part=crc",
        "--profile",
        "skylake-2015",
        "--memory",
        "64MiB",
      ],
    );
    expect(stdout).toBe(
      "program compute bits=64 count=no paging=4-level page=4K reload=0 n=1 part=crc\nbegin\nend\nchecksum 9a98f423\nok\n",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^done: it ended with status 0\n {2}region +as the guest marked it\n {2}instructions +73,767,/,
    );
    expect(stderr).toContain("of skylake-2015 at");
  });

  it("may be a program of the lab, by its name", async () => {
    const { code, stdout } = await workshop.run("run", "program/compute", "--append", "part=crc");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^program compute bits=64 .* n=\d+ part=crc\nbegin\nend\n/);
  });

  it.each<[RawGuest, string[], string]>([
    ["bad", [], "failed: the guest ended with status 3"],
    ["tripleFault", [], "failed: triple fault: #UD"],
    ["asleep", ["--seconds", "0.01"], "failed: the guest halted for ever, at 0x100002"],
    ["endless", ["--budget", "1e6"], "failed: the guest did not end within 1,000,000 instructions"],
  ])("%s fails with exit code 1", async (guest, options, message) => {
    const { code, stderr } = await workshop.run(...raw(guest), ...options);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it("is stopped by Ctrl-C, which tells where it was", async () => {
    const running = workshop.start(...raw("endless"), "--budget", "1e15", "--seconds", "1e9");
    await new Promise((resolve) => running.process.stdout.once("data", resolve));
    running.process.kill("SIGINT");
    const { code, stdout, stderr } = await running.result;
    expect([code, stdout]).toEqual([130, "busy\n"]);
    expect(stderr).toContain("stopped: ");
  });
});

describe("--json", () => {
  it("is one document with everything in it", async () => {
    const { code, stdout } = await workshop.run(
      ...raw("marked"),
      "--json",
      "--caches",
      "off",
      "--engine",
      "interpreter",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "done",
      console: "",
      machine: { engine: "interpreter", caches: "off", profile: "nehalem-2008" },
      image: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
      region: { instructions: 103, exit_status: 0, port_accesses: 1 },
    });
  });
});

describe("a mistake", () => {
  const truncated = guests.write("truncated.elf", Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]));
  const good = path.join(guests.path, "good.bin");

  it.each([
    [[path.join(guests.path, "nowhere.elf")], "there is no file"],
    [[truncated], "truncated.elf: "],
    [[good], "it is no guest image"],
    [[good, "--raw-mode", "48"], "--raw-mode 48: not one of 16, 32, 64"],
    [[good, "--raw-mode", "32", "--raw-entry", "0x7c00"], "the entry, 0x7c00, lies outside"],
    [[good, "--raw-mode", "32", "--initrd", "nowhere.cpio"], "there is no file nowhere.cpio"],
    [[good, "--memory", "4GiB"], "--memory 4GiB: not a size from 1 B to 3 GiB"],
    [[good, "--profile", "skylake-2016"], "did you mean skylake-2015"],
    [[good, "--budget", "0"], "--budget 0: not a whole number from 1"],
    [[good, "--seconds", "-1"], "--seconds -1: not a number above 0"],
    [["program/gup"], 'there is no program "program/gup"\n  did you mean program/gups?'],
    [["program/gups", "--raw-mode", "32"], "kind is given, but program/gups knows how it starts"],
    [[], "virtlab run needs <image>"],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await workshop.run("run", ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(message);
  });
});
