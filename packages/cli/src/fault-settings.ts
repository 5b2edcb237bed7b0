/** What `coracle fault add` is told: words that the table of faults gives their meaning. */
import { commonParameters, faultKinds, findFaultRow, type Parameters } from "@coracle/cluster/faults";
import { CliError } from "./errors.ts";

/** Rejects unknown kinds by naming the known ones. */
export function parametersOf(kind: string): Parameters {
  const row = findFaultRow(kind);
  if (row === undefined)
    throw new CliError(`There is no fault ${kind}. Kinds: ${faultKinds.join(", ")}.`, { exitCode: 2 });
  return { ...row.parameters, ...commonParameters };
}

/** `name=value` words as the kind's parameters. Throws CliError naming what the kind takes. */
export function readSettings(kind: string, words: readonly string[]): Record<string, unknown> {
  const parameters = parametersOf(kind);
  const pairs = words.map((word): [string, unknown] => {
    const mark = word.indexOf("=");
    const name = mark < 0 ? word : word.slice(0, mark);
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (mark < 0 || parameter === undefined)
      throw new CliError(
        `${word} is not a setting of ${kind}, which takes ${Object.keys(parameters).join(", ")}, each as name=value. See: coracle fault kinds ${kind}`,
        { exitCode: 2 },
      );
    const given = word.slice(mark + 1);
    const value = parameter.parse(given);
    if (!parameter.accepts(value))
      throw new CliError(`${name} takes ${parameter.takes}, not ${given}.`, { exitCode: 2 });
    return [name, value];
  });
  return Object.fromEntries(pairs);
}
