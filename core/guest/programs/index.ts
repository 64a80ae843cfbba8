/** The program workloads: what there is, what it is run with, and what comes out. */
export { CASES, caseValues, type ExpectedResult, expectedResult, type ProgramCase } from "./cases.js";
export { findProgram, MACHINE_PARAMETERS, PROGRAMS } from "./definitions.js";
export {
  commandLine,
  defaultsOf,
  imageFile,
  type ProgramDefinition,
  type ProgramValues,
  WIDTHS,
  type Width,
} from "./program.js";
