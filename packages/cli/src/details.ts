/** What a system tells of each of its pods in the summary: the JSON that a command prints in the pod, some fields of it as columns. */
import { isPodReady } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { OfficialConfig } from "./connect.ts";
import { execInPod } from "./pod-streams.ts";

export interface DetailsRule {
  /** Pods without this container are not asked. */
  readonly container: string;
  readonly command: readonly string[];
  /** Field by the column's head, in order. */
  readonly columns: Readonly<Record<string, string>>;
}

export type Details = Readonly<Record<string, unknown>>;

/** By pod name; pods that do not answer are left out. */
export async function detailsOf(
  rule: DetailsRule | undefined,
  pods: readonly Pod[],
  config: () => Promise<OfficialConfig>,
): Promise<ReadonlyMap<string, Details>> {
  if (!rule) return new Map();
  const { container, command } = rule;
  const asked = pods.filter((pod) => isPodReady(pod) && pod.spec?.containers.some(({ name }) => name === container));
  const answers = await Promise.all(
    asked
      .map(async ({ metadata: { name = "", namespace = "" } = {} }) => {
        const { code, output } = await execInPod(await config(), { namespace, pod: name, container, command });
        return [name, code === 0 ? (JSON.parse(output) as Details) : undefined] as const;
      })
      .map((answer) => answer.catch(() => undefined)),
  );
  return new Map(answers.flatMap((answer) => (answer?.[1] ? [[answer[0], answer[1]] as const] : [])));
}

/** The cells of one pod. */
export const cellsOf = (rule: DetailsRule, details: Details | undefined): string[] =>
  Object.values(rule.columns).map((field) => {
    const value = details?.[field];
    return value === undefined ? "" : String(value);
  });
