/**
 * Fuzzes the machine on both engines (core/guest/fuzz): guests of random code, and programs that come along with bytes of
 * theirs changed; and monitors, by guests that must end under each as natively. A run happens in a thread of its own, so that one that never comes back is a finding too. What is found
 * goes to core/guest/fuzz/corpus.ts once it is mended. `--help` says what may be chosen.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { buildIfStale } from "./build.mjs";

const HELP = `node scripts/fuzz.mjs [--kind all] [--seed 1] [--count 1000] [--minutes 10] [--budget 50000]
  --kind     guest (random code), mutant (programs with bytes changed), timeless (random kernels under every monitor), or all
  --seed     the first seed
  --count    seeds; a guest of each kind is made from each
  --minutes  stop after so long, whatever is left
  --budget   instructions of a guest; a mutant has ten times as many
Exit code 0: nothing found; 1: findings, each printed with its seed; 2: a wrong option.`;

const FILE = fileURLToPath(import.meta.url);
const KINDS = ["guest", "mutant", "timeless"];
/** Instructions for each of a guest: a mutant has a boot before it, a timeless one runs to its end, a dozen times. */
const FACTORS = { mutant: 10, timeless: 100 };
/**
 * A guest that takes more of the processor's time is taken to hang: seconds, and seconds for each million instructions on
 * top. The slowest known code rewrites its own page with every instruction, each of which then has a block decoded anew.
 */
const PATIENCE = { base: 30, perMillion: 200 };
/** Between two looks at the processor's time, ms. */
const LOOK = 200;

async function serve() {
  const { randomGuest } = await import("../dist/guest/fuzz/guests.js");
  const { MUTANT_BYTES, randomMutant } = await import("../dist/guest/fuzz/mutants.js");
  const { runGuest } = await import("../dist/guest/fuzz/run-guest.js");
  const { timelessGuest } = await import("../dist/guest/fuzz/timeless-guests.js");
  const { differenceOf } = await import("../dist/monitor/lockstep.js");
  const read = (file) => readFileSync(new URL(`../core/guest/programs/${file}`, import.meta.url));
  parentPort.on("message", ({ kind, seed, budget }) => {
    if (kind === "timeless") {
      const guest = timelessGuest(seed);
      parentPort.postMessage({ description: guest.description, problem: differenceOf(guest) });
      return;
    }
    const { description, load } = kind === "mutant" ? randomMutant(seed, read) : randomGuest(seed);
    const problem = runGuest(load, budget, kind === "mutant" ? MUTANT_BYTES : undefined);
    parentPort.postMessage({ description, problem });
  });
}

/** Seconds of processor time of this process; its main thread only waits, so they are the worker's. */
function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** @returns what a worker says of a guest; `isLost` when it will say nothing more */
async function ask(worker, message) {
  const end = processorSeconds() + PATIENCE.base + (PATIENCE.perMillion * message.budget) / 1e6;
  worker.postMessage(message);
  // A worker that dies says why: it ran out of memory, say.
  const answer = once(worker, "message").catch((error) => [{ problem: error.stack, isLost: true }]);
  for (;;) {
    const first = await Promise.race([answer, sleep(LOOK, undefined, { ref: false })]);
    if (first !== undefined) return first[0];
    if (processorSeconds() > end) return { problem: "hangs", isLost: true };
  }
}

function readOptions() {
  const string = (value) => ({ type: "string", default: value });
  const options = {
    ...{ kind: string("all"), seed: string("1"), count: string("1000") },
    ...{ minutes: string("10"), budget: string("50000"), help: { type: "boolean" } },
  };
  try {
    const { values } = parseArgs({ options });
    const { kind, help } = values;
    if (kind !== "all" && !KINDS.includes(kind))
      throw new Error(`--kind is ${KINDS.join(", ")} or all, not ${kind}`);
    const [seed, count, minutes, budget] = ["seed", "count", "minutes", "budget"].map((name) => {
      const value = Number(values[name]);
      if (!(value >= 0)) throw new Error(`--${name} ${values[name]} is not a number`);
      return value;
    });
    return { kinds: kind === "all" ? KINDS : [kind], seed, count, minutes, budget, help };
  } catch (error) {
    console.error(`fuzz: ${error.message}\n${HELP}`);
    return process.exit(2);
  }
}

async function main() {
  const { kinds, seed: first, count, minutes, budget, help } = readOptions();
  if (help) return console.log(HELP);
  if (!buildIfStale()) process.exit(1);
  const end = Date.now() + minutes * 60_000;
  let worker = new Worker(FILE);
  let run = 0;
  let found = 0;
  for (let seed = first; seed < first + count && Date.now() < end; seed++)
    for (const kind of kinds) {
      const own = budget * (FACTORS[kind] ?? 1);
      const { description, problem, isLost } = await ask(worker, { kind, seed, budget: own });
      run++;
      if (isLost) {
        await worker.terminate();
        worker = new Worker(FILE);
      }
      if (problem === undefined) continue;
      found++;
      console.log(`${kind} ${seed} (${description ?? "?"}): ${problem}`);
    }
  await worker.terminate();
  console.log(`${run} guests from seed ${first} on, ${found} findings`);
  process.exitCode = found === 0 ? 0 : 1;
}

await (isMainThread ? main() : serve());
