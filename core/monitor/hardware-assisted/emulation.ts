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
  /** A task switch is being emulated; of an event that came to a task gate, or of an instruction. */
  private switching: { readonly by: Vectoring | undefined } | undefined;
  /** It is about to be made. */
  private isSwitchExpected = false;

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
    this.switching = undefined;
    this.isSwitchExpected = false;
  }

  /** Whether a task switch leaves (Interception.taskSwitch): not the one being emulated, but any that a fault of it comes to. */
  takeTaskSwitch(): boolean {
    const { isSwitchExpected } = this;
    this.isSwitchExpected = false;
    return !isSwitchExpected;
  }

  /** The whole of a task switch: of an instruction, or of an event that came to a task gate. */
  switchTask(by: Instruction | Vectoring): void {
    this.isSwitchExpected = true;
    if ("row" in by) {
      this.switching = { by: undefined };
      this.emulate(by);
      return;
    }
    this.switching = { by };
    this.instruction = undefined;
    this.hardware.system.emulateDelivery(by);
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
    if (system.isSwitching) {
      system.finishSwitch(this.switching?.by === undefined ? this.instruction : undefined);
      return;
    }
    // A fault of the switch's that is being delivered is no part of it any more.
    const isSwitch = this.switching !== undefined && this.switching.by?.vector === vectoring?.vector;
    this.isSwitchExpected = isSwitch;
    if (vectoring !== undefined && isSwitch) system.emulateDelivery(vectoring);
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
