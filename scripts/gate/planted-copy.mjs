/**
 * Copies of the build with a regression planted by hand, for the experiments that show what the gate finds. No product code has
 * a knob for this: a plant is a replacement of text in the copy's dist/, and fails when the place is not there.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../build.mjs";

/** A folder that looks like a checkout after its build. */
export function copyOfBuild(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["dist", "package.json", "scenarios", path.join("results", "published.csv")]) {
    const filter = (file) => !/\.(map|d\.ts)$/.test(file); // nothing runs them
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true, filter });
  }
  for (const name of ["node_modules", "core"]) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  return folder;
}

/** Replaces text in a file of the copy that has it exactly once. */
function replaceOnce(folder, name, text, replacement) {
  const file = path.join(folder, name);
  const code = readFileSync(file, "utf8");
  if (code.split(text).length !== 2) throw new Error(`${name} does not have this exactly once: ${text}`);
  writeFileSync(file, code.replace(text, replacement));
}

const BATCH = "dist/machine/execute/compiled/batch.js";

/**
 * Makes the hot loop of the compiled reference driver slower: every 16 references it does `steps` multiplications, each of which
 * waits for the one before. What it counts and returns stays the same. How much slower that is depends on the processor: see
 * calibrate() of host-experiment.mjs.
 */
export function plantSlowLoop(folder, steps) {
  const chain = "set(planted, mul(xor(get(planted), get(word)), int(0x5bd1e995))),".repeat(steps);
  replaceOnce(
    folder,
    BATCH,
    "set(fetches, add(get(fetches), and(shrUnsigned(get(word), int(1)), int(1)))),\n                set(at,",
    `set(fetches, add(get(fetches), and(shrUnsigned(get(word), int(1)), int(1)))),
                ifThen(isZero(and(get(at), int(16 * 8 - 1))), [${chain}]),
                set(at,`,
  );
  // It must be used, or the compiler drops it: once in 2^32 batches this would end one early.
  replaceOnce(
    folder,
    BATCH,
    "finish(get(to)),\n            int(0),",
    "ifThen(eq(get(planted), int(0x1b873593)), giveBack(get(from))), finish(get(to)),\n            int(0),",
  );
  replaceOnce(
    folder,
    BATCH,
    "const writes = builder.local();",
    "const writes = builder.local();\n        const planted = builder.local();",
  );
}

const REGION = "dist/machine/execute/code/translate/region-emitter.js";

/** Makes translated code slower: the same multiplications at every 16th entry of a block. */
export function plantSlowCode(folder, steps) {
  const chain =
    "set(this.planted, I32.mul(I32.xor(get(this.planted), get(this.room)), int(0x5bd1e995))),".repeat(steps);
  const room = "set(this.room, I32.sub(get(this.room), int(instructions.length))),";
  replaceOnce(
    folder,
    REGION,
    room,
    `${room}
            set(this.entries, I32.add(get(this.entries), int(1))),
            ifThen(I32.isZero(I32.and(get(this.entries), int(15))), [${chain}]),`,
  );
  const counts = "store(int(0), I32.sub(limit, get(this.room)), this.base + STATE.counts),";
  // As above: a chance of one in 2^32 each time that a region is left.
  const trap = "ifThen(I32.eq(get(this.planted), int(0x1b873593)), unreachable),";
  replaceOnce(folder, REGION, counts, `${counts}${trap}`);
  const local = "this.room = builder.local();";
  const locals = "this.planted = builder.local(); this.entries = builder.local();";
  replaceOnce(folder, REGION, local, `${local} ${locals}`);
}

/** A changed constant: filling a shadow at a hidden fault costs one cycle more than its source says. */
export function plantConstant(folder) {
  const name = "dist/events/profiles/software.js";
  const [whole, head, cycles] =
    /(shadow_hidden_fault: [a-z]+\()([\d_]+)/.exec(readFileSync(path.join(folder, name), "utf8")) ?? [];
  if (whole === undefined) throw new Error(`${name} has no price of a hidden fault`);
  replaceOnce(folder, name, whole, `${head}${Number(cycles.replaceAll("_", "")) + 1}`);
}

/** One extra exit: the tenth of each reason is charged twice. */
export function plantExit(folder) {
  replaceOnce(
    folder,
    "dist/monitor/memory/machine-vcpu.js",
    "this.counters.exit(reason, transitionCycles + monitorCycles);",
    `this.counters.exit(reason, transitionCycles + monitorCycles);
        if (this.counters.exits[reason] === 10) this.chargeExit(reason, transitionCycles, monitorCycles);`,
  );
}

/** A changed constant of code: an arithmetic instruction of Nehalem takes a hundredth of a cycle more. */
export function plantInstructionCost(folder) {
  replaceOnce(
    folder,
    "dist/events/profiles/instructions.js",
    "alu: [0.5, 0.33, 0.33,",
    "alu: [0.5, 0.33, 0.34,",
  );
}

/** One extra exit of a guest that is code: the tenth of each reason is taken twice. */
export function plantCodeExit(folder) {
  replaceOnce(
    folder,
    "dist/monitor/hardware-assisted/exit-accounts.js",
    "machine.counters.exit(reason, transition + monitor + user);",
    `machine.counters.exit(reason, transition + monitor + user);
        if (machine.counters.exits[reason] === 10) this.leave(reason, work, user);`,
  );
}
