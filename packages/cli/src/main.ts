import { createProgram } from "./program.ts";

/** Errors that a user can act on print their message alone; anything else is a defect and prints where it came from. */
try {
  await createProgram().parseAsync();
} catch (error) {
  const { name, message, stack, exitCode } = error as Error & { exitCode?: number };
  const isExpected = /^(Cli|Kube|Drill)Error$/.test(name);
  process.stderr.write(`${isExpected ? message : stack}\n`);
  process.exitCode = exitCode ?? 1;
}
