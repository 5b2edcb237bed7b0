/** One setting of a program. Built by `setting.*`. */
export interface Setting<T> {
  readonly type: string;
  readonly help: string;
  /** Environment variable; default: the key in SCREAMING_SNAKE case. */
  readonly env: string | undefined;
  readonly default: T | undefined;
  readonly required: boolean;
  /** Secret: taken from the environment or from the file that `<ENV>_FILE` names, never from flags or the config file, never printed. */
  readonly secret: boolean;
  /** The value that `text` stands for; throws ConfigError with what was expected. */
  readonly parse: (text: string) => T;
}

export type ConfigSpec = Readonly<Record<string, Setting<unknown>>>;

export type ConfigOf<S extends ConfigSpec> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

export interface ConfigSources {
  /** Without the program's name; default `process.argv.slice(2)`. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file with the keys of the spec; `--config PATH` and `CONFIG_FILE` name one too. */
  readonly file?: string;
}
