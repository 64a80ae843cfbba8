/** Runs committed vectors on the present processor, and says which come out otherwise, and by what. */
import { outcomeOf } from "./file.mjs";
import { NOTHING, readCases } from "./shared.mjs";

const FLAGS = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, OF: 0x800 };

/** Differences printed in full for each title. */
const SHOWN = 2;

/** "ax=1 fl=46" as a map. */
const assignments = (outcome) =>
  new Map(
    outcome
      .split(" ")
      .filter((one) => one !== NOTHING)
      .map((one) => (one.startsWith("!") ? ["fault", one] : one.split("="))),
  );

/** Names of what differs between two outcomes; flags by name, given those at the start. */
function differing(recorded, present, initialFlags) {
  const [before, now] = [assignments(recorded), assignments(present)];
  const names = [...new Set([...before.keys(), ...now.keys()])].filter(
    (name) => before.get(name) !== now.get(name),
  );
  return names.flatMap((name) => {
    if (name !== "fl") return [name];
    const value = (map) => (map.has("fl") ? Number.parseInt(map.get("fl"), 16) : initialFlags);
    const changed = value(before) ^ value(now);
    return Object.keys(FLAGS).filter((flag) => changed & FLAGS[flag]);
  });
}

/** Prints differences, by title. Returns whether there are none. */
export function checkFiles(recorder, files) {
  let total = 0;
  let different = 0;
  for (const { name, text } of files) {
    const cases = [...readCases(text)];
    const found = new Map();
    recorder.run(cases, (one, initial, final, fault) => {
      total++;
      const initialFlags = initial.flags;
      const present = outcomeOf(one, initial, final, fault);
      const ignored = one.code.ignored.length > 0;
      if (present === one.outcome || (ignored && withoutMemory(present) === withoutMemory(one.outcome)))
        return;
      different++;
      const what = differing(one.outcome, present, initialFlags).join(" ");
      const key = `${one.code.title}: ${what}`;
      found.set(key, [...(found.get(key) ?? []), `  line ${one.line}: ${one.outcome} | now ${present}`]);
    });
    for (const [key, lines] of found)
      console.log([`${name}, ${lines.length} of ${key}`, ...lines.slice(0, SHOWN)].join("\n"));
  }
  console.log(`${total} vectors, ${different} come out otherwise on this processor`);
  return different === 0;
}

/** Outcomes with bytes that depend on the machine: registers and faults alone are compared. */
const withoutMemory = (outcome) =>
  outcome
    .split(" ")
    .filter((one) => !/^[cds][0-9a-f]+=/.test(one))
    .join(" ");
