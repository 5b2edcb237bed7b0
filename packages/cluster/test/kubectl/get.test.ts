import { kubectlRows } from "./support.ts";

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: busybox:1.36
        command: [sleep, "1000"]
        ports: [{containerPort: 80, name: http}]
        resources: {requests: {cpu: 50m, memory: 16Mi}, limits: {memory: 64Mi}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}}
`;

kubectlRows("kubectl get, describe and explain", { "web.yaml": web }, [
  ["apply -f web.yaml", "deployment.apps/web created\nservice/web created"],
  ["rollout status deployment/web --timeout=60s", '{lines}deployment "web" successfully rolled out'],
  ["get deployment", "NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    2/2     2            2           {age}"],
  [
    "get deploy web -o wide",
    "NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES         SELECTOR\nweb    2/2     2            2           {age}    c            busybox:1.36   app=web",
  ],
  ["get rs", "NAME   DESIRED   CURRENT   READY   AGE\nweb-{hash}   2         2         2       {age}"],
  [
    "get rs -o wide",
    "NAME   DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES   SELECTOR\nweb-{hash}   2   2   2   {age}   c   busybox:1.36   app=web,pod-template-hash={hash}",
  ],
  [
    "get pods",
    "NAME   READY   STATUS   RESTARTS   AGE\nweb-{hash}-{id}   1/1   Running   0   {age}\nweb-{hash}-{id}   1/1   Running   0   {age}",
  ],
  [
    "get pods -o wide",
    "NAME   READY   STATUS   RESTARTS   AGE   IP   NODE   NOMINATED NODE   READINESS GATES\nweb-{hash}-{id}   1/1   Running   0   {age}   {ip}   node-{any}   <none>   <none>\nweb-{hash}-{id}   1/1   Running   0   {age}   {ip}   node-{any}   <none>   <none>",
  ],
  [
    "get svc web",
    "NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nweb    ClusterIP   {ip}   <none>        80/TCP    {age}",
  ],
  [
    "get endpoints web",
    "NAME   ENDPOINTS   AGE\nweb    {ip}:80,{ip}:80   {age}\nWarning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  ],
  [
    "get endpointslices -l kubernetes.io/service-name=web",
    "NAME        ADDRESSTYPE   PORTS   ENDPOINTS   AGE\nweb-{id}   IPv4          80      {ip},{ip}   {age}",
  ],
  [
    "get all",
    `NAME   READY   STATUS   RESTARTS   AGE
pod/web-{hash}-{id}   1/1   Running   0   {age}
pod/web-{hash}-{id}   1/1   Running   0   {age}

NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE
service/kubernetes   ClusterIP   {ip}   <none>   443/TCP   {age}
service/web   ClusterIP   {ip}   <none>   80/TCP   {age}

NAME   READY   UP-TO-DATE   AVAILABLE   AGE
deployment.apps/web   2/2   2   2   {age}

