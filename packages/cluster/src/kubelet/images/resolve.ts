/** From an image's name to what runs here. */
import type { Container } from "kubernetes-types/core/v1.js";
import { ContainerError } from "../errors.ts";
import { findProgram } from "./find-program.ts";
import { type ImageReference, parseImage } from "./reference.ts";
import { isPlausibleTag } from "./tags.ts";
import type { ImageTable, Program } from "./types.ts";
import { wellKnown } from "./well-known.ts";

/** An image ready to run: its program and the PATH that its containers get. */
export interface ResolvedImage {
  readonly program: Program;
  readonly path: string;
}

export interface ImageOptions {
  readonly table: ImageTable;
  /** The folder of `linkApplets`. */
  readonly applets: string;
  /** The folder of `linkOwnPrograms`. */
  readonly programs: string;
  /** The host's PATH. */
  readonly hostPath: string;
}

/** Throws InvalidImageName, or ErrImagePull with what to do about it. */
export function resolveImage(image: string, options: ImageOptions): ResolvedImage {
  const reference = parseImage(image);
  if (reference === undefined) {
    throw new ContainerError(
      "InvalidImageName",
      `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
    );
  }
  const { table } = options;
  const mapped = table.extra?.[image] ?? table.extra?.[reference.repository] ?? table.system(reference.name);
  if (mapped !== undefined) return withPath(mapped, false, options);
  return resolveWellKnown(image, reference, options);
}

function resolveWellKnown(image: string, { name, tag }: ImageReference, options: ImageOptions): ResolvedImage {
  const known = Object.hasOwn(wellKnown, name) ? wellKnown[name] : undefined;
  const hint = `map it under \`images\` in the cluster's config file`;
  if (known === undefined) {
    throw new ContainerError("ErrImagePull", `image "${image}" maps to no program on this machine: ${hint}`);
  }
  const { needs, prefersApplets = false, newest, ...program } = known;
  if (tag !== undefined && !isPlausibleTag(tag, newest)) {
    throw new ContainerError("ErrImagePull", `${image}: not found: no such tag as far as this cluster knows; ${hint}`);
  }
  const resolved = withPath(program, prefersApplets, options);
  if (findProgram(needs, resolved.path) === undefined) {
    throw new ContainerError(
      "ErrImagePull",
      `image "${image}" runs this machine's ${needs}, which is not on PATH: install it, or ${hint}`,
    );
  }
  return resolved;
}

/** Ours come first: they know the cluster's names and the pod's address, which the machine's own can't everywhere. */
function withPath(program: Program, prefersApplets: boolean, options: ImageOptions): ResolvedImage {
  const { applets, programs, hostPath } = options;
  const host = [...hostPath.split(":"), ...standardPath].filter(Boolean);
  const tools = prefersApplets ? [applets, ...host] : [...host, applets];
  const path = [...new Set([...(program.pathDirs ?? []), programs, ...tools])].join(":");
  return {
    program: { ...program, hostDirs: [...(program.hostDirs ?? []), ...(program.pathDirs ?? []), applets, programs] },
    path,
  };
}

const standardPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The argv of a container, before `$(VAR)` expansion: its command and args over the image's. */
export function commandLine({ command, args }: Container, program: Program): readonly string[] {
  if (command?.length) return [...command, ...(args ?? [])];
  return [...program.command, ...(args?.length ? args : (program.args ?? []))];
}
