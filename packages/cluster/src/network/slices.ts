import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Change } from "../machinery/types.ts";

/** The slices of each Service, by `namespace/name`; tells which Service a change of a slice concerns. */
export class SliceIndex {
  readonly #byService = new Map<string, Map<string, EndpointSlice>>();
  readonly #changed: (service: string, slices: readonly EndpointSlice[]) => void;

  constructor(changed: (service: string, slices: readonly EndpointSlice[]) => void) {
    this.#changed = changed;
  }

  of(service: string): readonly EndpointSlice[] {
    return [...(this.#byService.get(service)?.values() ?? [])];
  }

  apply({ type, object, previous }: Change<EndpointSlice>): void {
    const before = previous && serviceOf(previous);
    const after = type === "DELETED" ? undefined : serviceOf(object);
    const name = object.metadata.name;
    const gone = type === "DELETED" ? serviceOf(object) : before;
    if (gone !== undefined && gone !== after) this.#drop(gone, name);
    if (after !== undefined) this.#put(after, name, object);
  }

  #put(service: string, name: string, slice: EndpointSlice): void {
    const slices = this.#byService.get(service) ?? new Map<string, EndpointSlice>();
    this.#byService.set(service, slices.set(name, slice));
    this.#changed(service, [...slices.values()]);
  }

  #drop(service: string, name: string): void {
    const slices = this.#byService.get(service);
    slices?.delete(name);
    if (slices?.size === 0) this.#byService.delete(service);
    this.#changed(service, this.of(service));
  }
}

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata?.labels?.["kubernetes.io/service-name"];
  return name === undefined ? undefined : `${metadata?.namespace}/${name}`;
}
