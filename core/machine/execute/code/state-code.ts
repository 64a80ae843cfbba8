/** Code that reads and writes the CPU's state (cpu/state.ts) where it lies in linear memory. */
import { CODE_64, MODE, STATE } from "../../cpu/state.js";
import { and, type Code, eq, int, load, store } from "../../wasm/code.js";
import { I64 } from "../../wasm/integers.js";

export class StateCode {
  /** @param base address of the state. */
  constructor(readonly base: number) {}

  word(offset: number): Code {
    return load(int(0), this.base + offset);
  }

  setWord(offset: number, value: Code): Code {
    return store(int(0), value, this.base + offset);
  }

  long(offset: number): Code {
    return I64.load(8)(int(0), this.base + offset);
  }

  setLong(offset: number, value: Code): Code {
    return I64.store(8)(int(0), value, this.base + offset);
  }

  isCodeSize(size: number): Code {
    return eq(and(this.word(STATE.mode), int(MODE.codeSize)), int(size));
  }

  get isLongCode(): Code {
    return this.isCodeSize(CODE_64);
  }
}
