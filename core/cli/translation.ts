/**
 * `virtlab translation`: pieces of a guest's kernel beside what a binary translator makes of them, from the image as it is
 * loaded: nothing is executed, and kernels lie where their addresses say.
 */
import type { BootPlan } from "../guest/images/boot-plan.js";
import { type ImageFileOptions, openImageFile } from "../lab/image-file.js";
import { WIDTH_32, WIDTH_64 } from "../monitor/binary-translation/code-width.js";
import { type ListedInstruction, listUnit } from "../monitor/binary-translation/listing.js";
import { translateUnit } from "../monitor/binary-translation/translate.js";
import { Sequences } from "../monitor/binary-translation/unit-code.js";
import { WINDOW_BASE } from "../monitor/deprivileged/window.js";
import { PROGRAM_PREFIX } from "../scenario/code/programs.js";
import { UserError } from "../util/errors.js";
import { EXIT_CODE, type ExitCode } from "./exit-codes.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

export interface TranslationOptions extends ImageFileOptions {
  /** A symbol or an address; undefined: where the guest starts. */
  readonly at: string | undefined;
  /** Pieces, each where the one before ends. */
  readonly count: number | undefined;
  readonly json: boolean;
}

const DEFAULT_COUNT = 1;
const LONGEST_INSTRUCTION = 15;

export function translation(options: TranslationOptions, terminal: Terminal): ExitCode {
  const isProgram = options.image.startsWith(PROGRAM_PREFIX);
  const { plan } = openImageFile({ ...options, bits: isProgram ? 32 : undefined });
  let guest = placeOf(plan, options.at);
  let address = WINDOW_BASE;
  const sequences = new Sequences(plan.start.mode === "long" ? WIDTH_64 : WIDTH_32);
  const units: (readonly ListedInstruction[])[] = [];
  for (let done = 0; done < (options.count ?? DEFAULT_COUNT); done++) {
    const unit = translateUnit(guest, {
      address,
      sequences,
      fetch: (at) => bytesAt(plan, at),
      find: () => undefined,
      isStore: () => false,
      returnsInCache: false,
    });
    units.push(listUnit(unit));
    guest += Math.max(1, unit.source.length);
    address += unit.bytes.length;
  }
  if (options.json) terminal.print(JSON.stringify(units, undefined, 2));
  else
    units.forEach((unit, index) => {
      if (index > 0) terminal.print("");
      for (const line of unitLines(plan, unit)) terminal.print(line);
    });
  return EXIT_CODE.ok;
}

function placeOf({ start, symbols }: BootPlan, at: string | undefined): number {
  if (at === undefined) return start.rip;
  const address = /^(0x[0-9a-f]+|\d+)$/i.test(at) ? Number(at) : symbols.addressOf(at);
  if (address === undefined)
    throw new UserError(`the image has no symbol ${at}`, {
      mend: "write an address, or a symbol of its ELF file",
    });
  return address;
}

function bytesAt({ writes }: BootPlan, address: number): Uint8Array {
  const write = writes.find(
    ({ physical, bytes }) => address >= physical && address < physical + bytes.length,
  );
  if (write === undefined) return new Uint8Array(0);
  const offset = address - write.physical;
  return write.bytes.subarray(offset, offset + LONGEST_INSTRUCTION);
}

const hex = (value: number): string => value.toString(16).padStart(8, "0");

function unitLines({ symbols }: BootPlan, unit: readonly ListedInstruction[]): string[] {
  const first = unit[0];
  const symbol = first === undefined ? undefined : symbols.find(first.guest);
  const title = symbol === undefined ? [] : [`${symbol.name}+0x${symbol.offset.toString(16)}:`];
  const rows = unit.flatMap(({ guest, text, how, translation: code }) =>
    code.map((each, index) => [
      index === 0 ? hex(guest) : "",
      index === 0 ? text : "",
      how === "identical" ? "=" : index === 0 ? "→" : "",
      hex(each.address),
      each.text,
      each.calls ?? "",
    ]),
  );
  const columns = ["guest", "instruction", "", "cache", "translation", "calls the monitor"];
  return [
    ...title,
    ...textTable(
      columns.map((name) => ({ title: name })),
      rows,
    ),
  ];
}
