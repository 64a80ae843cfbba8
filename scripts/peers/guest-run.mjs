/**
 * One run of a guest, timed from its line `begin` to its line `end`: bring-up (firmware, loading, filling tables) is left out,
 * translation of what the region executes is in. Marks cannot be seen in other emulators; a line can, for each writes it
 * to the standard output as the guest writes it to its port. Timing whole runs of two lengths instead would leave out the
 * translation, which is the longer run's and the shorter's alike, and add the noise of two bring-ups.
 *
 * The processor time of the process's busiest thread in between, the one that runs the guest, tells whether something else
 * was using the machine. The system counts it in steps of some milliseconds.
 */
import { spawn } from "node:child_process";
import { constants, openSync, readdirSync, readFileSync } from "node:fs";
import { Socket } from "node:net";

const TIME_LIMIT_MS = 120_000;
const NANOSECONDS = 1e9;
/** How much of the end of what a process printed tells why it failed. */
const REASON_CHARACTERS = 1_500;

/** Processor nanoseconds of each thread of a process; empty where the system does not tell (proc(5), schedstat). */
function threadTimes(pid) {
  const threads = `/proc/${pid}/task`;
  const times = new Map();
  try {
    for (const thread of readdirSync(threads))
      times.set(thread, Number(readFileSync(`${threads}/${thread}/schedstat`, "utf8").split(" ")[0]));
  } catch {
    times.clear();
  }
  return times;
}

/** Processor seconds of the thread that was busiest between two readings, or undefined. */
function busiestThread(before, after) {
  const spent = [...after].map(([thread, time]) => time - (before.get(thread) ?? 0));
  return spent.length > 0 ? Math.max(...spent) / NANOSECONDS : undefined;
}

/** The reading end of a named pipe. Opened for both directions, so that opening does not wait for a writer who may not come. */
function openPipe(pipe) {
  return new Socket({ fd: openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
}

/**
 * Runs a command until the guest says `ok`, fails or goes silent. Resolves to { seconds, processorSeconds, checksum } or to
 * { failure }, with the end of what it printed; never rejects. `seconds` is 0 when both lines came at once: the region was too
 * short, or we were kept waiting.
 */
export function runGuest({ file, args, pipe }) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    const serial = pipe === undefined ? child.stdout : openPipe(pipe);
    if (pipe !== undefined) child.stdout.resume();
    const at = {};
    let output = "";
    let errors = "";
    let unread = "";

    let isFinished = false;
    const finish = (result) => {
      if (isFinished) return;
      isFinished = true;
      clearTimeout(limit);
      child.kill("SIGKILL");
      serial.destroy();
      resolve(result);
    };
    const fail = (reason) =>
      finish({ failure: `${reason}: ${`${output}${errors}`.trim().slice(-REASON_CHARACTERS)}` });
    const limit = setTimeout(() => fail(`no end after ${TIME_LIMIT_MS / 1000} s`), TIME_LIMIT_MS);

    const takeLine = (line, now) => {
      if (line === "begin" || line === "end") at[line] = { now, threads: threadTimes(child.pid) };
      if (line.startsWith("failed:") || line.startsWith("trap ")) fail("the guest failed");
      if (line !== "ok") return;
      if (at.begin === undefined || at.end === undefined) return fail("no region");
      const seconds = (at.end.now - at.begin.now) / 1000;
      finish({
        seconds,
        // A process that has ended tells nothing any more.
        processorSeconds: busiestThread(at.begin.threads, at.end.threads) ?? seconds,
        checksum: /^checksum ([0-9a-f]{8})\r?$/m.exec(output)?.[1],
      });
    };
    serial.on("data", (chunk) => {
      const now = performance.now();
      output += chunk;
      const lines = (unread + chunk).split("\n");
      unread = lines.pop();
      for (const line of lines) takeLine(line.trimEnd(), now);
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", (error) => resolve({ failure: error.message }));
    child.on("close", (code) => fail(`ended with ${code}`)); // the usual end of those that `finish` kills, too
  });
}
