/** Admission of Ingresses: kube-apiserver's DefaultIngressClass plug-in. */
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject, Stored } from "../types.ts";

const isDefaultAnnotation = "ingressclass.kubernetes.io/is-default-class";
const classAnnotation = "kubernetes.io/ingress.class";

/** A new Ingress that names no class gets the default one; of several, the youngest. */
export function admitIngress(ingress: ApiObject, context: WriteContext, old?: ApiObject): void {
  if (old || ingress.spec?.ingressClassName || ingress.metadata?.annotations?.[classAnnotation] !== undefined) return;
  const [chosen] = context
    .list("ingressclasses.networking.k8s.io")
    .filter(({ metadata }) => metadata.annotations?.[isDefaultAnnotation] === "true")
    .sort(youngestFirst);
  if (chosen) ingress.spec = { ...ingress.spec, ingressClassName: chosen.metadata.name };
}

const youngestFirst = ({ metadata: a }: Stored<ApiObject>, { metadata: b }: Stored<ApiObject>): number =>
  b.creationTimestamp.localeCompare(a.creationTimestamp) || a.name.localeCompare(b.name);
