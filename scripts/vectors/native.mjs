/** Runs cases on the present processor: compiles recorder.c, feeds it, and reads what came of each case. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LOCAL_SEGMENTS, MachineState, MEMORY_WINDOWS, REGISTER_BYTES, settle, setUp } from "./shared.mjs";

const SOURCE = fileURLToPath(new URL("recorder.c", import.meta.url));
/** No stack protector: its canary is found through FS, which belongs to the cases. */
const COMPILER = ["-O1", "-fno-stack-protector", "-fcf-protection=none", "-mno-red-zone", "-Wl,-z,now"];
const OUTPUT_LIMIT = 1 << 30;
const NO_END = 255;

/** Why vectors cannot be recorded here, or "" if they can. */
export function whyNot() {
  if (platform() !== "linux" || arch() !== "x64") return "recording needs Linux on x86-64";
  if (spawnSync("gcc", ["--version"]).status !== 0) return "recording needs gcc";
  return "";
}

/** A buffer that grows. */
class Writer {
  buffer = Buffer.alloc(1 << 20);
  length = 0;

  bytes(source) {
    while (this.length + source.length > this.buffer.length)
      this.buffer = Buffer.concat([this.buffer, Buffer.alloc(this.buffer.length)]);
    this.buffer.set(source, this.length);
    this.length += source.length;
  }

  words(...values) {
    this.bytes(new Uint8Array(Uint32Array.from(values).buffer));
  }

  align() {
    this.bytes(new Uint8Array(-this.length & 3));
  }
}

const KINDS = { data: 0, "expand-down": 1, code: 2 };

/** struct user_desc of modify_ldt(2), whose first form, which the recorder uses, leaves AVL 0. */
function writeSegment(writer, segment, index) {
  const READ_ONLY_OR_EXECUTE_ONLY = 1 << 3;
  const CONTENTS_SHIFT = 1;
  const PAGES = 1 << 4;
  const NOT_PRESENT = 1 << 5;
  const USABLE = 1 << 6;
  const bits =
    (segment.wide ? 1 : 0) |
    (KINDS[segment.kind] << CONTENTS_SHIFT) |
    (segment.restricted ? READ_ONLY_OR_EXECUTE_ONLY : 0) |
    (segment.pages ? PAGES : 0) |
    (segment.present ? 0 : NOT_PRESENT) |
    USABLE;
  writer.words(index, segment.base, segment.limit, bits);
}

/** Where two buffers differ, as [start, end] pairs. */
function* runs(from, to) {
  for (let start = 0; start < to.length; start++) {
    if (from[start] === to[start]) continue;
    let end = start;
    while (end < to.length && from[end] !== to[end]) end++;
    yield [start, end];
    start = end;
  }
}

function writeCase(writer, state, background) {
  const patches = MEMORY_WINDOWS.flatMap(({ name, address }) =>
    [...runs(background.memory[name], state.memory[name])].map(([start, end]) => ({
      address: address + start,
      bytes: state.memory[name].subarray(start, end),
    })),
  );
  writer.bytes(new Uint8Array(state.registers));
  writer.words(patches.length, 0);
  for (const { address, bytes } of patches) {
    writer.words(address, bytes.length);
    writer.bytes(bytes);
    writer.align();
  }
}

/** Reads the recorder's output. */
class Reader {
  at = 0;

  constructor(buffer) {
    this.buffer = buffer;
  }

  word() {
    this.at += 4;
    return this.buffer.readUInt32LE(this.at - 4);
  }

  long() {
    this.at += 8;
    return this.buffer.readBigUInt64LE(this.at - 8);
  }

  bytes(length) {
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  /** One case into `state`, which holds the state it began with; the exception that ended it. */
  case(state) {
    const fault = { vector: this.word(), errorCode: this.word(), address: this.long() };
    new Uint8Array(state.registers).set(this.bytes(REGISTER_BYTES));
    const count = this.word();
    this.word();
    for (let run = 0; run < count; run++) {
      const address = this.word();
      const bytes = this.bytes(this.word());
      this.at += -bytes.length & 3;
      const window = MEMORY_WINDOWS.find(
        (one) => address >= one.address && address < one.address + one.bytes,
      );
      state.memory[window.name].set(bytes, address - window.address);
    }
    return fault;
  }
}

export class Recorder {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), "vectors-"));
    this.program = path.join(this.folder, "recorder");
    const compiler = spawnSync("gcc", [...COMPILER, SOURCE, "-o", this.program], { encoding: "utf8" });
    if (compiler.status !== 0) throw new Error(`recorder.c does not compile:\n${compiler.stderr}`);
  }

  close() {
    rmSync(this.folder, { recursive: true });
  }

  /**
   * Runs cases of one mode. Calls `visit(case, initial, final, fault)` for each, with states that the next call reuses; `fault`
   * is undefined where the code went on past its end or to its target.
   */
  run(cases, visit) {
    const { mode } = cases[0].code;
    const writer = new Writer();
    writer.words(mode, LOCAL_SEGMENTS.length, MEMORY_WINDOWS.length, cases.length);
    for (const [index, segment] of LOCAL_SEGMENTS.entries()) writeSegment(writer, segment, index);
    const background = new MachineState();
    setUp(background, {
      code: { ...cases[0].code, bytes: new Uint8Array(), setup: "" },
      ordinal: 0,
      setup: "",
    });
    for (const { name, address, bytes } of MEMORY_WINDOWS) {
      writer.words(address, bytes);
      writer.bytes(background.memory[name]);
    }
    const initial = new MachineState();
    for (const one of cases) {
      setUp(initial, one);
      writeCase(writer, initial, background);
    }

    const program = spawnSync(this.program, [], {
      input: writer.buffer.subarray(0, writer.length),
      maxBuffer: OUTPUT_LIMIT,
    });
    if (program.status !== 0)
      throw new Error(`the recorder ended with ${program.status ?? program.signal}: ${program.stderr}`);

    const reader = new Reader(program.stdout);
    const final = new MachineState();
    for (const one of cases) {
      setUp(initial, one);
      final.copy(initial);
      const raw = reader.case(final);
      if (raw.vector === NO_END) throw new Error(`${one.code.title}: does not end`);
      const fault = settle(final, raw, initial, mode, one.code.bytes);
      visit(one, initial, final, fault);
    }
  }
}
