/**
 * The lab's convention for images that follow no boot protocol, plain ELF files and raw ones, made so that the entry can
 * be a C function compiled with -ffreestanding and no start-up code:
 *
 *     void _start(const struct hvm_start_info *info, const char *commandLine);
 *
 * 32 bits: flat protected mode, the two arguments on the stack (System V ABI, i386), EBX = info as in PVH.
 * 64 bits: long mode, the first 4 GiB mapped to themselves in 2 MiB pages, RDI = info, RSI = command line (AMD64).
 * Both: interrupts off, no IDT, SSE allowed, a stack of 16 KiB, and a return address of 0.
 */
import type { BootModule } from "./boot-plan.js";
import { type BootState, bootGdt, longModeState, protectedModeState, withSse } from "./boot-state.js";
import { ByteWriter } from "./byte-writer.js";
import type { MemoryMap } from "./memory-map.js";
import { placeIdentityMap } from "./page-tables.js";
import { PAGE, type Placement } from "./placement.js";
import { placeStartInfo, type StartInfo } from "./start-info.js";

export const DIRECT_STACK_BYTES = 4 * PAGE;

export interface DirectOptions {
  readonly append: string;
  readonly modules: readonly BootModule[];
  readonly rsdp: number;
}

/** Places stack, information and tables. @param bits of the code at `entry` */
export function directState(
  placement: Placement,
  map: MemoryMap,
  bits: 32 | 64,
  entry: number,
  options: DirectOptions,
): BootState {
  const start = placeStartInfo(placement, map, options.append, options.modules, options.rsdp);
  return withSse(bits === 64 ? state64(placement, entry, start) : state32(placement, entry, start));
}

function state32(placement: Placement, entry: number, start: StartInfo): BootState {
  const gdt = placement.placeLow("GDT", bootGdt("protected"));
  // At a function's entry ESP + 4 is a multiple of 16; above it the arguments, at it the return address.
  const frame = DIRECT_STACK_BYTES - 20;
  const stack = new ByteWriter(DIRECT_STACK_BYTES)
    .u32(frame + 4, start.info)
    .u32(frame + 8, start.commandLine);
  const bottom = placement.placeLow("stack", stack.bytes, PAGE);
  return protectedModeState(entry, gdt, { rsp: bottom + frame, rbx: start.info });
}

function state64(placement: Placement, entry: number, start: StartInfo): BootState {
  const gdt = placement.placeLow("GDT", bootGdt("long"));
  const bottom = placement.placeLow("stack", new Uint8Array(DIRECT_STACK_BYTES), PAGE);
  return longModeState(entry, gdt, placeIdentityMap(placement), {
    rsp: bottom + DIRECT_STACK_BYTES - 8, // at a function's entry RSP + 8 is a multiple of 16
    rdi: start.info,
    rsi: start.commandLine,
  });
}
