/** `virtlab step`, `translation`, `profile` and `lockstep` as processes, on a program that comes along. */
import { afterAll, expect, it } from "vitest";
import { Workshop } from "./testing/command-line.js";

const workshop = new Workshop();
afterAll(() => workshop.end());

const PROGRAM = ["program/invlpg", "--append", "n=10 pages=4"];

it("step follows instructions, each with its own cycles", async () => {
  const { code, stdout } = await workshop.run("step", ...PROGRAM, "--count", "5", "--json");
  expect(code).toBe(0);
  const { instructions } = JSON.parse(stdout) as { instructions: { number: number; cycles: number }[] };
  expect(instructions.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
});

it("profile gives cycles to symbols", async () => {
  const { code, stdout, stderr } = await workshop.run("profile", ...PROGRAM, "--interval", "101");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ *share +cycles +samples +where/);
  expect(stderr).toContain("the guest ended itself with status 0");
});

it("lockstep finds the engines agreed", async () => {
  const { code, stdout } = await workshop.run("lockstep", ...PROGRAM);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^interpreter and translator agree after [\d,]+ instr/),
  ]);
});

it("a program that there is not is the user's mistake", async () => {
  const { code, stderr } = await workshop.run("step", "program/gup");
  expect(code).toBe(2);
  expect(stderr).toContain('there is no program "program/gup"\n  did you mean program/gups');
});

it("translation shows kernel code beside its translation", async () => {
  const { code, stdout } = await workshop.run("translation", "program/nano", "--at", "nano_divide_error");
  expect(code).toBe(0);
  expect(stdout).toMatch(/iretd +→ +ffc0\w{4} +int 0xf5 +the monitor does it/);
  const missing = await workshop.run("translation", "program/nano", "--at", "nowhere");
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("no symbol nowhere")]);
});
