/**
 * Builds a WebAssembly module that works on a machine's linear memory: functions, i32 globals, one imported memory, and
 * where wanted imported functions and a table that modules share (WebAssembly Core Specification 2.0, 5.5).
 * Synchronous, so that a machine is ready when it is made.
 */
import {
  CLOSE,
  type Code,
  type FunctionReference,
  type FunctionType,
  type Global,
  type LabelMark,
  type Local,
  OPEN,
  signed,
  UNLIKELY,
  unsigned,
  type ValueType,
} from "./code.js";

const TYPE_BYTES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A function's parameters, and its result if it has one. */
export interface Signature {
  readonly parameters: readonly ValueType[];
  /** Several are given back together (the multi-value extension of WebAssembly 2.0). */
  readonly result?: ValueType | readonly ValueType[] | undefined;
}

interface FunctionBody {
  readonly bytes: Uint8Array;
  /** Places of branches that are hardly ever taken, counted from the declaration of its locals. */
  readonly unlikely: readonly number[];
}

/** A function being written: its parameters come first among its locals. */
export class FunctionBuilder {
  private readonly extra: ValueType[] = [];

  constructor(private readonly parameters: readonly ValueType[]) {}

  parameter(index: number): Local {
    return { index, type: this.parameters[index]! };
  }

  local(type: ValueType = "i32"): Local {
    this.extra.push(type);
    return { index: this.parameters.length + this.extra.length - 1, type };
  }

  /** The function's entry in the code section. */
  encode(body: Code): FunctionBody {
    const locals = this.localRuns();
    const head = [...unsigned(locals.length), ...locals.flat()];
    const { code, unlikely } = flatten(body);
    const size = unsigned(head.length + code.length + 1);
    const bytes = new Uint8Array(size.length + head.length + code.length + 1);
    bytes.set(size, 0);
    bytes.set(head, size.length);
    bytes.set(code, size.length + head.length);
    bytes[bytes.length - 1] = END;
    return { bytes, unlikely: unlikely.map((at) => head.length + at) };
  }

  /** Locals as the format has them: how many of a type follow one another. */
  private localRuns(): number[][] {
    const runs: number[][] = [];
    let count = 0;
    this.extra.forEach((type, index) => {
      count++;
      if (this.extra[index + 1] === type) return;
      runs.push([...unsigned(count), TYPE_BYTES[type]]);
      count = 0;
    });
    return runs;
  }
}

const END = 0x0b;
const CUSTOM_SECTION = 0;
const HINTS_SECTION = "metadata.code.branch_hint";
const HINT_UNLIKELY = 0;

interface Definition extends FunctionBody {
  readonly type: number;
  readonly exportName: string | undefined;
}

interface FunctionImport {
  readonly type: number;
  readonly name: string;
}

/** What a module gets when it is instantiated. */
export interface ModuleImports {
  readonly memory: WebAssembly.Memory;
  /** Functions by the names under which they were imported. */
  readonly functions?: Readonly<Record<string, unknown>>;
  readonly table?: WebAssembly.Table;
}

export type ModuleExports = Readonly<Record<string, (...operands: number[]) => number>>;

export class ModuleBuilder {
  private readonly functions: Definition[] = [];
  private readonly imports: FunctionImport[] = [];
  private readonly types: number[][] = [];
  private readonly typeNumbers = new Map<string, number>();
  private globals = 0;
  private usesTable = false;

  /** A mutable i32, zero at first. */
  global(): Global {
    return { index: this.globals++ };
  }

  /** The type with a signature; equal signatures give the same one. */
  type({ parameters, result }: Signature): FunctionType {
    const results = result === undefined ? [] : typeof result === "string" ? [result] : result;
    const key = `${parameters.join()}:${results.join()}`;
    let index = this.typeNumbers.get(key);
    if (index === undefined) {
      index = this.types.length;
      this.types.push([
        0x60,
        ...vector(parameters.map((type) => [TYPE_BYTES[type]])),
        ...vector(results.map((type) => [TYPE_BYTES[type]])),
      ]);
      this.typeNumbers.set(key, index);
    }
    return { index };
  }

  /** A function that comes from outside, `machine.<name>`; all of them before the first is defined. */
  importFunction(name: string, signature: Signature): FunctionReference {
    if (this.functions.length > 0) throw new Error(`${name} is imported after a function was defined`);
    this.imports.push({ type: this.type(signature).index, name });
    return { index: this.imports.length - 1 };
  }

  /** The module calls through the table `machine.table`. */
  importTable(): void {
    this.usesTable = true;
  }

  /** The number that the next defined function will have; for functions that call one another. */
  get nextFunction(): FunctionReference {
    return { index: this.imports.length + this.functions.length };
  }

