/** Does nothing until it is told to end, as the sandbox container of Kubernetes. */
import type { OwnProgram } from "./types.ts";

export const pause: OwnProgram = {
  run: () =>
    new Promise((resolve) => {
      const hold = setInterval(() => undefined, 0x7fffffff);
      for (const signal of ["SIGTERM", "SIGINT"] as const)
        process.once(signal, () => {
          clearInterval(hold);
          resolve(0);
        });
    }),
};
