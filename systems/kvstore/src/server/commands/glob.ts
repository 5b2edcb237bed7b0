/** Redis' patterns: `*`, `?`, `[a-z]`, `[^a]`, and `\` before what is meant literally. Linear in pattern times text, whatever the pattern. */

type Step = { readonly any: true } | { readonly matches: (character: string) => boolean };

export interface Glob {
  /** What every match starts with. */
  readonly prefix: string;
  matches(text: string): boolean;
}

/** Pattern and texts are bytes in Latin-1. */
export function compileGlob(pattern: string): Glob {
  const steps = stepsOf(pattern);
  const prefix = /^[^*?[\\]*/.exec(pattern)?.[0] ?? "";
  return { prefix, matches: (text) => matchSteps(steps, text) };
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    if (character === "*") steps.push({ any: true });
    else if (character === "?") steps.push({ matches: () => true });
    else if (character === "[") {
      const end = classEnd(pattern, at + 1);
      steps.push({ matches: classOf(pattern.slice(at + 1, end)) });
      at = end;
    } else {
      const literal = character === "\\" && at + 1 < pattern.length ? (pattern[++at] as string) : character;
      steps.push({ matches: (other) => other === literal });
    }
  }
  return steps;
}

/** The closing bracket, or the end of the pattern. */
function classEnd(pattern: string, start: number): number {
  for (let at = start; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++;
    else if (pattern[at] === "]") return at;
  }
  return pattern.length;
}

function classOf(body: string): (character: string) => boolean {
  const isNegated = body.startsWith("^");
  const ranges: [string, string][] = [];
  for (let at = isNegated ? 1 : 0; at < body.length; at++) {
    if (body[at] === "\\" && at + 1 < body.length) at++;
    const first = body[at] as string;
    if (body[at + 1] === "-" && at + 2 < body.length) {
      const last = body[at + 2] as string;
      ranges.push(first <= last ? [first, last] : [last, first]);
      at += 2;
    } else ranges.push([first, first]);
  }
  return (character) => ranges.some(([low, high]) => character >= low && character <= high) !== isNegated;
}

/** On a mismatch only the last star takes one more character, which is enough. */
function matchSteps(steps: readonly Step[], text: string): boolean {
  let step = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const current = steps[step];
    if (current && "any" in current) {
      star = step++;
      starAt = at;
    } else if (current?.matches(text[at] as string)) {
      step++;
      at++;
    } else if (star >= 0) {
      step = star + 1;
      at = ++starAt;
    } else return false;
  }
  return steps.slice(step).every((rest) => "any" in rest);
}
