/** The simple JSONPath of printer columns: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. Pure. */

type Step = (value: unknown) => unknown[];

const maxCached = 512;
const compiled = new Map<string, readonly Step[]>();

/** Every value at `path`; none when there is nothing there or the path is not understood. */
export function readJsonPath(value: unknown, path: string): unknown[] {
  let values: unknown[] = [value];
  for (const step of stepsOf(path)) values = values.flatMap(step);
  return values.filter((each) => each !== undefined);
}

function stepsOf(path: string): readonly Step[] {
  const known = compiled.get(path);
  if (known !== undefined) return known;
  if (compiled.size >= maxCached) compiled.clear();
  const steps = compile(path);
  compiled.set(path, steps);
  return steps;
}

const token =
  /\.?\[\?\(@((?:\.[\w-]+)+)\s*==\s*["']([^"']*)["']\)\]|\.?\[["']([^"']+)["']\]|\.?\[(\d+)\]|\.?\[\*\]|\.((?:[\w-]|\\.)+)/y;

function compile(path: string): readonly Step[] {
  const steps: Step[] = [];
  const scanner = new RegExp(token); // filters compile their own path while this one is under way
  while (scanner.lastIndex < path.length) {
    const match = scanner.exec(path);
    if (match === null) return [() => []];
    const [, filterPath, wanted, quoted, index, name] = match;
    if (filterPath !== undefined) steps.push(filter(compile(filterPath), wanted ?? ""));
    else if (index !== undefined) steps.push((value) => (Array.isArray(value) ? [value[Number(index)]] : []));
    else if (quoted !== undefined || name !== undefined) steps.push(field(quoted ?? name?.replaceAll("\\", "") ?? ""));
    else steps.push((value) => (Array.isArray(value) ? value : []));
  }
  return steps;
}

const field =
  (name: string): Step =>
  (value) =>
    typeof value === "object" && value !== null && Object.hasOwn(value, name)
      ? [(value as Record<string, unknown>)[name]]
      : [];

const filter =
  (path: readonly Step[], wanted: string): Step =>
  (value) =>
    Array.isArray(value)
      ? value.filter((item) =>
          path
            .reduce<unknown[]>((found, step) => found.flatMap(step), [item])
            .some((found) => String(found) === wanted),
        )
      : [];
