/**
 * What every monitor is: the CPU side of a hypervisor. The machine runs the guest until something leaves it; the monitor
 * handles that, charges what it cost, and the guest goes on. Each monitor is a folder beside this file.
 *
 *      VirtualComputer.run ─→ engine.run ── guest's code, in WebAssembly
 *             ↑                   │ Interception: this leaves
 *             └── Monitor.handle ←┘
 */
import type { Outcome } from "../machine/board.js";
import type { PagingControl } from "../machine/cpu/host.js";
import type { Interception } from "../machine/cpu/interception.js";
import type { StartState } from "../machine/cpu/system-unit.js";

export interface Monitor {
  readonly interception: Interception;
  /** What the guest's control registers do to the translation of addresses; undefined: what they do to the machine's. */
  readonly paging: PagingControl | undefined;
  /** What first showed the guest that the processor is not its own, in words; undefined while nothing did. */
  readonly misbehaviour?: string | undefined;
  /** The guest's CPU at its start. */
  start(state: StartState): void;
  /** Handles what left the guest. Returns how the guest ended, if that was its end. */
  handle(): Outcome | undefined;
  /** An interrupt waits that the guest would take. */
  hasInterrupt(): boolean;
  /** The guest's devices are due: the host's timer has interrupted whatever runs. */
  due(now: number): void;
}
