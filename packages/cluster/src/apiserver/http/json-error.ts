/** Says what is wrong with a JSON text in the words of Go's encoding/json, which is what users of Kubernetes know. */

const endOfInput = "unexpected end of JSON input";

/** `text` is known not to parse. Only called on the way to a refusal, so it may be slow: it looks for the first bad character. */
export function jsonSyntaxError(text: string): string {
  const position = failingPosition(text);
  if (position === undefined || position >= text.length) return endOfInput;
  return `invalid character ${quote(text[position] ?? "")} ${expectation(text.slice(0, position).trimEnd())}`;
}

/** V8 names the position in most of its messages. */
function failingPosition(text: string): number | undefined {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = (error as Error).message;
    const position = /position (\d+)/.exec(message)?.[1];
    if (position !== undefined) return Number(position);
    if (message.includes("end of JSON input")) return undefined;
    return text.length - text.trimStart().length;
  }
  return undefined;
}

function expectation(before: string): string {
  const last = before.at(-1);
  if (last === undefined || last === ":" || last === "[") return "looking for beginning of value";
  if (last === "{" || last === ",") return "looking for beginning of object key string";
  return isAfterKey(before) ? "after object key" : "after object key:value pair";
}

/** Whether `before` ends in a string that a colon must follow: the key of an object. */
const isAfterKey = (before: string): boolean => /[{,]\s*"(?:[^"\\]|\\.)*"$/.test(before);

const quote = (character: string): string =>
  character === "'" ? `'\\''` : character === '"' ? `'"'` : `'${character}'`;
