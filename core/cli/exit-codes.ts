/** What the process says with its exit code (README, "Commands"). */
export const EXIT_CODE = {
  ok: 0,
  /** A cell failed or none could run, an expectation failed, modelled numbers differ, or a generated file is stale. */
  gateFailed: 1,
  userError: 2,
  noBaseline: 3,
  /** A bug in virtlab (EX_SOFTWARE of sysexits.h). */
  bug: 70,
  /** Stopped by Ctrl-C (128 + SIGINT) or by SIGTERM (128 + SIGTERM). */
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];
