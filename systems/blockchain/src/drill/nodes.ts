/** The nodes of a deployment, asked by their own command in their pods. */
import type { ScenarioSite } from "@coracle/drill";
import type { Pod } from "kubernetes-types/core/v1.js";
import { BlockchainError } from "../errors.ts";

const CONTAINER = "blockchain-node";

export interface DrillNode {
  readonly name: string;
  readonly pod: Pod;
  /** Result of a call of JSON-RPC, or why there is none. Never rejects: nodes are down every now and then. */
  ask<T>(method: string, ...params: readonly (string | number | boolean)[]): Promise<T | BlockchainError>;
}

export const nameOf = ({ metadata }: Pod): string => metadata?.name ?? "";

const isNode = ({ spec }: Pod): boolean => (spec?.containers ?? []).some(({ name }) => name === CONTAINER);

export async function nodesOf(site: ScenarioSite): Promise<readonly DrillNode[]> {
  const pods = (await site.pods()).filter(isNode);
  return ordered(pods).map((pod) => ({ name: nameOf(pod), pod, ask: (...call) => ask(site, nameOf(pod), ...call) }));
}

export const ordered = (pods: readonly Pod[]): readonly Pod[] =>
  [...pods].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

async function ask<T>(
  site: ScenarioSite,
  pod: string,
  method: string,
  ...params: readonly (string | number | boolean)[]
): Promise<T | BlockchainError> {
  try {
    const command = ["blockchain", "rpc", method, ...params.map(String)];
    const { code, output } = await site.exec(pod, CONTAINER, command);
    if (code !== 0) return new BlockchainError("refused", output.trim());
    return parsed(output.trim()) as T;
  } catch (cause) {
    return new BlockchainError("connection", `${pod} can't be asked`, { cause });
  }
}

/** The command prints text as it is and everything else as JSON. */
function parsed(text: string): unknown {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export const isAnswer = <T>(answer: T | BlockchainError): answer is T => !(answer instanceof BlockchainError);
