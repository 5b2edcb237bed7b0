/** Who the controllers are to those who read `managedFields`: as in Kubernetes all of them are one program, and the scheduler is another. */
import type { ApiStore } from "../../machinery/store.ts";

const schedulerName = "default-scheduler";

const programOf = (component: string | undefined): string =>
  component === schedulerName ? "kube-scheduler" : "kube-controller-manager";

const sign = <O extends { readonly fieldManager?: string }>(options: O) => ({
  ...options,
  fieldManager: programOf(options.fieldManager),
});

/** The same store, with every write signed by the program that the writing controller belongs to. */
export const signWrites = (store: ApiStore): ApiStore => ({
  get resourceVersion() {
    return store.resourceVersion;
  },
  find: (...rest) => store.find(...rest),
  descriptors: () => store.descriptors(),
  json: (object) => store.json(object),
  page: (...rest) => store.page(...rest),
  watch: (...rest) => store.watch(...rest),
  get: (...rest) => store.get(...rest),
  list: (...rest) => store.list(...rest),
  subscribe: (...rest) => store.subscribe(...rest),
  post: (resource, namespace, body, options) => store.post(resource, namespace, body, sign(options)),
  put: (resource, namespace, name, body, options) => store.put(resource, namespace, name, body, sign(options)),
  patch: (resource, namespace, name, type, body, options) =>
    store.patch(resource, namespace, name, type, body, sign(options)),
  create: (resource, object, options) => store.create(resource, object, sign(options ?? {})),
  update: (resource, object, options) => store.update(resource, object, sign(options ?? {})),
  modify: (resource, namespace, name, change, options) =>
    store.modify(resource, namespace, name, change, sign(options ?? {})),
  remove: (...rest) => store.remove(...rest),
  delete: (...rest) => store.delete(...rest),
  close: () => store.close(),
});
