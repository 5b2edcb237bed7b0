// Makes a fresh clone ready to run: installs the locked packages and compiles the sources, each only when something changed.
// Plain JavaScript with nothing but Node's own modules, because it runs before anything is installed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const minimum = [20, 19];
const lock = join(root, ".coracle-prepare.lock");

/** Installs and compiles what is out of date; returns at once when nothing is. `pages`: web pages too, which few commands need. */
export function prepare({ pages = false } = {}) {
  requireNode();
  once("installed", [join(root, "package-lock.json")], readFileSync, () =>
    run("npm", ["ci", "--no-audit", "--no-fund"]),
  );
  once("compiled", sources(), stamp, () => {
    run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"]);
    run(process.execPath, [join(root, "scripts/bundle.mjs")]);
  });
  if (pages) for (const folder of pageFolders()) preparePages(folder);
}

/** Those of all systems that have pages. */
const pageFolders = () =>
  readdirSync(join(root, "systems"))
    .map((name) => join(root, "systems", name, "pages"))
    .filter((folder) => existsSync(join(folder, "index.html")));

function preparePages(folder) {
  const system = basename(dirname(folder));
  const built = join(folder, "dist", "index.html");
  const source = files(folder).filter((file) => !file.startsWith(join(folder, "dist")));
  once(
    `pages-${system}`,
    [join(root, "package-lock.json"), ...source],
    readFileSync,
    () =>
      run("npm", ["run", "--silent", "build:pages", "-w", `systems/${system}`], `Building the pages of ${system}...`),
    () => existsSync(built),
  );
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return;
  process.stderr.write(`Coracle needs Node.js ${minimum.join(".")} or later; this is ${process.version}.\n`);
  process.exit(1);
}

/** Runs `work` unless the files' digest is the one recorded when it last succeeded and its result is still there. */
function once(what, files, read, work, isThere = () => true) {
  const record = join(root, "node_modules", `.coracle-${what}`);
  const digest = files.reduce((hash, file) => hash.update(file).update(read(file)), createHash("sha256")).digest("hex");
  const isDone = () => isThere() && existsSync(record) && readFileSync(record, "utf8") === digest;
  if (isDone()) return;
  alone(() => {
    if (isDone()) return;
    work();
    writeFileSync(record, digest);
  });
}

/** Runs `work` while no other process does so in this folder: two that install at once break each other. */
function alone(work) {
  while (!take()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  work();
  release();
  process.off("exit", release);
}

/** False while another has the lock; one that was left by a process that is gone is removed. */
function take() {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isHeld()) return false;
  rmSync(lock, { force: true });
  return take();
}

function isHeld() {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
    // Empty for the moment between its creation and its writing, unless that moment is long over.
    return pid === 0 ? Date.now() - statSync(lock).mtimeMs < 5000 : process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function sources() {
  const folders = ["packages", "systems"].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => join(root, kind, name)),
  );
  return [
    join(root, "tsconfig.base.json"),
    ...folders.flatMap((folder) => [join(folder, "tsconfig.json"), ...files(join(folder, "src"))]),
  ];
}

function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function stamp(file) {
  const { mtimeMs, size } = statSync(file);
  return `${mtimeMs}:${size}`;
}

function run(command, args, what = command === "npm" ? "Installing packages (once)..." : "Compiling...") {
  process.stderr.write(`${what}\n`);
  try {
    // Everything goes to stderr: stdout belongs to the command that the user asked for.
    execFileSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  } catch (error) {
    process.stderr.write(`${command} ${args.join(" ")} failed (${error.message}). Nothing was started.\n`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare({ pages: process.argv.includes("--pages") });