  /**
   * Defines a function whose parameters are i32 unless listed. `body` writes it and leaves the result, if there is one.
   * @param result its type; true for i32.
   * @param exportName the name under which it is known outside.
   */
  define(
    parameters: readonly ValueType[],
    result: boolean | ValueType | readonly ValueType[],
    body: (builder: FunctionBuilder, ...parameters: Local[]) => Code,
    exportName?: string,
  ): FunctionReference {
    const builder = new FunctionBuilder(parameters);
    const code = body(builder, ...parameters.map((_, index) => builder.parameter(index)));
    const resultType = result === true ? "i32" : result === false ? undefined : result;
    const type = this.type({ parameters, result: resultType }).index;
    const reference = this.nextFunction;
    this.functions.push({ type, exportName, ...builder.encode(code) });
    return reference;
  }

  /** The module's bytes; memory is imported as `machine.memory` of at least `pages` (and so many at most). */
  encode(pages: number): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: readonly number[]): readonly (readonly number[])[] => [
      [id, ...unsigned(content.length)],
      content,
    ];
    const functionCount = unsigned(this.functions.length);
    const codeBytes = this.functions.reduce((sum, { bytes }) => sum + bytes.length, functionCount.length);
    const name = (text: string): number[] => [...unsigned(text.length), ...new TextEncoder().encode(text)];
    const imported = (field: string, description: readonly number[]): number[] => [
      ...name("machine"),
      ...name(field),
      ...description,
    ];
    const exported = this.functions.flatMap(({ exportName }, index) =>
      exportName === undefined ? [] : [[...name(exportName), 0x00, ...unsigned(this.imports.length + index)]],
    );
    const parts = [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, vector(this.types)),
      ...section(
        2,
        vector([
          ...this.imports.map(({ name: field, type }) => imported(field, [0x00, ...unsigned(type)])),
          imported("memory", [0x02, 0x01, ...unsigned(pages), ...unsigned(pages)]),
          ...(this.usesTable ? [imported("table", [0x01, 0x70, 0x00, 0x00])] : []),
        ]),
      ),
      ...section(3, vector(this.functions.map(({ type }) => unsigned(type)))),
      ...section(
        6,
        vector(Array.from({ length: this.globals }, () => [TYPE_BYTES.i32, 1, 0x41, ...signed(0), 0x0b])),
      ),
      ...section(7, vector(exported)),
      ...this.branchHints(name(HINTS_SECTION)),
      [10, ...unsigned(codeBytes), ...functionCount],
      ...this.functions.map(({ bytes }) => bytes),
    ];
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** The custom section of the branch hinting proposal; engines that do not know it pass over it. */
  private branchHints(name: readonly number[]): readonly (readonly number[])[] {
    const hints = this.functions.flatMap(({ unlikely }, index) => {
      if (unlikely.length === 0) return [];
      const branches = unlikely.map((at) => [...unsigned(at), 1, HINT_UNLIKELY]);
      return [[...unsigned(this.imports.length + index), ...vector(branches)]];
    });
    if (hints.length === 0) return [];
    const content = [...name, ...vector(hints)];
    return [[CUSTOM_SECTION, ...unsigned(content.length)], content];
  }

  /** Compiles and instantiates on a memory. */
  instantiate(imports: ModuleImports): ModuleExports {
    const { memory, functions, table } = imports;
    const pages = memory.buffer.byteLength / 65_536;
    const module = new WebAssembly.Module(this.encode(pages));
    const machine = { ...functions, memory, ...(table === undefined ? {} : { table }) };
    const instance = new WebAssembly.Instance(module, { machine } as WebAssembly.Imports);
    return instance.exports as ModuleExports;
  }
}

function vector(items: readonly (readonly number[])[]): number[] {
  const bytes = [...unsigned(items.length)];
  for (const item of items) for (const byte of item) bytes.push(byte);
  return bytes;
}

/** Cheaper than to ask what fields it has: arrays are all alike to the engine. */
const isCode: (part: LabelMark | Code) => part is Code = Array.isArray;

/** What `flatten` writes to; grows as it must. */
let scratch = new Uint8Array(1 << 16);

/** The bytes of code, its labels resolved to relative depths, valid until the next call; and where unlikely branches are. */
function flatten(code: Code): { readonly code: Uint8Array; readonly unlikely: readonly number[] } {
  const unlikely: number[] = [];
  let depth = 0;
  let at = 0;
  const visit = (items: Code): void => {
    // Room for whatever numbers are among the items: a label's depth is below 2^14.
    if (at + 2 * items.length > scratch.length) scratch = grown(scratch, at + 2 * items.length);
    for (let i = 0; i < items.length; i++) {
      const part = items[i]!;
      if (typeof part === "number") {
        if (part < OPEN) scratch[at++] = part;
        else if (part === UNLIKELY) unlikely.push(at);
        else depth += part === CLOSE ? -1 : 1;
      } else if (isCode(part)) {
        visit(part);
        const rest = 2 * (items.length - i);
        if (at + rest > scratch.length) scratch = grown(scratch, at + rest);
      } else if (part.isTarget) {
        for (const byte of unsigned(depth - part.label.depth)) scratch[at++] = byte;
      } else part.label.depth = depth;
    }
  };
  visit(code);
  return { code: scratch.subarray(0, at), unlikely };
}

function grown(bytes: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}
