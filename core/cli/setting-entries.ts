/** The settings of scenarios by their dotted path (`host.levels`): what each takes, its default, and its column. */
import { type Axis, valuesOf } from "../scenario/axes.js";
import { languageOf } from "../scenario/schema.js";
import { useOfSetting, usersText } from "../scenario/setting-uses.js";
import { DEFAULT_SETTINGS } from "../scenario/settings.js";

/** One setting in words; `facts` as in an encyclopedia entry. */
export interface SettingEntry {
  readonly name: string;
  readonly description: string;
  readonly facts: readonly (readonly [string, string])[];
}

/** Every setting that is written within a section; prices and parameters of workloads are described elsewhere. */
export function settingEntries(): SettingEntry[] {
  const isSetting = ({ path }: Axis): boolean => /^(?!parameters\.|machine\.costs\.).*\./.test(path);
  return languageOf()
    .axes.all.filter(isSetting)
    .map((axis) => {
      const values = valuesOf(axis);
      const standard = defaultOf(axis.path);
      const users = usersText(useOfSetting(axis.path));
      return {
        name: axis.path,
        description: axis.schema.description ?? `The scenario's ${axis.path}.`,
        facts: [
          ...(values === undefined ? [] : ([["values", values]] as const)),
          ...(standard === undefined ? [] : ([["default", standard]] as const)),
          ...(users === undefined ? [] : ([["used by", users]] as const)),
          ["column", axis.column],
          ["set with", `--set ${axis.path}=…, or an axis of a matrix`],
        ],
      };
    });
}

function defaultOf(path: string): string | undefined {
  let value: unknown = DEFAULT_SETTINGS;
  for (const key of path.split(".")) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  return value === undefined ? undefined : String(value);
}
