import { kubectlRows } from "./support.ts";

const template = (app: string, command: string) => `metadata: {labels: {app: ${app}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: "busybox:1.36", command: [sh, -c, "${command}"]}]`;

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    ${template("web", "sleep 1000")}
`;

const sets = `apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    ${template("db", "sleep 1000")}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds}
spec:
  selector: {matchLabels: {app: ds}}
  template:
    ${template("ds", "sleep 1000")}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: rc}
spec:
  replicas: 2
  selector: {app: rc}
  template:
    ${template("rc", "sleep 1000")}
`;

kubectlRows("kubectl rollout, set, scale and the workloads", { "web.yaml": web, "sets.yaml": sets }, [
  ["apply -f web.yaml", "deployment.apps/web created"],
  ["rollout status deploy/web --timeout=60s", '{lines}deployment "web" successfully rolled out'],
  ["set image deploy/web c=busybox:1.37", "deployment.apps/web image updated"],
  ["annotate deploy/web kubernetes.io/change-cause=second --overwrite", "deployment.apps/web annotated"],
  ["rollout status deploy/web --timeout=60s", '{lines}deployment "web" successfully rolled out'],
  ["rollout history deploy/web", "deployment.apps/web\nREVISION  CHANGE-CAUSE\n1         first\n2         second"],
  ["rollout undo deploy/web", "deployment.apps/web rolled back"],
  ["rollout history deploy/web", "deployment.apps/web\nREVISION  CHANGE-CAUSE\n2         second\n3         first"],
  ["rollout undo deploy/web --to-revision=99", "error: unable to find specified revision 99 in history", 1],
  [
    "rollout undo deploy/web --to-revision=3",
    "deployment.apps/web skipped rollback (current template already matches revision 3)",
  ],
  ["rollout pause deploy/web", "deployment.apps/web paused"],
  ["rollout pause deploy/web", 'error: deployments.apps "web" is already paused', 1],
  [
    "rollout undo deploy/web",
    "error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
    1,
  ],
  [
    "rollout restart deploy/web",
    'error: deployments.apps "web" can\'t restart paused deployment (run rollout resume first)',
    1,
  ],
  ["rollout resume deploy/web", "deployment.apps/web resumed"],
  ["rollout resume deploy/web", 'error: deployments.apps "web" is not paused', 1],
  ["rollout restart deploy/web", "deployment.apps/web restarted"],
  ["rollout status deploy/web --timeout=60s", '{lines}deployment "web" successfully rolled out'],
  ["set env deploy/web FOO=bar", "deployment.apps/web env updated"],
  ["set env deploy/web --list", "# Deployment web, container c\nFOO=bar"],
  ["set resources deploy/web --limits=cpu=200m,memory=64Mi", "deployment.apps/web resource requirements updated"],
  ["set image deploy/web nosuch=x", 'error: unable to find container named "nosuch"', 1],
  ["scale deploy/web --replicas=1", "deployment.apps/web scaled"],
  ["scale deploy/web --replicas=3 --current-replicas=9", "error: Expected replicas to be 9, was 1", 1],
  ["scale deploy/nosuch --replicas=1", 'error: no objects passed to scale deployments.apps "nosuch" not found', 1],
  [
    "apply -f sets.yaml",
    "service/db created\nstatefulset.apps/db created\ndaemonset.apps/ds created\nreplicationcontroller/rc created",
  ],
  ["rollout status sts/db --timeout=60s", "{lines}partitioned roll out complete: 2 new pods have been updated..."],
  ["rollout status ds/ds --timeout=60s", '{lines}daemon set "ds" successfully rolled out'],
  ["get sts -o wide", "NAME   READY   AGE   CONTAINERS   IMAGES\ndb     2/2     {age}    c            busybox:1.36"],
  [
    "get ds",
    "NAME   DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\nds     2         2         2       2            2           <none>          {age}",
  ],
  ["wait --for=jsonpath='{.status.readyReplicas}'=2 rc/rc --timeout=60s", "replicationcontroller/rc condition met"],
  ["get rc", "NAME   DESIRED   CURRENT   READY   AGE\nrc     2         2         2       {age}"],
  [
    "get pvc",
    "NAME   STATUS   VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE\ndata-db-0   Bound   pvc-{uid}   1Gi   RWO   standard   <unset>   {age}\ndata-db-1   Bound   pvc-{uid}   1Gi   RWO   standard   <unset>   {age}",
  ],
  [
    "get events --field-selector involvedObject.kind=StatefulSet -o custom-columns=R:.reason,M:.message --no-headers",
    "SuccessfulCreate   create Claim data-db-0 Pod db-0 in StatefulSet db success\nSuccessfulCreate   create Pod db-0 in StatefulSet db successful\nSuccessfulCreate   create Claim data-db-1 Pod db-1 in StatefulSet db success\nSuccessfulCreate   create Pod db-1 in StatefulSet db successful",
  ],
  ["rollout history sts/db", "statefulset.apps/db\nREVISION  CHANGE-CAUSE\n1         <none>"],
  ["rollout history ds/ds", "daemonset.apps/ds\nREVISION  CHANGE-CAUSE\n1         <none>"],
  ["set image sts/db c=busybox:1.37", "statefulset.apps/db image updated"],
  ["rollout status sts/db --timeout=60s", "{lines}partitioned roll out complete: 2 new pods have been updated..."],
  ["rollout undo sts/db", "statefulset.apps/db rolled back"],
  ["rollout status sts/db --timeout=60s", "{lines}partitioned roll out complete: 2 new pods have been updated..."],
  [
    "get controllerrevisions -l app=db",
    "NAME   CONTROLLER   REVISION   AGE\ndb-{hash}   statefulset.apps/db   {any}   {age}\ndb-{hash}   statefulset.apps/db   {any}   {age}",
  ],
  [
    `patch sts db -p '{"spec":{"serviceName":"x"}}'`,
    `The StatefulSet "db" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden`,
    1,
  ],
  [
    "get pod db-0 --show-managed-fields -o jsonpath='{range .metadata.managedFields[*]}{.manager} {.operation} {.subresource};{end}'",
    "kube-controller-manager Update ;kubelet Update status;",
  ],
  ["scale rc/rc --replicas=0", "replicationcontroller/rc scaled"],
  ["delete sts db", 'statefulset.apps "db" deleted'],
  ["get pvc -o name", "persistentvolumeclaim/data-db-0\npersistentvolumeclaim/data-db-1"],
  ["cordon node-1", "node/node-1 cordoned"],
  ["cordon node-1", "node/node-1 already cordoned"],
  [
    "get node node-1",
    "NAME     STATUS                     ROLES    AGE     VERSION\nnode-1   Ready,SchedulingDisabled   {any}   {age}   v1.36.{any}",
  ],
  [
    "drain node-1 --timeout=30s",
    `node/node-1 already cordoned
error: unable to drain node "node-1" due to error: cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/ds-{id}, continuing command...
There are pending nodes to be drained:
 node-1
cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/ds-{id}`,
    1,
  ],
  ["drain node-1 --ignore-daemonsets --timeout=30s", "node/node-1 already cordoned\n{lines}node/node-1 drained{lines}"],
  ["uncordon node-1", "node/node-1 uncordoned"],
  ["taint node node-1 k=v:NoSchedule", "node/node-1 tainted"],
  [
    "taint node node-1 k=v:NoSchedule",
    "error: node node-1 already has k taint(s) with same effect(s) and --overwrite is false",
    1,
  ],
  ["taint node node-1 k:NoSchedule-", "node/node-1 untainted"],
  ["taint node node-1 k:NoSchedule-", 'error: taint "k:NoSchedule" not found', 1],
]);
