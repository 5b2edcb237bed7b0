/** `options` without the entries that are explicitly undefined, so that they don't hide defaults. */
export const defined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
