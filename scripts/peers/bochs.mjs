/**
 * Bochs, an interpreter of decoded traces. It boots from a disk (boot-disk.mjs). The settings are those of a machine without a
 * screen: Debian's package has the debugger built in, which wants to be told to continue, and the VNC display, which nobody
 * has to look at; the sound devices are left out, since they look for a card. Its serial port is a file, here a named pipe.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bootDisk } from "./boot-disk.mjs";
import { missing } from "./installed.mjs";
import { MEMORY_MEBIBYTES } from "./memory.mjs";

const BIOS = "/usr/share/bochs/BIOS-bochs-latest";
const VGA_BIOS = "/usr/share/bochs/VGABIOS-lgpl-latest";
/** Of the models that Bochs knows, one with long mode and SSE2 and no more than the programs need. */
const MODEL = "corei7_sandy_bridge_2600k";

const settings = (disk, log, pipe) => `
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest=${MEMORY_MEBIBYTES}, host=${MEMORY_MEBIBYTES}
romimage: file=${BIOS}
vgaromimage: file=${VGA_BIOS}
cpu: model=${MODEL}, count=1, reset_on_triple_fault=0
clock: sync=none
plugin_ctrl: unmapped=1, biosdev=1, serial=1, speaker=0, extfpuirq=0, parallel=0, gameport=0, iodebug=0
ata0-master: type=disk, path="${disk}", mode=flat
boot: disk
com1: enabled=1, mode=file, dev="${pipe}"
log: ${log}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
`;

const FILES = ["disk.img", "bochsrc", "debugger", "bochs.log", "serial"];

export const bochs = {
  name: "bochs",
  title: "Bochs",
  unavailable() {
    if (!existsSync(BIOS)) return `Bochs is not installed: there is no ${BIOS}`;
    return missing("bochs", ["--help"]);
  },
  command({ image, line, folder }) {
    const own = mkdtempSync(path.join(folder, "bochs-"));
    const [disk, settingsFile, debuggerFile, log, pipe] = FILES.map((name) => path.join(own, name));
    execFileSync("mkfifo", [pipe]);
    writeFileSync(disk, bootDisk(image, line));
    writeFileSync(settingsFile, settings(disk, log, pipe));
    writeFileSync(debuggerFile, "continue\n");
    return { file: "bochs", args: ["-q", "-unlock", "-f", settingsFile, "-rc", debuggerFile], pipe };
  },
};
