/**
 * Quick crossings: interrupts, exceptions, IRET, system calls and segment loads done in WebAssembly, so that code need not
 * leave the engine for them. Most are what TypeScript did before under the same circumstances (memory.ts); whatever is
 * not, TypeScript does. Nothing that is modelled shows which of the two it was: look-ups of the TLB, cycles and counts are
 * the same. Handlers are called like those of other instructions, with a record.
 */
import { MODE, SEGMENT, STATE } from "../../../cpu/state.js";
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
  ifThen,
  int,
  type Local,
  loadFloat,
  set,
  storeFloat,
  sub,
  tailCall,
} from "../../../wasm/code.js";
import { I32 } from "../../../wasm/integers.js";
import { type FunctionBuilder, ModuleBuilder, type ModuleExports } from "../../../wasm/module.js";
import { EXIT } from "../exits.js";
import { RECORD } from "../record.js";
import { defineDeliver, KIND } from "./deliver.js";
import type { CrossingName } from "./names.js";
import { CrossingParts } from "./parts.js";
import { defineReturn } from "./return.js";
import { defineSegmentLoad } from "./segment-load.js";
import { defineSystemCall, defineSystemReturn } from "./system-call.js";

const BREAKPOINT = 3;

/** Handlers by name, and "deliver" for TypeScript. */
export function makeCrossings(machine: Machine, runtime: ModuleExports): ModuleExports {
  const module = new ModuleBuilder();
  const parts = new CrossingParts(machine, module);
  defineInterrupts(parts);
  defineReturns(parts);
  defineSystemCalls(parts);
  defineSegmentLoads(parts);
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

function defineInterrupts(parts: CrossingParts): void {
  const deliver = defineDeliver(parts);
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
  const left = base + STATE.left;
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
          // Cycles of the program's own, like those of other instructions.
          storeFloat(int(0), floatSubtract(loadFloat(int(0), left), float(parts.costs.segment_load)), left),
          parts.emitter.count("segment_loads"),
          tailCall(parts.dispatch),
        ]),
      ];
    });
  define("MOV", (record) => I32.load(2)(I32.load(2)(get(record), RECORD.operands + 2), base), 0);
  define("POP", () => int(0), 1);
}
