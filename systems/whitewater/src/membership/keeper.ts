/** While this member leads: takes the steps of `follow`, one after the other. */

import type { Discovery, Logger } from "@coracle/pod";
import type { Member, MemberChange, Raft, RaftStatus } from "@coracle/raft";
import { messageOf, systemCode } from "../errors.ts";
import { type Action, type FollowView, nextAction, trackAbsence } from "./follow.ts";
import type { Seat } from "./types.ts";
import type { Wanted } from "./wanted.ts";

export type KeeperRaft = Pick<Raft, "status" | "changeMembers" | "transferLeadership">;

export interface KeeperOptions {
  readonly raft: KeeperRaft;
  readonly discovery: Pick<Discovery, "peers" | "staleMs" | "source">;
  readonly wanted: Wanted;
  readonly graceMs: number;
  readonly maxVoters: number;
  readonly ordinalOf: (name: string) => number | undefined;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const TICK_MS = 200;
/** A wish is repeated while it stands. */
const WISH_MS = 5000;
const MAX_WISHES = 64;
/** A source that was silent for longer shows nothing that absence could be told from. */
const FRESH_MS = 60_000;
const CHANGE_TIMEOUT_MS = 10_000;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #wishes = new Map<string, { readonly seat: Seat; readonly at: number }>();
  #absentSince: ReadonlyMap<string, number> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #stepping: Promise<void> | undefined;
  #lastTrouble = "";

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.step(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Somebody asks for a seat or another address; taken at the leader only. Resolves after the step that follows. */
  wish(seat: Seat): Promise<void> {
    this.#wishes.delete(seat.id);
    if (this.#wishes.size < MAX_WISHES) this.#wishes.set(seat.id, { seat, at: this.#options.now() });
    return this.step();
  }

  /** One step, or the one that is under way. Never rejects. */
  step(): Promise<void> {
    this.#stepping ??= this.#step().finally(() => {
      this.#stepping = undefined;
    });
    return this.#stepping;
  }

  async #step(): Promise<void> {
    const status = this.#options.raft.status();
    const view = this.#view(status);
    const action = status.role === "leader" ? nextAction(view) : undefined;
    if (action) await this.#do(action);
  }

  #view(status: RaftStatus): FollowView {
    const { discovery, wanted, now, ordinalOf, graceMs, maxVoters } = this.#options;
    this.#absentSince = this.#absence(status, discovery);
    this.#forget(status.members);
    const progress = new Map(status.progress.map((each) => [each.id, each]));
    return {
      now: now(),
      self: status.id,
      members: status.members,
      isActive: (id) => progress.get(id)?.isActive ?? false,
      isCaughtUp: (id) => (progress.get(id)?.matchIndex ?? -1) >= status.commitIndex - MAX_LAG_ENTRIES,
      wishes: [...this.#wishes.values()].map(({ seat }) => seat),
      wanted: wanted.replicas(),
      absentSince: this.#absentSince,
      ordinalOf,
      graceMs,
      maxVoters,
    };
  }

  /**
   * What is granted or no longer repeated. A wish kept beyond its granting would outlive the member too: a pod scaled away and wanted again comes with
   * another disk, and its old one's seat, which can never be granted again, would be tried first.
   */
  #forget(members: readonly Member[]): void {
    const isGranted = ({ id, name, address }: Seat): boolean =>
      members.some((member) => member.id === id && member.name === name && member.address === address);
    const now = this.#options.now();
    for (const [id, { seat, at }] of this.#wishes) if (isGranted(seat) || now - at > WISH_MS) this.#wishes.delete(id);
  }

  /** A file shows the world as it was when its pod started: what is missing there was never known. */
  #absence({ members, role }: RaftStatus, discovery: KeeperOptions["discovery"]) {
    if (role !== "leader" || discovery.staleMs() > FRESH_MS) return new Map<string, number>();
    const known = discovery.source === "file" ? members.filter(({ id }) => this.#isHeard(id)) : [];
    const shown = new Set([...discovery.peers(), ...known.map(({ name }) => ({ id: name }))].map(({ id }) => id));
    return trackAbsence(this.#absentSince, members, shown, this.#options.now());
  }

  #isHeard(id: string): boolean {
    const { progress } = this.#options.raft.status();
    return progress.some((each) => each.id === id && each.isActive);
  }

  /** What was refused is tried again after the other wishes. */
  #putOff(action: Action): void {
    const id = action.kind === "change" && action.change.kind === "add-learner" ? action.change.member.id : "";
    const wish = this.#wishes.get(id);
    if (!wish) return;
    this.#wishes.delete(id);
    this.#wishes.set(id, wish);
  }

  async #do(action: Action): Promise<void> {
    const { raft, logger } = this.#options;
    const signal = AbortSignal.timeout(CHANGE_TIMEOUT_MS);
    try {
      if (action.kind === "hand-over") await raft.transferLeadership(action.to, signal);
      else await raft.changeMembers(action.change, signal);
      logger.info("membership changed", { ...described(action), reason: action.reason });
      this.#lastTrouble = "";
    } catch (error) {
      this.#putOff(action);
      const trouble = `${systemCode(error) ?? ""} ${messageOf(error)}`;
      if (trouble !== this.#lastTrouble)
        logger.warn("a change of members did not take place; tried again", { ...described(action), error });
      this.#lastTrouble = trouble;
    }
  }
}

/** Entries that a member may lack and still be promoted: under load there are always some on their way. */
const MAX_LAG_ENTRIES = 1000;

const described = (action: Action): object =>
  action.kind === "hand-over" ? { change: "hand-over", member: action.to } : describedChange(action.change);

const describedChange = (change: MemberChange): object => ({
  change: change.kind,
  member: change.kind === "add-learner" ? change.member.name : change.id,
});
