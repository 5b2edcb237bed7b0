/** Schedules of CronJobs, refused in the words of the cron library that Kubernetes uses (github.com/robfig/cron). */
import { type FieldError, invalid } from "./field-error.ts";

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Minute, hour, day of month, month, day of week. */
const fields: readonly Bounds[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: months },
  { least: 0, most: 6, names: days },
];

const descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const everyPattern = /^@every ((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/;

/** Why it is no schedule; undefined when it is one. */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule === "") return "empty spec string";
  if (schedule.startsWith("@")) return descriptorProblem(schedule);
  const parts = schedule.trim().split(/\s+/);
  if (parts.length !== fields.length)
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(" ")}]`;
  return firstOf(parts.flatMap((part, index) => part.split(",").map((range) => rangeProblem(range, fields[index]!))));
}

const firstOf = (problems: readonly (string | undefined)[]) => problems.find((problem) => problem !== undefined);

function descriptorProblem(schedule: string): string | undefined {
  if (descriptors.includes(schedule) || everyPattern.test(schedule)) return undefined;
  if (!schedule.startsWith("@every ")) return `unrecognized descriptor: ${schedule}`;
  const duration = schedule.slice("@every ".length);
  return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
}

function rangeProblem(text: string, { least, most, names = [] }: Bounds): string | undefined {
  const [span = "", step, ...surplusSteps] = text.split("/");
  const [low = "", high, ...surplusEnds] = span.split("-");
  const isAll = low === "*" || low === "?";
  if (!isAll && surplusEnds.length > 0) return `too many hyphens: ${text}`;
  const start = isAll ? least : numberOf(low, names, least);
  const end = isAll ? most : numberOf(high ?? low, names, least);
  const every = step === undefined ? 1 : numberOf(step, [], 0);
  for (const value of [start, end, every]) if (typeof value === "string") return value;
  if (surplusSteps.length > 0) return `too many slashes: ${text}`;
  const [from, given, stride] = [start as number, end as number, every as number];
  const to = step !== undefined && high === undefined ? most : given;
  if (from < least) return `beginning of range (${from}) below minimum (${least}): ${text}`;
  if (to > most) return `end of range (${to}) above maximum (${most}): ${text}`;
  if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${text}`;
  return stride === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** The number that a text or a name stands for, or what is wrong with it. */
function numberOf(text: string, names: readonly string[], firstName: number): number | string {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + firstName;
  if (!/^[-+]?\d+$/.test(text))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  return Number(text) < 0 ? `negative number (${Number(text)}) not allowed: ${text}` : Number(text);
}

export function validateSchedule(field: string, schedule: string): FieldError[] {
  if (/TZ/.test(schedule))
    return [invalid(field, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")];
  const problem = scheduleProblem(schedule);
  return problem === undefined ? [] : [invalid(field, schedule, problem)];
}

export function validateTimeZone(field: string, zone: unknown): FieldError[] {
  if (zone === undefined) return [];
  const problem = zoneProblem(String(zone));
  return problem === undefined ? [] : [invalid(field, zone, problem)];
}

function zoneProblem(zone: string): string | undefined {
  if (zone === "") return "timeZone must be nil or non-empty string";
  if (zone.toLowerCase() === "local")
    return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return undefined;
  } catch {
    return `unknown time zone ${zone}`;
  }
}
