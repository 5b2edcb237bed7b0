import type { Job } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { podFromTemplate } from "../harness/pods.ts";
import { trackingFinalizer } from "./accounts.ts";
import { indexAnnotation } from "./indexes.ts";
import { failureCountAnnotation } from "./policies.ts";

const indexVariable = {
  name: "JOB_COMPLETION_INDEX",
  valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${indexAnnotation}']` } },
};

/** A pod of the job, for one completion index where the job has them, and after how many failures of it where those count. */
export function jobPod(job: Stored<Job>, index: number | undefined, failures?: number): Pod {
  const { name, uid } = job.metadata;
  const generateName = index === undefined ? `${name}-` : `${name}-${index}-`;
  const pod = podFromTemplate(job, job.spec!.template, { generateName });
  const { metadata, spec } = pod;
  metadata.finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
  metadata.labels = {
    ...metadata.labels,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  if (index === undefined) return pod;
  metadata.annotations = {
    ...metadata.annotations,
    [indexAnnotation]: String(index),
    ...(failures !== undefined && { [failureCountAnnotation]: String(failures) }),
  };
  metadata.labels[indexAnnotation] = String(index);
  spec.hostname = `${name}-${index}`;
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])])
    container.env = [...(container.env ?? []), indexVariable];
  return pod;
}
