/**
 * What a system brings to be drilled: a client, the operations it can be asked, and the sequential object it claims to be. The system's
 * package.json names the module (`coracle.drill`), which exports it as `drill`.
 */
import type { Model, Random } from "@coracle/sim";

/** A member of the system and where its client port is reached from here. */
export interface Member {
  /** The pod's name. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Looked at anew whenever a connection is made: pods come, go and change their addresses. */
export interface Access {
  members(): readonly Member[];
  /** A key of a Secret in the system's namespace, as text; undefined when there is none. */
  secret(name: string, key: string): Promise<string | undefined>;
}

export type Outcome<Out> =
  | { readonly kind: "done"; readonly output: Out }
  /** It certainly has no effect, now or later. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It may take effect, now or later, or never. */
  | { readonly kind: "unknown"; readonly reason: string };

/** One connection at a time, made and made again as needed; one operation at a time. */
export interface DrillClient<In, Out> {
  /** Never rejects. Must not repeat an operation whose outcome is unknown. */
  perform(key: string, input: In): Promise<Outcome<Out>>;
  close(): void;
}

/** Where an operation's key and value come from. Keys begin with a prefix that is new for every drill. */
export interface Names {
  /** One of the few keys that all clients work on now. */
  shared(): string;
  /** A key that nobody used before. */
  fresh(): string;
  /** A value that nobody used before. */
  value(): string;
}

export interface OperationKind<In> {
  readonly isWrite: boolean;
  /** Its share where the user gives no mix. */
  readonly weight: number;
  plan(names: Names, random: Random): { readonly key: string; readonly input: In };
}

/** Who leads, and the number of the term, which rises with every election. */
export interface Leader {
  readonly name: string;
  readonly term: number;
}

export interface DrillPlugin<State = unknown, In = unknown, Out = unknown> {
  /** Port of the pods that clients connect to, and the container that listens there. */
  readonly port: number;
  readonly container: string;
  /** Who leads: the Lease of this name says it, or the members are asked. */
  readonly leader: string | ((access: Access) => Promise<Leader | undefined>);
  readonly model: Model<State, In, Out>;
  readonly operations: Readonly<Record<string, OperationKind<In>>>;
  /** Reads a key back when all is over. */
  readonly readBack: In;
  connect(access: Access): DrillClient<In, Out>;
  /** Process id of a member's server, as seen inside its pod. */
  processId(access: Access, member: Member): Promise<number | undefined>;
  /** What keeps the system from standing the next fault; undefined when every one of `members` holds everything. */
  unsettled(access: Access, members: number): Promise<string | undefined>;
}
