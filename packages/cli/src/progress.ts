/** Named steps: a live list on a terminal, plain lines elsewhere. */
import { Listr } from "listr2";

export interface Step {
  readonly title: string;
  /** `report` shows what the step is doing now. */
  readonly run: (report: (detail: string) => void) => Promise<void>;
}

/** Runs the steps in order and rejects with the first error. All of it goes to stderr. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  if (process.stderr.isTTY) await runLive(steps);
  else await runPlain(steps);
}

async function runLive(steps: readonly Step[]): Promise<void> {
  const tasks = steps.map(({ title, run }) => ({
    title,
    task: (_: unknown, task: { output: string }) =>
      run((detail) => {
        task.output = detail;
      }),
  }));
  // The error is printed once, by the command itself.
  await new Listr(tasks, {
    rendererOptions: { collapseErrors: false, showErrorMessage: false, suffixSkips: true },
    fallbackRendererCondition: () => false,
    forceTTY: true,
  }).run();
}

async function runPlain(steps: readonly Step[]): Promise<void> {
  for (const { title, run } of steps) {
    process.stderr.write(`${title}\n`);
    await run((detail) => void process.stderr.write(`  ${detail}\n`));
  }
}
