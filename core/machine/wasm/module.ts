/**
 * Builds a WebAssembly module that works on a machine's linear memory: functions, i32 globals, one imported memory
 * (WebAssembly Core Specification 2.0, 5.5). Synchronous, so that a machine is ready when it is made.
 */
import {
  type Code,
  type FunctionReference,
  type Global,
  type Local,
  signed,
  unsigned,
  type ValueType,
} from "./code.js";

const TYPE_BYTES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };

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
  encode(body: Code): number[] {
    const locals = this.extra.flatMap((type) => [1, TYPE_BYTES[type]]);
    const content = [...unsigned(this.extra.length), ...locals, ...flatten(body), 0x0b];
    return [...unsigned(content.length), ...content];
  }
}

interface Definition {
  readonly parameters: readonly ValueType[];
  readonly hasResult: boolean;
  readonly exportName: string | undefined;
  readonly bytes: number[];
}

export class ModuleBuilder {
  private readonly functions: Definition[] = [];
  private globals = 0;

  /** A mutable i32, zero at first. */
  global(): Global {
    return { index: this.globals++ };
  }

  /**
   * Defines a function whose parameters are i32 unless listed. `body` writes it and leaves the result, if there is one.
   * @param exportName the name under which JavaScript calls it.
   */
  define(
    parameters: readonly ValueType[],
    hasResult: boolean,
    body: (builder: FunctionBuilder, ...parameters: Local[]) => Code,
    exportName?: string,
  ): FunctionReference {
    const builder = new FunctionBuilder(parameters);
    const code = body(builder, ...parameters.map((_, index) => builder.parameter(index)));
    this.functions.push({ parameters, hasResult, exportName, bytes: builder.encode(code) });
    return { index: this.functions.length - 1 };
  }

  /** The module's bytes; memory is imported as `machine.memory` of at least `pages` (and so many at most). */
  encode(pages: number): Uint8Array<ArrayBuffer> {
    const vector = (items: readonly (readonly number[])[]): number[] => [
      ...unsigned(items.length),
      ...items.flat(),
    ];
    const section = (id: number, content: readonly number[]): number[] => [
      id,
      ...unsigned(content.length),
      ...content,
    ];
    const name = (text: string): number[] => [...unsigned(text.length), ...new TextEncoder().encode(text)];
    const types = this.functions.map(({ parameters, hasResult }) => [
      0x60,
      ...vector(parameters.map((type) => [TYPE_BYTES[type]])),
      ...(hasResult ? [1, TYPE_BYTES.i32] : [0]),
    ]);
    const exported = this.functions.flatMap(({ exportName }, index) =>
      exportName === undefined ? [] : [[...name(exportName), 0x00, ...unsigned(index)]],
    );
    return new Uint8Array([
      0x00,
      0x61,
      0x73,
      0x6d,
      1,
      0,
      0,
      0,
      ...section(1, vector(types)),
      ...section(
        2,
        vector([[...name("machine"), ...name("memory"), 0x02, 0x01, ...unsigned(pages), ...unsigned(pages)]]),
      ),
      ...section(3, vector(this.functions.map((_, index) => unsigned(index)))),
      ...section(
        6,
        vector(Array.from({ length: this.globals }, () => [TYPE_BYTES.i32, 1, 0x41, ...signed(0), 0x0b])),
      ),
      ...section(7, vector(exported)),
      ...section(10, vector(this.functions.map(({ bytes }) => bytes))),
    ]);
  }

  /** Compiles and instantiates on a memory. */
  instantiate(memory: WebAssembly.Memory): Readonly<Record<string, (...operands: number[]) => number>> {
    const pages = memory.buffer.byteLength / 65_536;
    const module = new WebAssembly.Module(this.encode(pages));
    const instance = new WebAssembly.Instance(module, { machine: { memory } });
    return instance.exports as Readonly<Record<string, (...operands: number[]) => number>>;
  }
}

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  const visit = (part: number | Code): void => {
    if (typeof part === "number") bytes.push(part);
    else for (const inner of part) visit(inner);
  };
  visit(code);
  return bytes;
}
