/** Does RDTSC read the same time in WebAssembly as in TypeScript, under each CR4.TSD, and after the guest moved the counter? */
import { expect, it } from "vitest";
import { findProfile } from "../../../../events/profiles/index.js";
import { loadImage } from "../../../../guest/images/image.js";
import { Computer } from "../../../computer.js";
import { CR4 } from "../../../cpu/control-bits.js";
import { MSR } from "../../../cpu/identity/msr-numbers.js";
import { PLAIN } from "../../../testing/plain.js";
import { Assembler } from "../../../x86/assemble.js";
import { imm, mem } from "../../../x86/assembler-operands.js";
import { REGISTERS } from "../../../x86/registers.js";

const { eax, ebx, ecx, edx, esi, edi, al, cr4 } = REGISTERS;
const MEMORY = 2 ** 21;
const CODE = 0x10_0000;
const LOG = 0x2000;
const READS = 3_000;
/** Bytes of a reading in the log. */
const READING = 8;
/** The counter is moved to here between two loops. */
const MOVED = { low: 0xffff_f000, high: 7 };
const EXIT_PORT = 0xf4;

function guest(control: number): Uint8Array {
  const code = new Assembler({ bits: 32, origin: CODE });
  code.emit("mov", eax, control).emit("mov", cr4, eax).emit("mov", edi, LOG);
  code.emit("mov", ebx, 2).label("again").emit("mov", esi, READS);
  code.label("read").emit("rdtsc");
  code
    .emit("mov", mem(edi), eax)
    .emit("mov", mem(edi, { displacement: 4 }), edx)
    .emit("add", edi, READING);
  code.emit("dec", esi).emit("jnz", "read");
  code.emit("mov", ecx, MSR.timeStampCounter).emit("mov", eax, MOVED.low).emit("mov", edx, MOVED.high);
  code.emit("wrmsr").emit("dec", ebx).emit("jnz", "again");
  code.emit("mov", al, 0).emit("out", imm(EXIT_PORT, 1), al).emit("hlt");
  return code.assemble().bytes;
}

function run(image: Uint8Array, engine: "interpreter" | "translator", crossings: boolean): Computer {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
    crossings,
  });
  computer.load(loadImage(image, { kind: "raw", rawMode: 32, rawAddress: CODE, memoryBytes: MEMORY }));
  expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
  return computer;
}

const readings = ({ machine }: Computer): bigint[] => [
  ...new BigUint64Array(machine.memory.buffer, machine.ram.byteOffset + LOG, 2 * READS),
];

it.each([0, CR4.TSD])("CR4 = %i", (control) => {
  const image = guest(control);
  const reference = run(image, "interpreter", false);
  const stamps = readings(reference);
  expect(stamps.every((stamp, index) => index % READS === 0 || stamp > stamps[index - 1]!)).toBe(true);
  const moved = (BigInt(MOVED.high) << 32n) | BigInt(MOVED.low);
  expect(stamps[READS]! > moved && stamps.at(-1)! >> 32n === BigInt(MOVED.high) + 1n).toBe(true);
  for (const engine of ["interpreter", "translator"] as const) {
    const computer = run(image, engine, true);
    expect(readings(computer)).toEqual(stamps);
    expect(computer.engine.now()).toBe(reference.engine.now());
    expect([...computer.machine.counters.cycles]).toEqual([...reference.machine.counters.cycles]);
    expect([...computer.machine.counters.events]).toEqual([...reference.machine.counters.events]);
  }
});