NAME   DESIRED   CURRENT   READY   AGE
replicaset.apps/web-{hash}   2   2   2   {age}`,
  ],
  [
    "get pods -A --no-headers -o custom-columns=NS:.metadata.namespace,PHASE:.status.phase",
    "default   Running\ndefault   Running",
  ],
  ["get deploy web -o name", "deployment.apps/web"],
  ["get deploy/web svc/web -o name", "deployment.apps/web\nservice/web"],
  ["get deploy web -o jsonpath='{.spec.template.spec.containers[*].image}'", "busybox:1.36"],
  ["get deploy web -o go-template='{{.spec.replicas}}'", "2"],
  [
    "get deploy web -o jsonpath='{.spec.strategy}'",
    '{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"}',
  ],
  ["get deploy web -o jsonpath='{.spec.progressDeadlineSeconds} {.spec.revisionHistoryLimit}'", "600 10"],
  [
    "get svc web -o jsonpath='{.spec.sessionAffinity} {.spec.internalTrafficPolicy} {.spec.ipFamilies} {.spec.ipFamilyPolicy} {.spec.type} {.spec.ports[0].protocol}'",
    'None Cluster ["IPv4"] SingleStack ClusterIP TCP',
  ],
  [
    "get pods -o jsonpath='{range .items[*]}{.status.phase} {.status.qosClass};{end}'",
    "Running Burstable;Running Burstable;",
  ],
  [
    "get pods -l 'app in (web,db),!x' --field-selector status.phase=Running -o jsonpath='{.items[*].metadata.labels.app}'",
    "web web",
  ],
  ["get pods -l app=nosuch", "No resources found in default namespace."],
  ["get pods -n nosuch", "No resources found in nosuch namespace."],
  ["get pods --sort-by=.metadata.name -o name", "pod/web-{hash}-{id}\npod/web-{hash}-{id}"],
  ["get pods nosuch", 'Error from server (NotFound): pods "nosuch" not found', 1],
  [
    "get pods/a deploy/b",
    'Error from server (NotFound): pods "a" not found\nError from server (NotFound): deployments.apps "b" not found',
    1,
  ],
  ["get nosuch", 'error: the server doesn\'t have a resource type "nosuch"', 1],
  [
    "get pods -l app=web,,",
    `Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "app=web,,", field selector "": found ',', expected: identifier after ','`,
    1,
  ],
  [
    "get pods --field-selector spec.bogus=1",
    'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.bogus=1": field label not supported: spec.bogus',
    1,
  ],
  [
    "get nodes",
    "NAME   STATUS   ROLES   AGE   VERSION\nnode-1   Ready   {any}   {age}   v1.36.{any}\nnode-2   Ready   {any}   {age}   v1.36.{any}",
  ],
  [
    "get ns",
    "NAME   STATUS   AGE\ndefault   Active   {age}\nkube-node-lease   Active   {age}\nkube-public   Active   {age}\nkube-system   Active   {age}",
  ],
  [
    "get ns default -o jsonpath='{.metadata.labels} {.spec.finalizers} {.status.phase}'",
    '{"kubernetes.io/metadata.name":"default"} ["kubernetes"] Active',
  ],
  [
    "get componentstatuses",
    "NAME   STATUS   MESSAGE   ERROR\ncontroller-manager   Healthy   ok\nscheduler   Healthy   ok\netcd-0   Healthy   ok\nWarning: v1 ComponentStatus is deprecated in v1.19+",
  ],
  ["get apiservice v1.apps", "NAME      SERVICE   AVAILABLE   AGE\nv1.apps   Local     True        {age}"],
  [
    "describe deployment web",
    `Name:                   web
Namespace:              default
CreationTimestamp:      {any}
Labels:                 app=web
Annotations:            deployment.kubernetes.io/revision: 1
Selector:               app=web
Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  25% max unavailable, 25% max surge
Pod Template:
  Labels:  app=web
  Containers:
   c:
    Image:      busybox:1.36
    Port:       80/TCP
    Host Port:  0/TCP
    Command:
      sleep
      1000
    Limits:
      memory:  64Mi
    Requests:
      cpu:         50m
      memory:      16Mi
    Environment:   <none>
    Mounts:        <none>
  Volumes:         <none>
  Node-Selectors:  <none>
  Tolerations:     <none>
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      True    MinimumReplicasAvailable
  Progressing    True    NewReplicaSetAvailable
OldReplicaSets:  <none>
NewReplicaSet:   web-{hash} (2/2 replicas created)
Events:
  Type    Reason             Age   From                   Message
  ----    ------             ----  ----                   -------
  Normal  ScalingReplicaSet  {age}    deployment-controller  Scaled up replica set web-{hash} from 0 to 2`,
  ],
  [
    "describe service web",
    `Name:                     web
