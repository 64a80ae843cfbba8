/**
 * What the pages of a small Linux guest hold, by what its kernel uses them for, and which of them another guest of the same image
 * holds as well. Boots the kernel of `npm run fetch-linux` under QEMU with an init of our own (guest-pages.c), two guests with
 * random addresses (as Linux does since 4.12) and two without; each is halted when its init is done, and its memory saved. Needs
 * qemu-system-x86_64 and gcc with a static C library; no acceleration, half a minute. What is missing is said, and nothing measured.
 *
 *   node scripts/measure/guest-pages.mjs           prints the measurement
 *   node scripts/measure/guest-pages.mjs --write   writes core/host/measured/guest-pages.ts
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeCpio } from "../../dist/guest/images/cpio.js";
import { ROOT } from "../build.mjs";
import { writeMeasurement } from "./measurement.mjs";

const IMAGES = path.join(ROOT, "results/images");
const MEMORY_MIB = 128;
const PAGE = 4096;
const DEADLINE_MS = 280_000;
/** A page of the map that guest-pages.c leaves: eight bytes, the number of the part, and a letter for each page. */
const MARK = Buffer.from("\x7fpages\x01\x02", "latin1");
const HEADER = 16;
const MOST_PARTS = 64;

/** By letter of guest-pages.c: what a page is used for. */
const USES = { r: "image", s: "slab", k: "kernel", t: "tables", f: "freed", a: "heap", c: "files" };
const ADDRESSES = { random: "", fixed: "nokaslr norandmaps" };

const absent = [
  [!existsSync(path.join(IMAGES, "vmlinuz")), "no kernel: npm run fetch-linux"],
  [spawnSync("qemu-system-x86_64", ["--version"]).error !== undefined, "no qemu-system-x86_64"],
  [spawnSync("gcc", ["--version"]).error !== undefined, "no gcc"],
].filter(([isAbsent]) => isAbsent);
if (absent.length > 0) {
  process.stderr.write(`guest-pages: not measured: ${absent.map(([, reason]) => reason).join("; ")}\n`);
  process.exit(0);
}

const work = mkdtempSync(path.join(tmpdir(), "guest-pages-"));
try {
  const archive = makeInitramfs();
  const values = {};
  for (const [addresses, options] of Object.entries(ADDRESSES)) {
    // One after the other: two at once take as long, and a guest that waits for a processor schedules otherwise.
    const mine = await memoryOf(`${addresses}-1`, archive, options, 1001);
    const other = await memoryOf(`${addresses}-2`, archive, options, 1002);
    Object.assign(values, shares(addresses, mine, other));
  }
  const { source } = JSON.parse(readFileSync(path.join(IMAGES, "linux.json"), "utf8"));
  const machine = `${source}, ${MEMORY_MIB} MiB, QEMU without acceleration`;
  const title = "What the pages of a small Linux guest hold, by their use, measured.";
  writeMeasurement("host", "guest-pages", title, machine, values);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function makeInitramfs() {
  const init = path.join(work, "init");
  const source = path.join(ROOT, "scripts/measure/guest-pages.c");
  const { status, stderr } = spawnSync("gcc", ["-O1", "-static", "-o", init, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  const file = path.join(work, "initramfs.cpio");
  const console = { kind: "character-device", name: "dev/console", mode: 0o600, major: 5, minor: 1 };
  writeFileSync(
    file,
    writeCpio([
      { kind: "directory", name: "dev", mode: 0o755 },
      console,
      { kind: "file", name: "init", mode: 0o755, bytes: readFileSync(init) },
    ]),
  );
  return file;
}

/** Boots a guest and returns its memory once init has halted it. @param seed of the heap that it alone has */
async function memoryOf(name, archive, options, seed) {
  const file = path.join(work, name);
  const qemu = spawn("qemu-system-x86_64", [
    ..."-nodefaults -display none -no-reboot -accel tcg -serial stdio -monitor".split(" "),
    `unix:${file}.monitor,server,nowait`,
    ..."-m".split(" "),
    `${MEMORY_MIB}M`,
    "-kernel",
    path.join(IMAGES, "vmlinuz"),
    "-initrd",
    archive,
    "-append",
    `console=ttyS0 quiet no_timer_check ${options} -- ${seed}`,
  ]);
  let console = "";
  const halted = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`the guest did not halt: ${console}`)), DEADLINE_MS).unref();
    qemu.stdout.on("data", (text) => {
      console += text;
      if (console.includes("System halted")) resolve();
      if (console.includes("Kernel panic")) reject(new Error(console));
    });
    qemu.on("exit", () => reject(new Error(`QEMU ended: ${console}`)));
  });
  try {
    await halted;
    await command(`${file}.monitor`, `stop\npmemsave 0 ${MEMORY_MIB << 20} "${file}.memory"\ninfo status\n`);
    return pagesOf(readFileSync(`${file}.memory`));
  } finally {
    qemu.removeAllListeners("exit");
    qemu.kill();
  }
}

/** Gives QEMU's monitor commands, and waits until it has answered the last. */
async function command(socket, text) {
  const { connect } = await import("node:net");
  await new Promise((resolve, reject) => {
    const monitor = connect(socket);
    let answer = "";
    monitor.on("data", (part) => {
      answer += part;
      if (answer.includes("VM status: paused")) {
        monitor.end();
        resolve();
      }
    });
    monitor.on("error", reject);
    monitor.write(text);
  });
}

/** Of every page a digest and the letter of its use. */
function pagesOf(memory) {
  const parts = [];
  const digests = [];
  for (let at = 0; at < memory.length; at += PAGE) {
    const page = memory.subarray(at, at + PAGE);
    digests.push(digestOf(page));
    if (!page.subarray(0, MARK.length).equals(MARK)) continue;
    const part = Number(page.readBigUInt64LE(MARK.length));
    if (part < MOST_PARTS) parts[part] = page.subarray(HEADER).toString("latin1");
  }
  const letters = parts.join("");
  return digests.map((digest, frame) => ({ digest, letter: letters[frame] }));
}

function digestOf(page) {
  return createHash("sha1").update(page).digest("latin1");
}

/** Of the pages of each use: how many there are; of them zero; of the others equal to one of the other guest. */
function shares(addresses, mine, other) {
  const zero = digestOf(Buffer.alloc(PAGE));
  const others = new Set(other.map(({ digest }) => digest));
  const answer = {};
  for (const [letter, use] of Object.entries(USES)) {
    const pages = mine.filter((page) => page.letter === letter);
    const nonZero = pages.filter(({ digest }) => digest !== zero);
    const common = nonZero.filter(({ digest }) => others.has(digest)).length;
    const one = (share) => ({ p10: share, p50: share, p90: share, samples: pages.length });
    answer[`${addresses}-${use}-bytes`] = one(pages.length * PAGE);
    answer[`${addresses}-${use}-zero`] = one((pages.length - nonZero.length) / pages.length);
    answer[`${addresses}-${use}-equal`] = one(common / nonZero.length);
  }
  return answer;
}
