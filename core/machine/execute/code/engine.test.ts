import { describe, expect, it, vi } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { CODE_32, CS, MODE, SEGMENT, STATE, segmentOffset } from "../../cpu/state.js";
import { Machine } from "../../machine.js";
import { PLAIN } from "../../testing/plain.js";
import { get, set } from "../../wasm/code.js";
import { CodeEngine } from "./engine.js";
import { integersOf } from "./flags.js";
import { EnginePaging } from "./paging.js";
import type { Semantic } from "./scope.js";
import type { SystemSide } from "./surroundings.js";
import { RegionTranslator } from "./translate/translator.js";

const sizeOf = (s: Parameters<Semantic>[0]): number => (s.instruction.operands[0] as { size: number }).size;
const add: Semantic = (s) => {
  const size = sizeOf(s);
  const n = integersOf(size);
  const right = s.keep(n.type, s.read(1, size));
  const left = s.local(n.type);
  const result = s.local(n.type);
  return [
    right.code,
    s.modify(0, (value) => [
      set(left, get(value)),
      set(result, n.add(get(value), get(right.local))),
      get(result),
    ]),
    s.flags.setAdd(size, left, right.local, result),
  ];
};
const SEMANTICS: Record<string, Semantic> = {
  MOV: (s) => s.write(0, s.read(1, sizeOf(s))),
  ADD: add,
  JCC: (s) => s.branchIf(s.flags.condition(s.instruction.row.condition), 0),
};

class Stub implements SystemSide {
  halted = false;
  raised: number[] = [];
  hasShadow = false;
  isShutDown = false;
  readonly hasExited = false;
  get isHalted() {
    return this.halted;
  }
  execute(): void {
    this.halted = true;
  }
  raise(vector: number): void {
    this.raised.push(vector);
    this.halted = true;
  }
  trap(): void {}
  interrupt(): boolean {
    return false;
  }
  clearShadow(): void {}
  endsShadow = false;
  meetsBreakpoint(): boolean {
    return false;
  }
}

function boot(bytes: number[], translate = false, mode = 0x435) {
  const machine = new Machine({
    profile: findProfile("skylake-2015")!,
    paging: "4-level",
    backedFrames: 1024,
    frames: 1024,
    ...PLAIN,
    code: { arenaBytes: 1 << 20 },
  });
  const engine = new CodeEngine(machine, SEMANTICS, () => 1, 1);
  const stub = new Stub();
  if (translate) {
    engine.translator = new RegionTranslator(
      machine,
      engine.cache,
      engine.handlers,
      engine.table,
      engine.runtime,
      SEMANTICS,
      1,
    );
  }
  new EnginePaging(machine, engine);
  const deadline = { at: Number.POSITIVE_INFINITY, met: Number.NaN };
  engine.connect(stub, {
    nextDeadline: () => deadline.at,
    runDue: (now) => {
      deadline.at = Number.POSITIVE_INFINITY;
      deadline.met = now;
    },
    hasInterrupt: () => false,
    readMemory: () => 0xff,
    writeMemory: () => {},
  });
  const { words } = machine.code!.cpu;
  words[STATE.mode / 4] = mode;
  for (let s = 0; s < 6; s++) {
    words[(STATE.segments + s * 40 + 12) / 4] = -1;
    words[(STATE.segments + s * 40 + 24) / 4] = 3;
  }
  words[STATE.rip / 4] = 0x1000;
  new Uint8Array(machine.memory.buffer, machine.ram.byteOffset).set(bytes, 0x1000);
  engine.modeChanged();
  return { machine, engine, stub, words, deadline };
}

