/**
 * Measures what starting a container costs on this machine, and what a union file system's writes and look-ups cost: the
 * kernel's part phase by phase (container-phases.c), and whole starts by runc and crun where they are installed. Needs Linux,
 * root, gcc and a static busybox: without them nothing is measured, and it says why. Runtimes that are not installed are left out.
 *
 *   node scripts/measure/container-phases.mjs           prints the measurement
 *   node scripts/measure/container-phases.mjs --write   writes core/container/measured/container-phases.ts
 *
 * These are times of a real machine. They enter the lab as constants with this provenance, never as results.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT } from "../build.mjs";
import { machineDescription, quantiles, writeMeasurement } from "./measurement.mjs";

const LAYERS = 120;
const SIZES_KIB = [4, 64, 1024, 16384, 65536];
const STARTS = 40;
const BUSYBOX = "/bin/busybox";

const absent = [
  [process.getuid?.() !== 0, "not root"],
  [!existsSync(BUSYBOX), `no static ${BUSYBOX} (busybox-static)`],
  [spawnSync("gcc", ["--version"]).error !== undefined, "no gcc"],
].filter(([isAbsent]) => isAbsent);
if (absent.length > 0) {
  process.stderr.write(`container-phases: not measured: ${absent.map(([, reason]) => reason).join("; ")}\n`);
  process.exit(0);
}
const work = mkdtempSync(path.join(tmpdir(), "container-phases-"));
try {
  const phases = { ...kernelPhases(), ...pageCacheSharing(), ...runtimeStarts() };
  const title = "What starting a container and using a union file system cost, measured.";
  writeMeasurement("container", "container-phases", title, machineDescription(), phases);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Phases of the kernel, from the C program; times in ns. */
function kernelPhases() {
  const tree = path.join(work, "layers");
  for (const name of ["merged", "upper", "work"]) mkdirSync(path.join(tree, name), { recursive: true });
  for (let layer = 0; layer < LAYERS; layer++) {
    mkdirSync(path.join(tree, String(layer), "tree"), { recursive: true });
    writeFileSync(path.join(tree, String(layer), "tree", `of-${layer}`), "x");
  }
  writeFileSync(path.join(tree, "0", "tree", "file"), "x");
  for (const size of SIZES_KIB)
    writeFileSync(path.join(tree, "0", `size-${size}`), Buffer.alloc(size * 1024, 7));
  const program = path.join(work, "phases");
  run("gcc", ["-O1", "-o", program, path.join(ROOT, "scripts/measure/container-phases.c")]);
  const lines = run("chrt", ["-f", "5", program, tree]).trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const [name, samples, p10, p50, p90] = line.split(" ");
      return [name, { p10: Number(p10), p50: Number(p50), p90: Number(p90), samples: Number(samples) }];
    }),
  );
}

/** Pages of a file that a second container finds in the page cache when a first one has read it: of overlay, and of copies. */
function pageCacheSharing() {
  const script = `
    set -e
    cd ${work}; mkdir -p lower a b wa wb ma mb copy
    head -c 4M /dev/zero > lower/file; cp lower/file copy/file; sync
    mount -t overlay overlay -o lowerdir=lower,upperdir=a,workdir=wa ma
    mount -t overlay overlay -o lowerdir=lower,upperdir=b,workdir=wb mb
    for each in lower copy; do dd of=$each/file oflag=nocache conv=notrunc,fdatasync count=0 status=none; done
    cat ma/file > /dev/null
    fincore --bytes --noheadings --output PAGES mb/file copy/file`;
  const result = spawnSync("unshare", ["--mount", "sh", "-c", script], { encoding: "utf8" });
  if (result.status !== 0) return {};
  const [overlay, copy] = result.stdout.trim().split(/\s+/).map(Number);
  const pages = 1024;
  return {
    "page-cache-shared-overlay": {
      p10: overlay / pages,
      p50: overlay / pages,
      p90: overlay / pages,
      samples: 1,
    },
    "page-cache-shared-copy": { p10: copy / pages, p50: copy / pages, p90: copy / pages, samples: 1 },
  };
}

/** `run` of a container whose program ends at once, by each runtime that is installed; two milliseconds of it are the script's. */
function runtimeStarts() {
  const bundle = path.join(work, "bundle");
  for (const name of ["bin", "proc", "dev", "sys"])
    mkdirSync(path.join(bundle, "rootfs", name), { recursive: true });
  copyFileSync(BUSYBOX, path.join(bundle, "rootfs", "bin", "busybox"));
  const answers = {};
  for (const runtime of ["runc", "crun"]) {
    if (spawnSync(runtime, ["--version"]).error !== undefined) continue;
    rmSync(path.join(bundle, "config.json"), { force: true });
    run(runtime, ["spec"], { cwd: bundle });
    const file = path.join(bundle, "config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.process = { ...config.process, terminal: false, args: ["/bin/busybox", "true"] };
    writeFileSync(file, JSON.stringify(config));
    const times = [];
    for (let i = 0; i < STARTS; i++) {
      // crun refuses a machine with both versions of control groups mounted; a session of its own can come before all others.
      const prepared = "umount /sys/fs/cgroup/unified; echo -20 > /proc/self/autogroup";
      const command = `(${prepared}) 2>/dev/null; exec nice -n -20 ${runtime} run measured-${i}`;
      const start = process.hrtime.bigint();
      run("unshare", ["--mount", "setsid", "--wait", "sh", "-c", command], { cwd: bundle });
      times.push(Number(process.hrtime.bigint() - start));
    }
    answers[`start-${runtime}`] = quantiles(times);
  }
  return answers;
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr ?? result.error}`);
  return result.stdout;
}
