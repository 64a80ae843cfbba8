/**
 * What the kernel side executes in its guest's stead, by the machine's own semantics: an instruction that left, or the delivery of an
 * event that a task gate receives. What it meets may leave again (a page that is not there yet); then it is taken up where it was.
 */
import type { CodeMachine } from "../../machine/code-machine.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import type { KvmInternalError, KvmRun } from "./run-page.js";

export class Emulation {
  /** The instruction being emulated, until its emulation is through: a fault of it may have left. */
  instruction: Instruction | undefined;
  /** What left is such an emulation. */
  private isResumed = false;
  /** Whether a task switch leaves (Interception.taskSwitch): not the one that is being emulated. */
  taskSwitchLeaves = true;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly run: KvmRun,
  ) {}

  /** Something left. */
  begin(): void {
    this.isResumed = this.instruction !== undefined;
  }

  /** Before an entry: what was emulated is through, unless it left itself. */
  end(): void {
    if (this.hardware.system.hasExited) return;
    this.instruction = undefined;
    this.taskSwitchLeaves = true;
  }

  emulate(instruction: Instruction): void {
    this.instruction = instruction;
    this.hardware.system.emulate(instruction);
  }

  /** The instruction that refers to memory that left: the one emulated, or the guest's own. */
  get attempted(): Instruction | undefined {
    return this.isResumed ? this.instruction : this.hardware.engine.attempted;
  }

  /** What an exit interrupted is done again: the delivery of an event, an emulation, or the instruction at RIP. */
  again(vectoring: Vectoring | undefined): void {
    const { engine, system } = this.hardware;
    if (vectoring !== undefined && !this.taskSwitchLeaves) system.emulateDelivery(vectoring);
    else if (vectoring !== undefined) system.redeliverHere(vectoring);
    else if (this.isResumed) system.emulate(this.instruction!);
    else engine.retry();
  }

  /** Executes the instruction that left, alone. */
  readonly step = (): void => {
    const { engine, system } = this.hardware;
    if (this.isResumed) system.emulate(this.instruction!);
    else {
      engine.retry();
      engine.stepAlone();
    }
  };

  /** KVM_EXIT_INTERNAL_ERROR: nothing has happened, and the user side is told why. */
  fail(suberror: KvmInternalError, message: string): void {
    this.run.internal.suberror = suberror;
    this.run.internal.message = message;
    this.run.tell("internal-error");
    this.hardware.engine.retry();
  }
}
