import { envName, flagName } from "./names.ts";
import type { ConfigSpec, Setting } from "./types.ts";

/** The settings as lines of help: flag, type, environment variable, meaning, default. */
export function describeConfig(spec: ConfigSpec): string {
  const rows = Object.entries(spec).map(([key, setting]) => row(key, setting));
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map(([a = "", b = "", c]) => `  ${a.padEnd(widths[0] ?? 0)}  ${b.padEnd(widths[1] ?? 0)}  ${c}`)
    .join("\n");
}

function row(key: string, setting: Setting<unknown>): [string, string, string] {
  const env = setting.env ?? envName(key);
  const flag = setting.secret ? "" : setting.type === "boolean" ? flagName(key) : `${flagName(key)} <${setting.type}>`;
  const note = setting.required ? " (required)" : setting.default === undefined ? "" : ` (default ${setting.default})`;
  return [flag, setting.secret ? `${env} or ${env}_FILE` : env, setting.help + note];
}
