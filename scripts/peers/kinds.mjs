/**
 * The kinds of program that peers are compared on. A kind is a case of the program workloads (core/guest/programs/cases.ts).
 *
 * `reload` touches all pages and loads CR3 so often before the region begins: the translator of QEMU doubles its software TLB
 * at most once a flush, from 256 entries, so a program that never flushes keeps missing it. The kinds of the mean give QEMU
 * that chance; the same without it is quoted beside them. Others do not care.
 */

/** Enough doublings for 64 MiB of 4 KiB pages. */
const RELOADS = 12;

const plain = (name) => ({ name, case: name, reload: 0, isInMean: true });
const warmed = (name) => ({ name, case: name, reload: RELOADS, isInMean: true });
const withoutReload = (name) => ({ name: `${name}, no reload`, case: name, reload: 0, isInMean: false });

export const KINDS = [
  plain("arithmetic"),
  plain("compute"),
  plain("large-code"),
  warmed("random-16-dead"),
  warmed("random-16-live"),
  warmed("random-64-dead"),
  warmed("random-64-live"),
  withoutReload("random-64-dead"),
  withoutReload("random-64-live"),
  warmed("chase"),
  plain("address-spaces"),
  plain("invlpg"),
  plain("page-fault"),
  plain("int80"),
];
