/**
 * Quick crossings: interrupts, exceptions, IRET, system calls, segment loads and RDTSC done in WebAssembly, so that code
 * need not leave the engine for them. Most are what TypeScript did before under the same circumstances (memory.ts); whatever
 * is not, TypeScript does. Nothing that is modelled shows which of the two it was: look-ups of the TLB, cycles and counts
 * are the same. Handlers are called like those of other instructions, with a record.
 */
import { CR4 } from "../../../cpu/control-bits.js";
import { CODE_16, GS, MODE, MSR_STATE, SEGMENT, STATE, segmentOffset } from "../../../cpu/state.js";
import type { Machine } from "../../../machine.js";
import {
  add,
  and,
  type Code,
  call,
  type FunctionReference,
  float,
  floatSubtract,
  get,
  ifElse,
  ifThen,
  int,
  isZero,
  type Local,
  loadFloat,
  or,
  set,
  sub,
  tailCall,
} from "../../../wasm/code.js";
import { F64 } from "../../../wasm/floats.js";
import { extendUnsigned, I32, I64 } from "../../../wasm/integers.js";
import { type FunctionBuilder, ModuleBuilder, type ModuleExports } from "../../../wasm/module.js";
import { EXIT } from "../exits.js";
import { RECORD, RECORD_BYTES } from "../record.js";
import { defineDeliver, KIND } from "./deliver.js";
import type { CrossingName } from "./names.js";
import { definePageFault } from "./page-fault.js";
import { CrossingParts } from "./parts.js";
import { defineReturn } from "./return.js";
import { defineSegmentLoad } from "./segment-load.js";
import { defineSystemCall, defineSystemReturn } from "./system-call.js";

const BREAKPOINT = 3;
/** Bits above the narrower of the two widths of linear addresses. */
const NOT_CANONICAL = 16;
const RAX = STATE.general;
const RDX = STATE.general + 8 * 2;

/**
 * Handlers by name, "deliver" for TypeScript, and "pageFault" for the runtime.
 * @param isCautious a look-up of theirs may fault and be mended by a monitor: a look-up that may is TypeScript's.
 */
export function makeCrossings(machine: Machine, runtime: ModuleExports, isCautious: boolean): ModuleExports {
  const module = new ModuleBuilder();
  const parts = new CrossingParts(machine, module, isCautious);
  const deliver = defineDeliver(parts);
  defineInterrupts(parts, deliver);
  definePageFault(parts, deliver);
  defineReturns(parts);
  defineSystemCalls(parts);
  defineSegmentLoads(parts);
  defineControlReads(parts);
  defineSwapGs(parts);
  defineTimeStamp(parts);
  defineInvalidatePage(parts);
  return module.instantiate({ memory: machine.memory, functions: runtime });
}

/** A handler: does what `body` does, or leaves the instruction to TypeScript. */
function defineHandler(
  parts: CrossingParts,
  name: CrossingName,
  body: (builder: FunctionBuilder, record: Local, isUser: Local) => Code,
): void {
  parts.module.define(
    ["i32"],
    true,
    (builder, record) => {
      const isUser = builder.local();
      return [
        set(isUser, and(parts.word(STATE.mode), int(MODE.user))),
        body(builder, record, isUser),
        parts.leave(record, EXIT.system),
        int(0),
      ];
    },
    name,
  );
}

function defineInterrupts(parts: CrossingParts, deliver: FunctionReference): void {
  const define = (name: CrossingName, vector: (record: Local) => Code): void =>
    defineHandler(parts, name, (builder, record, isUser) => {
      const [setIp, ip] = parts.nextIp(builder, record);
      const zero = int(0);
      return [
        setIp,
        ifThen(call(deliver, vector(record), int(KIND.software), zero, zero, zero, get(ip)), [
          parts.attribute(builder, isUser),
          parts.emitter.charge("guest_fault", float(parts.costs.software_interrupt)),
          parts.emitter.count("software_interrupts"),
          parts.mark(),
          tailCall(parts.dispatch),
        ]),
      ];
    });
  define("INT", (record) => I32.load(1)(get(record), RECORD.immediate));
  define("INT3", () => int(BREAKPOINT));
}

