/**
 * One counter of the 8254 (Intel, "8254 Programmable Interval Timer", order 231164-005): the six modes, gate, BCD,
 * and the exact CLK pulse on which OUT changes. `clock` is one CLK pulse in the datasheet's words. Everything else
 * goes faster over pulses on which only the count changes; `quietPulses` says how many those are.
 *
 * Time is a number of CLK pulses. A write between pulses k and k + 1 is seen by pulse k + 1.
 */

const MODES = {
  interruptOnTerminalCount: 0,
  oneShot: 1,
  rateGenerator: 2,
  squareWave: 3,
  softwareStrobe: 4,
  hardwareStrobe: 5,
} as const;

const BINARY_MODULUS = 0x1_0000;
const BCD_MODULUS = 10_000;
/** Steps in which OUT changes if it ever will: a load, and what the loaded count does. */
const MOST_STEPS = 2;

export interface CounterState {
  /** MODES; what the control word calls 6 and 7 is 2 and 3. */
  mode: number;
  bcd: boolean;
  /** CR: the initial count, 1 to 65,536 (or 10,000 in BCD). */
  initial: number;
  /** CE: the counting element. */
  count: number;
  out: boolean;
  gate: boolean;
  /** The count in CR is not yet in CE. */
  nullCount: boolean;
  /** An initial count was written since the control word. */
  isProgrammed: boolean;
  /** CE is loaded from CR on the next pulse. */
  isLoading: boolean;
  /** CE holds a count that OUT waits for (modes 0, 1, 4 and 5); it expires once for each load. */
  isArmed: boolean;
  /** The first byte of a two-byte count stopped mode 0. */
  isHalted: boolean;
  /** Mode 3: the count that was loaded is odd, so that OUT is high for one pulse longer. */
  isOdd: boolean;
  /** The pulse up to which this state has advanced. */
  pulse: number;
}

export function powerOnCounter(gate: boolean, pulse: number): CounterState {
  return {
    mode: MODES.interruptOnTerminalCount,
    bcd: false,
    initial: BINARY_MODULUS,
    count: 0,
    out: false,
    gate,
    nullCount: true,
    isProgrammed: false,
    isLoading: false,
    isArmed: false,
    isHalted: false,
    isOdd: false,
    pulse,
  };
}

/** A control word stops the counter and gives OUT its initial level. @param mode bits 3..1 of the control word. */
export function programMode(s: CounterState, mode: number, bcd: boolean): void {
  s.mode = mode > MODES.hardwareStrobe ? mode & 3 : mode;
  s.bcd = bcd;
  s.out = s.mode !== MODES.interruptOnTerminalCount;
  s.nullCount = true;
  s.isProgrammed = false;
  s.isLoading = false;
  s.isArmed = false;
  s.isHalted = false;
}

/** The first byte of a two-byte count: mode 0 stops and OUT goes low at once. */
export function writeFirstByte(s: CounterState): void {
  if (s.mode !== MODES.interruptOnTerminalCount) return;
  s.isHalted = true;
  s.isLoading = false;
  s.out = false;
}

/** A whole count was written. @param value 16 bits as written, 0 standing for the greatest count. */
export function writeCount(s: CounterState, value: number): void {
  const count = s.bcd ? fromBcd(value) : value;
  s.initial = count === 0 ? modulusOf(s) : count;
  // A count of 1 is illegal in modes 2 and 3; it is taken as 2.
  if (isPeriodic(s) && s.initial === 1) s.initial = 2;
  s.nullCount = true;
  switch (s.mode) {
    case MODES.interruptOnTerminalCount:
      s.isHalted = false;
      s.out = false;
      s.isLoading = true;
      break;
    case MODES.softwareStrobe:
      s.isLoading = true;
      break;
    case MODES.rateGenerator:
    case MODES.squareWave: // a later count waits for the end of the cycle, or a trigger
      if (!s.isProgrammed) s.isLoading = true;
      break;
  }
  s.isProgrammed = true;
}

/** Drives GATE: a level in modes 0 and 4, a trigger in 1 and 5, both in 2 and 3. */
export function setGate(s: CounterState, high: boolean): void {
  const isRising = high && !s.gate;
  s.gate = high;
  if (isPeriodic(s)) {
    if (!high) s.out = true;
    if (isRising && s.isProgrammed) s.isLoading = true;
  } else if (isTriggered(s) && isRising && s.isProgrammed) {
    s.isLoading = true;
  }
}

/** The count as the output latch would hold it: 16 bits, BCD if so programmed. */
export function countRegister(s: CounterState): number {
  return s.bcd ? toBcd(s.count % BCD_MODULUS) : s.count & 0xffff;
}

