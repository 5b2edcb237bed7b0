/** Kubernetes' rules for names, labels and annotations, with its explanations. */

interface NameFormat {
  readonly pattern: RegExp;
  readonly maxLength: number;
  readonly explanation: string;
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

const subdomainExplanation =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'example.com', regex used for validation is '${label}(\\.${label})*')`;
const labelExplanation =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character " +
  `(e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`;
const label1035Explanation =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character " +
  "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const qualifiedExplanation =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}')`;
const labelValueExplanation =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${qualified})?')`;

const wildcardExplanation =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' " +
  `and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.${label}(\\.${label})*')`;

const formats = {
  wildcard: { pattern: new RegExp(`^\\*\\.${label}(\\.${label})*$`), maxLength: 253, explanation: wildcardExplanation },
  subdomain: { pattern: new RegExp(`^${label}(\\.${label})*$`), maxLength: 253, explanation: subdomainExplanation },
  label: { pattern: new RegExp(`^${label}$`), maxLength: 63, explanation: labelExplanation },
  label1035: { pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/, maxLength: 63, explanation: label1035Explanation },
  qualified: { pattern: new RegExp(`^${qualified}$`), maxLength: 63, explanation: qualifiedExplanation },
  labelValue: { pattern: new RegExp(`^(${qualified})?$`), maxLength: 63, explanation: labelValueExplanation },
} as const satisfies Record<string, NameFormat>;

function check(value: string, { pattern, maxLength, explanation }: NameFormat): string[] {
  const problems = value.length > maxLength ? [`must be no more than ${maxLength} bytes`] : [];
  return pattern.test(value) ? problems : [...problems, explanation];
}

/** Each returns why the value is refused; empty when it is fine. */
export const subdomainProblems = (value: string): string[] => check(value, formats.subdomain);
/** `*.example.com`. */
export const wildcardProblems = (value: string): string[] => check(value, formats.wildcard);
export const labelProblems = (value: string): string[] => check(value, formats.label);
export const label1035Problems = (value: string): string[] => check(value, formats.label1035);
export const labelValueProblems = (value: string): string[] => check(value, formats.labelValue);

/** Names of RBAC objects and the like: anything that can be one segment of a path. */
export function pathSegmentProblems(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"]
    .filter((character) => value.includes(character))
    .map((character) => `may not contain '${character}'`);
}

/** `prefix/name`, as keys of labels and annotations are. */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split("/");
  if (parts.length > 2) return [`a qualified name ${qualifiedNameForm}`];
  const [name = "", prefix] = parts.toReversed();
  const prefixProblems =
    prefix === undefined ? [] : prefix === "" ? ["prefix part must be non-empty"] : subdomainProblems(prefix);
  if (name === "") return [...prefixProblems, "name part must be non-empty", qualifiedExplanation];
  return [
    ...prefixProblems.map((text) => (text.startsWith("prefix") ? text : `prefix part ${text}`)),
    ...partProblems(name),
  ];
}

const partProblems = (name: string) =>
  check(name, formats.qualified).map((text) => (text.startsWith("name part") ? text : `name part ${text}`));

const qualifiedNameForm =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
