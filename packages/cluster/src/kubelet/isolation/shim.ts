/**
 * The shim: a few lines of POSIX shell between the kubelet and a container's program, because the kubelet may die before the program does.
 * It writes the exit code into a file that the next run of the cluster reads, which a process that is not the parent can't learn otherwise.
 * As the first process of a PID namespace it also reaps orphans, and makes `kill 1` inside the container mean the program.
 *
 * Protocol. Descriptor 3: `ok` once the program is about to start, or the text of what went wrong. Descriptor 4: the exit record, a decimal
 * code. A TERM to the shim alone is passed to the whole process group, once; the kubelet sends just that one TERM. Exit code: the program's,
 * 128+n when signal n ended it.
 *
 * A signal cuts `wait` short, and TERM can do so only once; the second `wait` then has the program's code, or 127 if the first had it.
 *
 * With a TTY the program runs in the foreground: a shell's background commands ignore SIGINT, and Ctrl-C has to work there.
 */
export const shimScript = `
cd "$1" 2>/dev/null || { mkdir -p "$1" && cd "$1"; } 2>/dev/null || { echo "chdir to cwd (\\"$1\\") set in config.json failed: no such file or directory" >&3; exit 128; }
mode=$2
shift 2
command -v "$1" >/dev/null 2>&1 || { echo "exec: \\"$1\\": executable file not found in \\$PATH" >&3; exit 128; }
pid=
told=
trap '[ "$pid" ] || { echo 143 >&4; exit 143; }; trap "" TERM; told=1; kill -TERM 0' TERM
echo ok >&3
exec 3>&-
if [ "$mode" = tty ]; then
  pid=0
  "$@" 4>&-
  code=$?
else
  # A background command reads /dev/null unless its input is named, and 0 means /dev/null by then.
  exec 5<&0
  "$@" <&5 5<&- 4>&- &
  pid=$!
  exec 5<&-
  wait "$pid"
  code=$?
  if [ "$told" ]; then
    wait "$pid"
    again=$?
    [ "$again" = 127 ] || code=$again
  fi
fi
echo "$code" >&4
exit "$code"
`;

/** The shim's own arguments, for `command` in `workingDir`. */
export const shimArgs = (workingDir: string, hasTty: boolean, command: readonly string[]): readonly string[] => [
  workingDir,
  hasTty ? "tty" : "plain",
  ...command,
];

const enterScript = `
command -v "$1" >/dev/null 2>&1 || {
  problem="exec: \\"$1\\": executable file not found in \\$PATH"
  { echo "$problem" >&3; } 2>/dev/null || echo "$problem" >&2
  exit 127
}
exec "$@" 3>&-
`;

/** Arguments of `sh` that become `command` in a running container, or say on descriptor 3 that there is no such program. */
export const enterArgs = (command: readonly string[]): readonly string[] => ["-c", enterScript, "sh", ...command];

/** Quotes a word for POSIX shell. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
