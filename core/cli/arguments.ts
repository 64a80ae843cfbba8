/** Values of options as people write them, checked: what yargs hands over is text, or a list where it was repeated. */
import { parseBytes } from "../util/units.js";
import * as messages from "./messages.js";

/** What yargs gives for an option: absent, a flag, a value, or several. */
export type Written = unknown;

/** The text of an option that may be given once. @throws UserError */
export function textOf(option: string, written: Written): string | undefined {
  if (written === undefined) return undefined;
  if (Array.isArray(written)) throw messages.optionGivenTwice(option);
  const text = String(written);
  if (text === "") throw messages.optionNeedsValue(option);
  return text;
}

/** All values of an option that may be repeated. @throws UserError */
export function textsOf(option: string, written: Written): string[] {
  if (written === undefined) return [];
  const values = (Array.isArray(written) ? written : [written]).map(String);
  if (values.includes("")) throw messages.optionNeedsValue(option);
  return values;
}

/** A whole number from `minimum` to `maximum`, such as 100000 or 1e5. @throws UserError */
export function wholeNumberOf(
  option: string,
  written: Written,
  minimum: number,
  maximum: number,
): number | undefined {
  const text = textOf(option, written);
  if (text === undefined) return undefined;
  const value = /^[0-9]+(e[0-9]+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) throw messages.notAWholeNumber(option, text, minimum, maximum);
  return value;
}

/** A number above 0. @throws UserError */
export function numberOf(option: string, written: Written): number | undefined {
  const text = textOf(option, written);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw messages.notANumber(option, text);
  return value;
}

/** A size or an address: 64MiB, 65536, 0x7c00. @throws UserError */
export function sizeOf(
  option: string,
  written: Written,
  minimum: number,
  maximum: number,
): number | undefined {
  const text = textOf(option, written);
  if (text === undefined) return undefined;
  let bytes = Number.NaN;
  try {
    bytes = /^0x[0-9a-f]+$/i.test(text) ? Number(text) : parseBytes(text);
  } catch {
    // told below, with the limits
  }
  if (!(bytes >= minimum && bytes <= maximum)) throw messages.notASize(option, text, minimum, maximum);
  return bytes;
}

/** A part of n: `2/3`. @throws UserError */
export function shardOf(written: Written): { index: number; of: number } | undefined {
  const text = textOf("shard", written);
  if (text === undefined) return undefined;
  const [index, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text)?.slice(1) ?? []).map(Number);
  if (index === undefined || of === undefined || index < 1 || index > of) throw messages.notAShard(text);
  return { index, of };
}

/** What a command is to do: `baseline update`, `history add`. @throws UserError for another word */
export function actionOf<T extends string>(
  command: string,
  written: Written,
  actions: readonly T[],
): T | undefined {
  const action = actions.find((word) => word === written);
  if (written !== undefined && action === undefined)
    throw messages.notAnAction(command, String(written), actions);
  return action;
}

/** One of a set of words. @throws UserError naming the nearest */
export function choiceOf<T extends string>(
  option: string,
  written: Written,
  choices: readonly T[],
): T | undefined {
  const text = textOf(option, written);
  if (text === undefined) return undefined;
  const choice = choices.find((word) => word === text);
  if (choice === undefined) throw messages.notAChoice(option, text, choices);
  return choice;
}

/** A flag: present or not. A repeated flag is still one. */
export function flagOf(written: Written): boolean {
  return Array.isArray(written) ? written.some(Boolean) : Boolean(written);
}
