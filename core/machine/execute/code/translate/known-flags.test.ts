/** Flags through sequences of instructions that set all, some, or some on a condition: both engines must agree. */
import { expect, it } from "vitest";
import { Random } from "../../../../util/random.js";
import { TestProcessor } from "../semantics/testing/processor.js";

/** On EAX, EBX and ECX; operands of memory at [RSP] make an exit where flags would have to be written down. */
const INSTRUCTIONS = [
  "01d8", // ADD EAX, EBX
  "11d8", // ADC EAX, EBX
  "19cb", // SBB EBX, ECX
  "29c8", // SUB EAX, ECX
  "21d8", // AND EAX, EBX
  "ffc0", // INC EAX
  "fec9", // DEC CL
  "d3e0", // SHL EAX, CL
  "d2eb", // SHR BL, CL
  "d3d8", // RCR EAX, CL
  "c1c305", // ROL EBX, 5
  "d1d8", // RCR EAX, 1
  "0fa3c8", // BT EAX, ECX
  "0fbdc3", // BSR EAX, EBX
  "0fafc3", // IMUL EAX, EBX
  "f8", // CLC
  "f5", // CMC
  "9e", // SAHF
  "9f", // LAHF
  "9c58", // PUSHF, POP RAX
  "010c24", // ADD [RSP], ECX
  "d32c24", // SHR dword [RSP], CL
  "8b1c24", // MOV EBX, [RSP]
  "0f92c0", // SETB AL
  "0f9ec3", // SETLE BL
  "0f47c3", // CMOVA EAX, EBX
  "0f4ac8", // CMOVP ECX, EAX
  "7a00", // JP to the next instruction: the block ends
];
const LENGTH = 14;
const SEQUENCES = 400;

it("are the same interpreted and translated", () => {
  const random = new Random(7);
  let cpu = new TestProcessor(64);
  const seen = new Set<number>();
  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    const code = Array.from({ length: LENGTH }, () => INSTRUCTIONS[random.below(INSTRUCTIONS.length)]!).join(
      "",
    );
    for (const flags of [0, 0x8d5]) {
      const word = () => random.below(2 ** 32);
      // Throws where the engines differ.
      const outcome = cpu.execute(code, {
        registers: { 0: word(), 1: random.below(4) * 16, 3: word(), 4: 0x8000 },
        flags,
      });
      expect(outcome.vector).toBeUndefined();
      seen.add(outcome.flags);
    }
    // There is room for so many pieces of code.
    if (sequence % 200 === 199) cpu = new TestProcessor(64);
  }
  expect(seen.size).toBeGreaterThan(20);
});