function defineReturns(parts: CrossingParts): void {
  for (const size of [4, 8] as const) {
    const done = defineReturn(parts, size);
    defineHandler(parts, `IRET${size}`, (builder, _record, isUser) =>
      // IRETD belongs to IA-32e mode as little as IRETQ to the others.
      ifThen(and(size === 8 ? parts.isLongCode : parts.isLegacyMode, call(done)), [
        parts.attribute(builder, isUser),
        parts.emitter.charge("guest_fault", float(parts.costs.interrupt_return)),
        parts.emitter.count("interrupt_returns"),
        parts.mark(),
        tailCall(parts.dispatch),
      ]),
    );
  }
}

function defineSystemCalls(parts: CrossingParts): void {
  const half = float(parts.costs.syscall / 2);
  const finish = (builder: FunctionBuilder, isUser: Local): Code => [
    parts.attribute(builder, isUser),
    parts.emitter.charge("guest_kernel", half),
    parts.mark(),
  ];
  const enter = defineSystemCall(parts);
  defineHandler(parts, "SYSCALL", (builder, record, isUser) => {
    const [setIp, ip] = parts.nextIp(builder, record);
    return [
      setIp,
      ifThen(call(enter, get(ip)), [
        finish(builder, isUser),
        parts.emitter.count("guest_system_calls"),
        tailCall(parts.dispatch),
      ]),
    ];
  });
  const leave = defineSystemReturn(parts);
  defineHandler(parts, "SYSRETQ", (builder, _record, isUser) =>
    ifThen(call(leave), [finish(builder, isUser), tailCall(parts.dispatch)]),
  );
}

function defineSegmentLoads(parts: CrossingParts): void {
  const done: FunctionReference = defineSegmentLoad(parts);
  const { base } = parts;
  // The first operand's place is that of the selector.
  const segment = (record: Local): Code =>
    sub(add(I32.load(2)(get(record), RECORD.operands), int(base)), int(SEGMENT.selector));
  const define = (name: CrossingName, selector: (record: Local) => Code, pops: number): void =>
    defineHandler(parts, name, (builder, record) => {
      const [setIp, ip] = parts.nextIp(builder, record);
      return [
        setIp,
        ifThen(call(done, segment(record), selector(record), int(pops)), [
          parts.setLong(STATE.rip, get(ip)),
          parts.spend(parts.costs.segment_load),
          parts.emitter.count("segment_loads"),
          tailCall(parts.dispatch),
        ]),
      ];
    });
  define("MOV", (record) => I32.load(2)(I32.load(2)(get(record), RECORD.operands + 2), base), 0);
  define("POP", () => int(0), 1);
}

/** MOV from control registers, which does not end a block: the next record follows. */
function defineControlReads(parts: CrossingParts): void {
  const word = (offset: number): Code => extendUnsigned(parts.word(offset));
  const values = {
    CR0: word(STATE.cr0),
    CR2: parts.long(STATE.cr2),
    CR3: parts.long(STATE.cr3),
    CR4: word(STATE.cr4),
  };
  for (const [name, value] of Object.entries(values) as [CrossingName, Code][]) {
    defineHandler(parts, name, (builder, record) => {
      const long = builder.local("i64");
      const narrow = I64.and(get(long), I64.constant(0xffff_ffff));
      return ifThen(parts.isPrivileged, [
        set(long, value),
        I64.store(8)(
          I32.load(2)(get(record), RECORD.operands),
          ifElse(parts.isLongCode, get(long), narrow, "i64"),
          parts.base,
        ),
        parts.emitter.count("control_register_accesses"),
        tailCall(parts.execute, add(get(record), int(RECORD_BYTES))),
      ]);
    });
  }
}

