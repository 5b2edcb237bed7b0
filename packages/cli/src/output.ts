/** Where results go: text for people, JSON where `--json` asks for it. Progress goes to stderr, so that stdout stays a result. */
export interface Output {
  readonly json: boolean;
  /** Prints the result: `value` as JSON, or the text of it. */
  result(value: unknown, text: () => string): void;
}

export const createOutput = (json: boolean): Output => ({
  json,
  result: (value, text) => void process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : text()}\n`),
});
