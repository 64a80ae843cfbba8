/**
 * Debian's kernel, loaded by our plan, boots under QEMU to our init. Skipped, with the reason, without QEMU or without the
 * kernel that scripts/fetch-linux.mjs fetches.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import { initramfs } from "./cpio.js";
import { loadImage } from "./image.js";
import { pcFirmware } from "./pc-firmware.js";
import { haveTools, runPlan } from "./testing/tools.js";

const KERNEL = "results/images/vmlinuz";
const APPEND = "console=ttyS0 nokaslr cryptomgr.notests panic=-1 reboot=t";
const MEMORY = 128 * MIB;
const FIRMWARE = pcFirmware({ processors: 1, signature: 0x106a5, features: 0x201 });

const hasKernel = existsSync(KERNEL);
if (!hasKernel) console.log(`skipped: Linux under QEMU: no ${KERNEL}; scripts/fetch-linux.mjs fetches it`);
const canRun = haveTools("Linux under QEMU", "qemu-system-x86_64") && hasKernel;

test.runIf(canRun).each([
  { tables: "without tables of the firmware", firmware: undefined, mode: "virtual wire mode" },
  { tables: "with them", firmware: FIRMWARE, mode: "symmetric I/O mode" },
])("Linux boots to our init, which gets its arguments, $tables", ({ firmware, mode }) => {
  const plan = loadImage(readFileSync(KERNEL), {
    name: KERNEL,
    memoryBytes: MEMORY,
    ...(firmware === undefined ? {} : { firmware }),
    append: `${APPEND} -- syscalls=7 forks=2 pages=3`,
    modules: [{ name: "initramfs", bytes: initramfs(readFileSync("core/guest/programs/linux-init/init")) }],
  });
  const output = runPlan(plan, MEMORY / MIB);
  expect(output).toContain(`APIC: Switch to ${mode}`);
  const lines = output.split(/\r?\n/).filter((line) => line.startsWith("init: "));
  expect(lines.slice(1)).toEqual([
    "init: 7 system calls",
    "init: 2 forks",
    "init: 3 pages touched",
    "init: done, reset",
  ]);
  expect(lines[0]).toMatch(/^init: running on Linux \S+ x86_64$/);
});
