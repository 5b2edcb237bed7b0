import { rootCertificatesController, serviceAccountController } from "./accounts/controllers.ts";
import { autoscalerController } from "./autoscaler/controller.ts";
import { cronJobController } from "./cronjob/controller.ts";
import { daemonSetController } from "./daemonset/controller.ts";
import { definitionCleanupController } from "./definitions/cleanup.ts";
import { deploymentController } from "./deployment/controller.ts";
import { disruptionController } from "./disruption/controller.ts";
import { endpointSliceController, endpointsController } from "./endpoints/controller.ts";
import { endpointSliceMirroringController } from "./endpoints/mirror.ts";
import { eventExpiryController } from "./events/expiry.ts";
import { garbageCollector } from "./garbage/controller.ts";
import type { ControllerContext } from "./harness/context.ts";
import type { Controller } from "./harness/controller.ts";
import { jobController } from "./job/controller.ts";
import { jobTtlController } from "./job/ttl.ts";
import { namespaceController } from "./namespace/controller.ts";
import { kubernetesServiceController } from "./namespace/kubernetes-service.ts";
import { systemNamespacesController } from "./namespace/system.ts";
import { taintEvictionController } from "./node/eviction.ts";
import { nodeLifecycleController } from "./node/lifecycle.ts";
import { podGarbageCollector } from "./node/pod-gc.ts";
import { quotaController } from "./quota/controller.ts";
import { replicaSetController, replicationController } from "./replicaset/controller.ts";
import { schedulerController } from "./scheduler/controller.ts";
import { priorityClassController } from "./scheduler/priority-classes.ts";
import { statefulSetController } from "./statefulset/controller.ts";
import { claimController } from "./volumes/claims.ts";
import { storageClassController } from "./volumes/classes.ts";
import { claimProtectionController } from "./volumes/protection.ts";
import { volumeController } from "./volumes/reclaim.ts";

/** Every controller of the cluster; a new one is a row. */
export const controllers: readonly ((context: ControllerContext) => Controller)[] = [
  systemNamespacesController,
  storageClassController,
  priorityClassController,
  serviceAccountController,
  rootCertificatesController,
  kubernetesServiceController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  schedulerController,
  claimController,
  volumeController,
  claimProtectionController,
  statefulSetController,
  replicaSetController,
  replicationController,
  deploymentController,
  daemonSetController,
  jobController,
  jobTtlController,
  cronJobController,
  disruptionController,
  autoscalerController,
  quotaController,
  nodeLifecycleController,
  taintEvictionController,
  podGarbageCollector,
  definitionCleanupController,
  namespaceController,
  garbageCollector,
  eventExpiryController,
];