function defineSwapGs(parts: CrossingParts): void {
  const base = segmentOffset(GS) + SEGMENT.base;
  const kernelBase = STATE.fastMsrs + MSR_STATE.kernelGsBase;
  defineHandler(parts, "SWAPGS", (builder, record) => {
    const [setIp, ip] = parts.nextIp(builder, record);
    const old = builder.local("i64");
    return ifThen(and(parts.isLongCode, parts.isPrivileged), [
      setIp,
      set(old, parts.long(base)),
      parts.setLong(base, parts.long(kernelBase)),
      parts.setLong(kernelBase, get(old)),
      parts.setLong(STATE.rip, get(ip)),
      parts.spend(parts.costs.system_instruction),
      tailCall(parts.dispatch),
    ]);
  });
}

/**
 * INVLPG by CPL 0; 16-bit code is left to TypeScript, and so is all where an interrupt waits or a deadline comes: that is
 * seen before the next instruction is fetched, which is another look-up.
 */
function defineInvalidatePage(parts: CrossingParts): void {
  const { base } = parts;
  const cost = parts.costs.invlpg;
  const left = loadFloat(int(0), base + STATE.left);
  const low = (address: Code): Code => I64.and(address, I64.constant(0xffff_ffff));
  const define = (name: CrossingName, addressSize: 4 | 8): void =>
    defineHandler(parts, name, (builder, record) => {
      const [setIp, ip] = parts.nextIp(builder, record);
      const linear = builder.local("i64");
      const state = (field: number): Code => I64.load(8)(I32.load(2)(get(record), field), base);
      const scaled = I64.shl(state(RECORD.index), extendUnsigned(I32.load(1)(get(record), RECORD.scale)));
      const sum = I64.add(I64.add(state(RECORD.base), scaled), I64.load(8)(get(record), RECORD.displacement));
      const segment = I32.load(2)(get(record), RECORD.segment);
      const address = I64.add(addressSize === 4 ? low(sum) : sum, I64.load(8)(segment, base + SEGMENT.base));
      const shift = I64.constant(NOT_CANONICAL);
      const isCanonical = I64.eq(I64.shrS(I64.shl(get(linear), shift), shift), get(linear));
      const isQuiet = and(isZero(parts.word(STATE.interruptRequest)), F64.gt(left, float(cost)));
      const mayRun = and(and(parts.isPrivileged, isZero(parts.isCodeSize(CODE_16))), isQuiet);
      return [
        setIp,
        set(linear, ifElse(parts.isLongCode, address, low(address), "i64")),
        ifThen(
          and(mayRun, isCanonical),
          ifThen(call(parts.invalidatePage, get(linear)), [
            parts.setLong(STATE.rip, get(ip)),
            parts.spend(cost),
            parts.forgetCodePage(),
            tailCall(parts.dispatch),
          ]),
        ),
      ];
    });
  define("INVLPG4", 4);
  define("INVLPG8", 8);
}

/** RDTSC: the time is in the state, and what the counter is ahead of it. 16-bit code is left to TypeScript. */
function defineTimeStamp(parts: CrossingParts): void {
  const stateFloat = (offset: number): Code => loadFloat(int(0), parts.base + offset);
  const mayRead = or(parts.isPrivileged, isZero(and(parts.word(STATE.cr4), int(CR4.TSD))));
  defineHandler(parts, "RDTSC", (builder, record) => {
    const [setIp, ip] = parts.nextIp(builder, record);
    const stamp = builder.local("i64");
    const cycles = F64.truncate(8)(floatSubtract(stateFloat(STATE.target), stateFloat(STATE.left)));
    return ifThen(and(mayRead, isZero(parts.isCodeSize(CODE_16))), [
      setIp,
      set(stamp, I64.add(cycles, parts.long(STATE.fastMsrs + MSR_STATE.timeStampOffset))),
      parts.setLong(RAX, I64.and(get(stamp), I64.constant(0xffff_ffff))),
      parts.setLong(RDX, I64.shrU(get(stamp), I64.constant(32))),
      parts.setLong(STATE.rip, get(ip)),
      parts.spend(parts.costs.time_stamp),
      parts.emitter.count("time_stamp_reads"),
      tailCall(parts.dispatch),
    ]);
  });
}