/** Advances to a pulse. */
export function advance(s: CounterState, pulse: number): void {
  while (s.pulse < pulse) {
    if (isPeriodic(s) && s.gate && !s.isLoading && !s.nullCount) {
      s.pulse += Math.floor((pulse - s.pulse) / s.initial) * s.initial; // whole periods change nothing
    }
    const quiet = Math.min(quietPulses(s), pulse - s.pulse);
    if (quiet > 0) {
      if (isCounting(s)) countDown(s, quiet);
      s.pulse += quiet;
    } else if (s.pulse < pulse) {
      clock(s);
    }
  }
}

/** The next pulse on which OUT changes unless something is written, or Infinity. */
export function nextChange(s: CounterState): number {
  const probe = { ...s };
  for (let step = 0; step < MOST_STEPS; step++) {
    const quiet = quietPulses(probe);
    if (quiet === Number.POSITIVE_INFINITY) return quiet;
    advance(probe, probe.pulse + quiet);
    clock(probe);
    if (probe.out !== s.out) return probe.pulse;
  }
  return Number.POSITIVE_INFINITY;
}

/** One CLK pulse. */
export function clock(s: CounterState): void {
  s.pulse++;
  // A strobe is one pulse long, whatever the gate and the count do.
  if (isStrobe(s) && !s.out) s.out = true;
  if (s.isLoading) {
    load(s);
    if (isPeriodic(s)) s.out = true;
    if (s.mode === MODES.oneShot) s.out = false;
    s.isArmed = true;
    return;
  }
  if (!isCounting(s)) return;
  if (s.mode === MODES.rateGenerator) clockRateGenerator(s);
  else if (s.mode === MODES.squareWave) clockSquareWave(s);
  else {
    countDown(s, 1);
    if (s.count === 0 && s.isArmed) {
      s.isArmed = false;
      s.out = !isStrobe(s);
    }
  }
}

/** OUT is low while the count is 1. */
function clockRateGenerator(s: CounterState): void {
  if (s.count <= 1) {
    load(s);
    s.out = true;
  } else {
    s.count--;
    if (s.count === 1) s.out = false;
  }
}

/** The count goes down by two; an odd one, loaded less 1, shows 0 for a pulse while OUT is high. */
function clockSquareWave(s: CounterState): void {
  const last = s.isOdd && s.out ? 0 : 2;
  if (s.count === last) {
    load(s);
    s.out = !s.out;
  } else {
    s.count -= 2;
  }
}

/**
 * Pulses before the next on which something besides the count changes; Infinity when none does. Counts that nobody
 * waits for wrap around and change nothing.
 */
function quietPulses(s: CounterState): number {
  if (s.isLoading || (isStrobe(s) && !s.out)) return 0;
  if (!isCounting(s)) return Number.POSITIVE_INFINITY;
  if (s.mode === MODES.rateGenerator) return Math.max(0, s.count - 2);
  if (s.mode === MODES.squareWave) return Math.max(0, s.count / 2 - (s.isOdd && s.out ? 0 : 1));
  return s.isArmed ? s.count - 1 : Number.POSITIVE_INFINITY;
}

/** Whether a pulse changes CE. Triggered counters count on from the first trigger, whatever the gate. */
function isCounting(s: CounterState): boolean {
  if (!s.isProgrammed || s.isHalted) return false;
  return isTriggered(s) || s.gate;
}

function load(s: CounterState): void {
  s.isOdd = s.mode === MODES.squareWave && s.initial % 2 === 1;
  s.count = s.isOdd ? s.initial - 1 : s.initial;
  s.nullCount = false;
  s.isLoading = false;
}

function countDown(s: CounterState, pulses: number): void {
  const modulus = modulusOf(s);
  const step = s.mode === MODES.squareWave ? 2 : 1;
  s.count = (((s.count - pulses * step) % modulus) + modulus) % modulus;
}

const modulusOf = (s: CounterState): number => (s.bcd ? BCD_MODULUS : BINARY_MODULUS);
const isPeriodic = (s: CounterState): boolean =>
  s.mode === MODES.rateGenerator || s.mode === MODES.squareWave;
const isTriggered = (s: CounterState): boolean => s.mode === MODES.oneShot || s.mode === MODES.hardwareStrobe;
const isStrobe = (s: CounterState): boolean =>
  s.mode === MODES.softwareStrobe || s.mode === MODES.hardwareStrobe;

/** Digits above 9, which are illegal, carry. */
function fromBcd(value: number): number {
  const decimal = (value >> 12) * 1000 + ((value >> 8) & 15) * 100 + ((value >> 4) & 15) * 10 + (value & 15);
  return decimal % BCD_MODULUS;
}

function toBcd(value: number): number {
  return (
    (Math.floor(value / 1000) << 12) |
    (Math.floor((value / 100) % 10) << 8) |
    (Math.floor((value / 10) % 10) << 4) |
    (value % 10)
  );
}
