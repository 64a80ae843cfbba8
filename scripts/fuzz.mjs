/**
 * Fuzzes the machine: guests of random code (core/guest/fuzz) on both engines. Each run has a thread of its own, so that one
 * that never comes back is a finding too.
 *
 *   node scripts/fuzz.mjs [--seed 1] [--count 1000] [--minutes 10] [--budget 50000]
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { buildIfStale } from "./build.mjs";

const FILE = fileURLToPath(import.meta.url);
/** A guest that takes longer, in ms, is taken to hang. */
const PATIENCE = 5000;

async function serve() {
  const { randomGuest } = await import("../dist/guest/fuzz/guests.js");
  const { runGuest } = await import("../dist/guest/fuzz/run-guest.js");
  parentPort.on("message", ({ seed, budget }) => {
    const { description, load } = randomGuest(seed);
    parentPort.postMessage({ description, problem: runGuest(load, budget) });
  });
}

/** @returns the answer of a worker, or undefined if there came none. */
async function ask(worker, message) {
  let timer;
  const silence = new Promise((resolve) => {
    timer = setTimeout(resolve, PATIENCE);
  });
  worker.postMessage(message);
  const answer = await Promise.race([once(worker, "message"), silence]);
  clearTimeout(timer);
  return answer?.[0];
}

async function main() {
  if (!buildIfStale()) process.exit(1);
  const number = (name) => ({ [name]: { type: "string" } });
  const { values } = parseArgs({
    options: { ...number("seed"), ...number("count"), ...number("minutes"), ...number("budget") },
  });
  const first = Number(values.seed ?? 1);
  const last = first + Number(values.count ?? 1000);
  const end = Date.now() + Number(values.minutes ?? 10) * 60_000;
  let worker = new Worker(FILE);
  let found = 0;
  let seed = first;
  for (; seed < last && Date.now() < end; seed++) {
    const answer = await ask(worker, { seed, budget: Number(values.budget ?? 50_000) });
    if (answer === undefined) {
      await worker.terminate();
      worker = new Worker(FILE);
    }
    const problem = answer === undefined ? "hangs" : answer.problem;
    if (problem === undefined) continue;
    found++;
    console.log(`seed ${seed} (${answer?.description ?? "?"}): ${problem}`);
  }
  await worker.terminate();
  console.log(`${seed - first} guests, ${found} findings`);
  process.exitCode = found === 0 ? 0 : 1;
}

await (isMainThread ? main() : serve());
