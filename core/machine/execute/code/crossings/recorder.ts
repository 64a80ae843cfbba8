/** Writes down what TypeScript did, so that it can be done again in WebAssembly (memory.ts). */
import type { Core } from "../../../cpu/core.js";
import type { Crossings, EntryCrossing, ReturnCrossing } from "../../../cpu/crossings.js";
import type { Descriptor } from "../../../cpu/descriptor.js";
import { SEGMENT_WORDS, segmentWord } from "../../../cpu/places.js";
import { CODE_64, CS, MODE, SS, STATE } from "../../../cpu/state.js";
import type { ModuleExports } from "../../../wasm/module.js";
import { type CrossingMemory, ENTRY, entryAt, LOAD, loadAt, RETURN, returnAt } from "./memory.js";

export class CrossingRecorder implements Crossings {
  constructor(
    private readonly memory: CrossingMemory,
    private readonly functions: ModuleExports,
  ) {}

  /** Forgets everything: the machine's past is another one. */
  forget(): void {
    this.memory.words.fill(0);
  }

  deliver(vector: number, kind: number, errorCode: number, hasErrorCode: number, flags: number): boolean {
    return this.functions["deliver"]!(vector, kind, errorCode, hasErrorCode, flags) !== 0;
  }

  rememberEntry(core: Core, crossing: EntryCrossing): void {
    const at = entryAt(this.memory, crossing.vector);
    const { code, stack } = crossing;
    this.begin(at, core, crossing.mode);
    this.put(at + ENTRY.kinds, crossing.kinds);
    this.put(at + ENTRY.cleared, crossing.cleared);
    this.putPair(at + ENTRY.gate, crossing.gateAddress, crossing.gateAddressHigh);
    this.putPair(at + ENTRY.gateWords, crossing.gateLow, crossing.gateMiddle);
    this.putPair(at + ENTRY.gateUpper, crossing.gateUpper, 0);
    this.putDescriptor(at + ENTRY.code, at + ENTRY.codeWords, code);
    this.putPair(at + ENTRY.stackSlot, crossing.stackSlot, crossing.stackSlotHigh);
    this.putDescriptor(at + ENTRY.stack, at + ENTRY.stackWords, stack);
    this.put(at + ENTRY.stackSelector, stack?.selector ?? 0);
    this.put(at + ENTRY.isInner, crossing.isInner ? 1 : 0);
    this.put(at + ENTRY.newMode, newModeOf(core));
    this.putPair(at + ENTRY.target, core.words[STATE.rip >> 2]!, core.words[(STATE.rip >> 2) + 1]!);
    this.putHidden(at + ENTRY.codeHidden, core, CS);
    this.putHidden(at + ENTRY.stackHidden, core, SS);
  }

  rememberReturn(core: Core, crossing: ReturnCrossing): void {
    const { selector, code, stack } = crossing;
    const at = returnAt(this.memory, selector);
    this.begin(at, core, crossing.mode);
    this.put(at + RETURN.selector, selector);
    this.put(at + RETURN.popsStack, crossing.popsStack ? 1 : 0);
    this.putDescriptor(at + RETURN.code, at + RETURN.codeWords, code);
    this.putDescriptor(at + RETURN.stack, at + RETURN.stackWords, stack);
    this.put(at + RETURN.stackSelector, crossing.stackSelector);
    this.put(at + RETURN.newMode, newModeOf(core));
    this.put(at + RETURN.privilege, core.cpl);
    this.putHidden(at + RETURN.codeHidden, core, CS);
    this.putHidden(at + RETURN.stackHidden, core, SS);
  }

  rememberLoad(core: Core, segment: number, selector: number, descriptor: Descriptor): void {
    const at = loadAt(this.memory, selector);
    this.begin(at, core, core.words[STATE.mode >> 2]!);
    this.put(at + LOAD.selector, selector);
    this.put(at + LOAD.privilege, core.cpl);
    this.putDescriptor(at + LOAD.descriptor, at + LOAD.words, descriptor);
    this.putHidden(at + LOAD.hidden, core, segment);
  }

  private begin(at: number, core: Core, mode: number): void {
    this.put(at, core.words[STATE.generation >> 2]!);
    this.put(at + 4, mode);
  }

  private put(address: number, value: number): void {
    this.memory.words[(address - this.memory.entries) >> 2] = value;
  }

  private putPair(address: number, low: number, high: number): void {
    this.put(address, low);
    this.put(address + 4, high);
  }

  private putDescriptor(address: number, words: number, descriptor: Descriptor | undefined): void {
    this.putPair(address, descriptor?.addressLow ?? 0, descriptor?.addressHigh ?? 0);
    this.putPair(words, descriptor?.low ?? 0, descriptor?.high ?? 0);
  }

  private putHidden(address: number, core: Core, segment: number): void {
    const from = segmentWord(segment);
    for (let word = 0; word < SEGMENT_WORDS; word++) this.put(address + 4 * word, core.words[from + word]!);
  }
}

/** The mode word after a crossing; outside 64-bit code whether data is flat is found anew each time. */
function newModeOf({ words }: Core): number {
  const mode = words[STATE.mode >> 2]!;
  return (mode & MODE.codeSize) === CODE_64 ? mode : mode & ~MODE.flatData;
}