Namespace:                default
Labels:                   <none>
Annotations:              <none>
Selector:                 app=web
Type:                     ClusterIP
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       {ip}
IPs:                      {ip}
Port:                     <unset>  80/TCP
TargetPort:               http/TCP
Endpoints:                {ip}:80,{ip}:80
Session Affinity:         None
Internal Traffic Policy:  Cluster
Events:                   <none>`,
  ],
  [
    "events --for deployment/web",
    "LAST SEEN   TYPE   REASON   OBJECT   MESSAGE\n{age}   Normal   ScalingReplicaSet   Deployment/web   Scaled up replica set web-{hash} from 0 to 2",
  ],
  [
    "get events --field-selector involvedObject.kind=ReplicaSet",
    "LAST SEEN   TYPE   REASON   OBJECT   MESSAGE\n{age}   Normal   SuccessfulCreate   replicaset/web-{hash}   Created pod: web-{hash}-{id}\n{age}   Normal   SuccessfulCreate   replicaset/web-{hash}   Created pod: web-{hash}-{id}",
  ],
  ["get --raw /healthz", "ok"],
  ["get --raw /readyz", "ok"],
  ["get --raw /nosuch", "Error from server (NotFound): the server could not find the requested resource", 1],
  ["version", "Client Version: {any}\nKustomize Version: {any}\nServer Version: v1.36.{lines}"],
  [
    "cluster-info",
    "Kubernetes control plane is running at https://{ip}:6443\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
  ],
  [
    "api-resources --api-group=apps -o name",
    "controllerrevisions.apps\ndaemonsets.apps\ndeployments.apps\nreplicasets.apps\nstatefulsets.apps",
  ],
  [
    "api-resources --api-group=batch",
    "NAME   SHORTNAMES   APIVERSION   NAMESPACED   KIND\ncronjobs   cj   batch/v1   true   CronJob\njobs   batch/v1   true   Job",
  ],
  [
    "explain pod.spec.restartPolicy",
    `KIND:       Pod
VERSION:    v1

FIELD: restartPolicy <string>
ENUM:
    Always
    Never
    OnFailure

DESCRIPTION:
    Restart policy for all containers within the pod. One of Always, OnFailure,
    Never. In some contexts, only a subset of those values may be permitted.
    Default to Always. More info:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
    
    Possible enum values:
     - \`"Always"\`
     - \`"Never"\`
     - \`"OnFailure"\``,
  ],
  [
    "explain deployment.spec.strategy --recursive",
    `GROUP:      apps
KIND:       Deployment
VERSION:    v1

FIELD: strategy <DeploymentStrategy>


DESCRIPTION:
    The deployment strategy to use to replace existing pods with new ones.
    DeploymentStrategy describes how to replace existing pods with new ones.
    
FIELDS:
  rollingUpdate	<RollingUpdateDeployment>
    maxSurge	<IntOrString>
    maxUnavailable	<IntOrString>
  type	<string>
  enum: Recreate, RollingUpdate`,
  ],
  [
    "explain pod.spec.containers.resources --recursive",
    `KIND:       Pod
VERSION:    v1

FIELD: resources <ResourceRequirements>


DESCRIPTION:
    Compute Resources required by this container. Cannot be updated. More info:
    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
    ResourceRequirements describes the compute resource requirements.
    
FIELDS:
  claims	<[]ResourceClaim>
    name	<string> -required-
    request	<string>
  limits	<map[string]Quantity>
  requests	<map[string]Quantity>`,
  ],
  ["explain pod.metadata.creationTimestamp", "{lines}FIELD: creationTimestamp <string>{lines}"],
  ["explain pod.spec.nosuch", 'KIND:       Pod\nVERSION:    v1\n\nerror: field "nosuch" does not exist', 1],
  ["explain nosuch", 'the server doesn\'t have a resource type "nosuch"', 1],
  [
    "explain deploy --api-version=apps/v1beta1",
    'error: couldn\'t find resource for "apps/v1beta1, Resource=deployments"',
    1,
  ],
]);
