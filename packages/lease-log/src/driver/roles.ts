import type { Role } from "../types.ts";

export interface RoleState {
  readonly role: Role;
  readonly primary: string | undefined;
  readonly epoch: number;
}

/** Tells subscribers of role and primary, the current state first, then each change. */
export class Roles {
  #state: RoleState = { role: "replica", primary: undefined, epoch: 0 };
  readonly #listeners = new Set<(state: RoleState) => void>();

  get role(): Role {
    return this.#state.role;
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  update(state: RoleState): "gained" | "lost" | "changed" | undefined {
    const before = this.#state;
    if (before.role === state.role && before.primary === state.primary && before.epoch === state.epoch)
      return undefined;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
    if (before.role === state.role) return "changed";
    return state.role === "primary" ? "gained" : "lost";
  }

  subscribe(listener: (state: RoleState) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }
}
