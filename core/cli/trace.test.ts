/** The text of traces against golden files, its width, and mistakes in the options. BLESS=1 rewrites the golden files. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import { runCommand } from "./commands.js";
import { Workshop } from "./testing/command-line.js";
import { fakeTerminal } from "./testing/fake-terminal.js";

const workshop = new Workshop();
afterAll(() => workshop.end());

async function trace(args: string, columns = 100): Promise<string> {
  const terminal = fakeTerminal({ columns });
  const words = args === "" ? [] : args.split(" ");
  expect(await runCommand({ args: ["trace", ...words], terminal })).toBe(0);
  expect(terminal.err).toEqual([]);
  return `${terminal.out.join("\n")}\n`;
}

describe("golden text", () => {
  it.each([
    ["nested", "--technique hardware/nested"],
    ["shadow-write", "--technique hardware/shadow --kind write --address 0x7f0012345678"],
    ["exercise", "--seed 7"],
    ["exercise-answers", "--seed 7 --answers"],
  ])("%s: %s", async (name, args) => {
    const path = new URL(`./testing/trace-${name}.txt`, import.meta.url);
    const text = await trace(args);
    if (process.env["BLESS"] === "1") writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
});

describe("the text", () => {
  it.each([
    "--technique native --paging pae --profile prescott-2005",
    "--technique hardware/nested --profile ice-lake-2019 --paging 5-level --kind write",
    "--technique hardware/shadow --page 2M --host-page 2M",
    "--technique paravirtual/direct --kind fetch",
    "--seed 12",
  ])("%s: fits 80 columns, without trailing blanks", async (args) => {
    const lines = (await trace(args, 80)).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => /\s$/.test(line))).toEqual([]);
  });

  it("names the second dimension as the vendor does", async () => {
    expect(await trace("--profile zen-2-2019 --state walk")).toMatch(/NPT PML4\[0\]/);
    expect(await trace("--state walk")).toMatch(/EPT PML4\[0\]/);
  });

  it("numbers 24 references without walk caches", async () => {
    const text = await trace("--no-walk-caches --state walk");
    expect(text).toMatch(/^ {2}24 {4}EPT PT\[/m);
    expect(text).not.toMatch(/^ {2}25 /m);
    expect(text).toContain("(4 + 1)(4 + 1) - 1 = 24");
  });

  it("is JSON when asked, hidden values null", async () => {
    const open = JSON.parse(await trace("--seed 7 --json")) as {
      questions: { answer: unknown }[];
      fields: { value: unknown }[];
    };
    expect(open.questions.map(({ answer }) => answer)).toEqual(open.questions.map(() => null));
    expect(open.fields.at(-1)?.value).toBeNull();
    const plain = JSON.parse(await trace("--state warm --json")) as {
      questions: unknown[];
      accesses: unknown[];
    };
    expect([plain.questions.length, plain.accesses.length]).toEqual([0, 1]);
  });

  it("traces a cell of a scenario", async () => {
    const file = workshop.write(
      "two.yaml",
      "workload: gups\nmatrix:\n  technique: [native, hardware/shadow]\n  page: [4K, 2M]\n",
    );
    const text = await trace(`--scenario ${workshop.path(file)} --cell 3 --state warm`);
    expect(text).toContain("hardware/shadow on nehalem-2008");
    expect(text).toContain("2M pages");
    await expect(trace(`--scenario ${workshop.path(file)} --cell 4`)).rejects.toThrow("cells 0 to 3");
  });
});

describe("a mistake in the options", () => {
  it.each([
    ["--answers", "--answers without --seed"],
    ["--cell 2", "--cell without --scenario"],
    ["--scenario ept --page 2M", "--scenario and --page exclude each other"],
    ["--technique nativ", "--technique nativ: not one of native"],
    ["--profile nehalem", "--profile nehalem: not one of"],
    ["--address 12", "--address 12: not an address"],
    ["--address 0xffff888000000000", "outside the guest's user memory"],
    ["--page 1G", "nehalem-2008 has no 1G pages"],
    ["--state hot", "--state hot: not one of cold, walk, neighbour, warm"],
    ["--seed 3 --page 4M --paging pae", "no profile can do that"],
    ["--technique native --host-page 2M", "native has no host pages"],
  ])("%s: %s", async (args, message) => {
    const error = await trace(args).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).text).toContain(message);
    expect((error as UserError).mend).toBeTruthy();
  });

  it("exits with 2 as a process, and help has examples", async () => {
    const [wrong, help] = await Promise.all([
      workshop.run("trace", "--page", "1G"),
      workshop.run("trace", "--help"),
    ]);
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("westmere-2010");
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/Examples:\n {2}virtlab trace/);
  });
});
