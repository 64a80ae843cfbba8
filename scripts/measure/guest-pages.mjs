/**
 * What the pages of a small Linux guest hold: boots the kernel and initramfs of `npm run fetch-linux` twice under QEMU, each time
 * with the guest halted when its init is done, saves its memory, and counts pages that are zero, equal to another page of the
 * same guest, or equal to a page of the other guest. Needs qemu-system-x86_64; no acceleration, about a minute.
 *
 *   node scripts/measure/guest-pages.mjs           prints the measurement
 *   node scripts/measure/guest-pages.mjs --write   writes core/container/measured/guest-pages.ts
 *
 * Shares are of all pages of the guest; kernel address randomisation is on in one boot and in the other, as it is by default.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT } from "../build.mjs";
import { writeMeasurement } from "./measurement.mjs";

const IMAGES = path.join(ROOT, "results/images");
const MEMORY_MIB = 128;
const PAGE = 4096;
const DEADLINE_MS = 280_000;

if (!existsSync(path.join(IMAGES, "vmlinuz"))) throw new Error("no kernel: npm run fetch-linux");
const work = mkdtempSync(path.join(tmpdir(), "guest-pages-"));
try {
  const guests = await Promise.all(["a", "b"].map((name) => memoryOf(path.join(work, name))));
  const [mine, others] = guests.map(identities);
  const { source } = JSON.parse(readFileSync(path.join(IMAGES, "linux.json"), "utf8"));
  const machine = `${source}, ${MEMORY_MIB} MiB, QEMU without acceleration`;
  const title = "What the pages of a small, idle Linux guest hold, measured.";
  writeMeasurement("guest-pages", title, machine, shares(mine, new Set(others)));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Boots a guest and returns its memory once init has said that it is done. */
async function memoryOf(file) {
  const qemu = spawn("qemu-system-x86_64", [
    ..."-nodefaults -display none -no-reboot -accel tcg -serial stdio -monitor".split(" "),
    `unix:${file}.monitor,server,nowait`,
    ..."-m".split(" "),
    `${MEMORY_MIB}M`,
    "-kernel",
    path.join(IMAGES, "vmlinuz"),
    "-initrd",
    path.join(IMAGES, "initramfs.cpio"),
    "-append",
    "console=ttyS0 quiet no_timer_check -- pages=4096 forks=8 end=halt",
  ]);
  let console = "";
  const halted = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`the guest did not halt: ${console}`)), DEADLINE_MS).unref();
    qemu.stdout.on("data", (text) => {
      console += text;
      if (/System halted|reboot: /.test(console)) resolve();
    });
    qemu.on("exit", () => reject(new Error(`QEMU ended: ${console}`)));
  });
  try {
    await halted;
    await command(`${file}.monitor`, `stop\npmemsave 0 ${MEMORY_MIB << 20} "${file}.memory"\ninfo status\n`);
    return readFileSync(`${file}.memory`);
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

/** A digest of every page. */
function identities(memory) {
  const pages = [];
  for (let at = 0; at < memory.length; at += PAGE)
    pages.push(
      createHash("sha1")
        .update(memory.subarray(at, at + PAGE))
        .digest("latin1"),
    );
  return pages;
}

function shares(mine, others) {
  const zero = createHash("sha1").update(Buffer.alloc(PAGE)).digest("latin1");
  const copies = new Map();
  for (const page of mine) copies.set(page, (copies.get(page) ?? 0) + 1);
  const nonZero = mine.filter((page) => page !== zero);
  const repeated = nonZero.filter((page) => copies.get(page) > 1).length;
  const common = nonZero.filter((page) => others.has(page)).length;
  const value = (share) => ({ p10: share, p50: share, p90: share, samples: mine.length });
  return {
    zero: value((mine.length - nonZero.length) / mine.length),
    "equal-within": value(repeated / nonZero.length),
    "equal-across": value(common / nonZero.length),
    "used-bytes": {
      p10: nonZero.length * PAGE,
      p50: nonZero.length * PAGE,
      p90: nonZero.length * PAGE,
      samples: 1,
    },
  };
}
