/**
 * RDRAND and RDSEED (SDM vol. 2; vol. 1, 7.3.17), from the machine's seed: the same run draws the same numbers. A draw
 * depends on its number alone, so that is all there is to save.
 */
import { Random } from "../../../util/random.js";
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { writeOperand } from "../operands.js";
import { ARITHMETIC_FLAGS, RFLAGS } from "../state.js";

export class RandomNumbers {
  /** Numbers drawn so far. */
  drawn = 0;
  private readonly source: Random;

  constructor(seed: number) {
    this.source = new Random(seed).fork("RDRAND");
  }

  /** A number is always ready: CF is 1, the other flags 0. */
  read(core: Core, instruction: Instruction): void {
    const draw = this.source.fork(String(this.drawn++));
    writeOperand(core, instruction, 0, draw.int32(), draw.int32());
    core.writeFlags((core.readFlags() & ~ARITHMETIC_FLAGS) | RFLAGS.CF);
  }
}