describe("engine", () => {
  it.each([false, true])("runs a loop, translated: %s", (translate) => {
    // mov ecx, 1000; l: add eax, 3; add [0x2000], eax; add ecx, -1; jnz l; hlt
    const { engine, words, machine } = boot(
      [0xb9, 0xe8, 3, 0, 0, 0x83, 0xc0, 3, 0x01, 0x05, 0, 0x20, 0, 0, 0x83, 0xc1, 0xff, 0x75, 0xf2, 0xf4],
      translate,
    );
    expect(engine.run(1e6)).toBe("asleep");
    expect(words[0]).toBe(3000);
    expect(machine.ram[0x2000 / 4]).toBe((3 * 1000 * 1001) / 2);
    expect(engine.instructions).toBe(4002);
    expect(engine.now()).toBe(4001);
  });
  it("steps to the same state", () => {
    const code = [
      0xb9, 0xe8, 3, 0, 0, 0x83, 0xc0, 3, 0x01, 0x05, 0, 0x20, 0, 0, 0x83, 0xc1, 0xff, 0x75, 0xf2, 0xf4,
    ];
    const { engine, words } = boot(code);
    for (let n = 1; n < 50; n++) {
      expect(engine.run(n)).toBe("limit");
      expect(engine.instructions).toBe(n);
    }
    expect(engine.run(1e6)).toBe("asleep");
    expect(words[0]).toBe(3000);
    expect(engine.instructions).toBe(4002);
    expect(engine.now()).toBe(4001);
  });
  it.each([false, true])("decodes anew only what was patched, translated: %s", (translate) => {
    // 0x1000: mov ecx, 10000; l: add eax, 3; jnz m; 0x1100: m: add ebx, 1; add ecx, -1; jnz l; hlt
    const code = new Array<number>(0x110).fill(0xf4);
    const put = (at: number, bytes: number[]) => code.splice(at, bytes.length, ...bytes);
    put(0, [0xb9, 0x10, 0x27, 0, 0, 0x83, 0xc0, 3, 0x0f, 0x85, 0xf2, 0, 0, 0]);
    put(0x100, [0x81, 0xc3, 1, 0, 0, 0, 0x83, 0xc1, 0xff, 0x0f, 0x85, 0xf6, 0xfe, 0xff, 0xff]);
    const { engine, words, machine } = boot(code, translate);
    const blockAt = (offset: number) => engine.cache.find(1, offset, words[STATE.mode / 4]!);
    expect(engine.run(1 + 5 * 6000)).toBe("limit");
    const [kept, patched] = [blockAt(5), blockAt(0x100)];
    expect(patched).toBeDefined();
    new Uint8Array(machine.memory.buffer, machine.ram.byteOffset)[0x1102] = 5;
    engine.patchedCode(0x1102, 1);
    expect(blockAt(5)).toBe(kept);
    expect(blockAt(0x100)).toBeUndefined();
    expect(engine.run(1e6)).toBe("asleep");
    expect(words[6]).toBe(6000 + 5 * 4000);
    expect(engine.instructions).toBe(2 + 5 * 10_000);
  });
  it.each([false, true])(
    "goes on from a block's midst after its page was forgotten, translated: %s",
    (translate) => {
      // 0x1000: mov ecx, 1000; l: add eax, 3; jnz m; 0x1ffc, across two pages: m: add ebx, 0x01020304; add ecx, -1; jnz l; hlt
      const code = new Array<number>(0x100c).fill(0x90);
      const put = (at: number, ...bytes: number[]): void => void code.splice(at, bytes.length, ...bytes);
      put(0, 0xb9, 0xe8, 3, 0, 0, 0x83, 0xc0, 3, 0x0f, 0x85, 0xee, 0xf, 0, 0);
      put(0xffc, 0x81, 0xc3, 4, 3, 2, 1, 0x83, 0xc1, 0xff, 0x0f, 0x85, 0xfa, 0xef, 0xff, 0xff, 0xf4);
      const whole = boot(code, translate);
      expect(whole.engine.run(1e6)).toBe("asleep");
      const { engine, words } = boot(code, translate);
      const between = 1 + 5 * 800 + 1;
      expect(engine.run(between)).toBe("limit");
      expect(words[STATE.rip / 4]).toBe(0x1008);
      engine.modeChanged();
      // Beside a wrong page the instruction across two pages would be decoded anew, or its look-up would fault.
      const build = vi.spyOn(engine.cache, "build");
      expect(engine.run(1e6)).toBe("asleep");
      expect(build.mock.calls, "the block behind the loop").toEqual([[-1]]);
      expect([words[0], engine.instructions]).toEqual([3000, whole.engine.instructions]);
    },
  );
  it("meets a deadline at the block that begins at its very cycle, stopped there or not", () => {
    const code = [0xb9, 0xe8, 3, 0, 0, 0x83, 0xc0, 3, 0x83, 0xc1, 0xff, 0x75, 0xf8, 0xf4];
    // A first block of 4 instructions, then of 3; one cycle each.
    const blockStart = 4 + 3 * 10;
    for (const translate of [false, true]) {
      for (const stops of [[], [blockStart], [blockStart - 1]]) {
        const { engine, deadline } = boot(code, translate);
        deadline.at = blockStart;
        for (const stop of stops) engine.run(stop);
        engine.run(1e6);
        expect(deadline.met).toBe(blockStart);
      }
    }
  });
  it("steps through code that CS.limit cuts, which no other look-up finds", () => {
    const { engine, words } = boot([0x83, 0xc0, 3, 0x83, 0xc0, 3, 0xf4], false, MODE.flatData | CODE_32);
    words[(segmentOffset(CS) + SEGMENT.highest) / 4] = 0x1006;
    for (let n = 1; n <= 2; n++) {
      expect(engine.run(n)).toBe("limit");
      expect(words[0]).toBe(3 * n);
    }
    expect(engine.run(1e6)).toBe("asleep");
  });
});
