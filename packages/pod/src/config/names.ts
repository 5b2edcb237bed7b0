const words = (key: string): string[] => key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").split(" ");

/** `dataDir` -> `--data-dir` */
export const flagName = (key: string): string => `--${words(key).join("-").toLowerCase()}`;

/** `dataDir` -> `DATA_DIR` */
export const envName = (key: string): string => words(key).join("_").toUpperCase();
