/** A small plot: one series over the height of the chain. */
export interface Point {
  readonly height: number;
  readonly value: number;
}

const width = 600;
const height = 160;

interface PlotProps {
  readonly title: string;
  readonly points: readonly Point[];
  readonly format: (value: number) => string;
  readonly kind: "line" | "bars";
  /** A horizontal line to compare with. */
  readonly goal?: number | undefined;
}

export function Plot({ title, points, format, kind, goal }: PlotProps) {
  if (points.length < 2) return <p className="muted">{title}: not enough blocks yet.</p>;
  const highest = Math.max(...points.map(({ value }) => value), goal ?? 0) || 1;
  const x = (index: number): number => (index / (points.length - 1)) * (width - 4) + 2;
  const y = (value: number): number => height - 2 - (value / highest) * (height - 14);
  const last = points[points.length - 1] as Point;
  const first = points[0] as Point;
  return (
    <figure className="plot">
      <figcaption>
        {title} <strong>{format(last.value)}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} from block ${first.height} to ${last.height}: now ${format(last.value)}, at most ${format(highest)}`}
      >
        {goal !== undefined && <line className="goal" x1={0} x2={width} y1={y(goal)} y2={y(goal)} />}
        {kind === "line" ? (
          <polyline points={points.map(({ value }, index) => `${x(index)},${y(value)}`).join(" ")} />
        ) : (
          points.map((point, index) => (
            <line key={point.height} className="bar" x1={x(index)} x2={x(index)} y1={height} y2={y(point.value)} />
          ))
        )}
      </svg>
      <div className="axis" aria-hidden="true">
        <span>block {first.height}</span>
        <span>at most {format(highest)}</span>
        <span>block {last.height}</span>
      </div>
    </figure>
  );
}
