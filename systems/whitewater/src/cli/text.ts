/** Answers as text for people. */

export interface KeyLine {
  readonly key: string;
  readonly value: string;
  readonly encoding?: string;
}

export interface MemberLine {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly role: string;
  readonly matchIndex?: number;
  readonly isActive?: boolean;
}

export interface ClusterAnswer {
  readonly clusterId: string;
  readonly leader: MemberLine | null;
  readonly term: number;
  readonly revision: number;
  readonly self: {
    readonly id: string;
    readonly role: string;
    readonly commitIndex: number;
    readonly appliedIndex: number;
  };
  readonly members: readonly MemberLine[];
}

export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => (cells[at] ?? "").length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd((widths[at] ?? 0) + 2))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}

export const membersText = (members: readonly MemberLine[]): string =>
  columns([
    ["NAME", "ROLE", "ID", "ADDRESS", "ACTIVE"],
    ...members.map(({ name, role, id, address, isActive }) => [
      name,
      role,
      id,
      address,
      isActive === undefined ? "" : isActive ? "yes" : "NO",
    ]),
  ]);

export const clusterText = ({ clusterId, leader, term, revision, self, members }: ClusterAnswer): string =>
  [
    `Cluster    ${clusterId}`,
    `Leader     ${leader?.name ?? "none"} (term ${term})`,
    `Revision   ${revision}`,
    `Asked      ${members.find(({ id }) => id === self.id)?.name ?? self.id}: ${self.role}, applied ${self.appliedIndex} of ${self.commitIndex}`,
    "",
    membersText(members),
  ].join("\n");
