import { kubectlRows } from "./support.ts";

const pods = `apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: two}}
spec:
  terminationGracePeriodSeconds: 0
  initContainers: [{name: i, image: busybox, command: [echo, init]}]
  containers:
  - {name: a, image: busybox, command: [sh, -c, "echo from-a; sleep 1000"], workingDir: /tmp}
  - {name: b, image: busybox, command: [sh, -c, "echo from-b; sleep 1000"], env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec: {containers: [{name: c, image: busybox, command: [sh, -c, "echo dying; exit 3"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: badimg}
spec: {containers: [{name: c, image: "nosuch.example/none:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: badcm}
spec: {containers: [{name: c, image: busybox, envFrom: [{configMapRef: {name: missing}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: toobig}
spec: {containers: [{name: c, image: busybox, resources: {requests: {cpu: "1000"}}}]}
`;

kubectlRows("kubectl and the pods", { "pods.yaml": pods }, [
  [
    "apply -f pods.yaml",
    "pod/two created\npod/crash created\npod/badimg created\npod/badcm created\npod/toobig created",
  ],
  ["wait --for=condition=Ready pod/two --timeout=60s", "pod/two condition met"],
  ["wait --for=delete pod/nosuch --timeout=5s", ""],
  ["wait --for=condition=Ready pod/nosuch --timeout=1s", 'Error from server (NotFound): pods "nosuch" not found', 1],
  [
    "wait --for=condition=Ready pod/badimg --timeout=1s",
    "error: timed out waiting for the condition on pods/badimg",
    1,
  ],
  ["logs two", 'from-a\nDefaulted container "a" out of: a, b, i (init)'],
  ["logs two -c b", "from-b"],
  ["logs two --all-containers --prefix", "[pod/two/{any}] {any}\n[pod/two/{any}] {any}\n[pod/two/{any}] {any}"],
  ["logs two -c nosuch", "error: container nosuch is not valid for pod two", 1],
  [
    "logs two -c a --previous",
    'Error from server (BadRequest): previous terminated container "a" in pod "two" not found',
    1,
  ],
  ["logs nosuch", 'error: error from server (NotFound): pods "nosuch" not found in namespace "default"', 1],
  [
    "wait --for=jsonpath='{.status.containerStatuses[0].state.waiting.reason}'=ImagePullBackOff pod/badimg --timeout=60s",
    "pod/badimg condition met",
  ],
  [
    "logs badimg",
    'Error from server (BadRequest): container "c" in pod "badimg" is waiting to start: trying and failing to pull image',
    1,
  ],
  ["logs toobig", ""],
  ["exec two -c a -- pwd", "/tmp"],
  ["exec two -c b -- printenv POD", "two"],
  ["exec two -c a -- sh -c 'exit 7'", "command terminated with exit code 7", 7],
  ["exec two -c nosuch -- ls", "Error from server (BadRequest): container nosuch is not valid for pod two", 1],
  ["exec nosuch -- ls", 'Error from server (NotFound): pods "nosuch" not found', 1],
  ["exec badimg -- ls", 'error: unable to upgrade connection: container not found ("c")', 1],
  ["exec toobig -- ls", "Error from server (BadRequest): pod toobig does not have a host assigned", 1],
  ["cp two:/etc/hostname hostname -c a", "{any}"],
  [
    "wait --for=jsonpath='{.status.containerStatuses[0].lastState.terminated.exitCode}'=3 pod/crash --timeout=60s",
    "pod/crash condition met",
  ],
  [
    "get pod badimg badcm toobig",
    "NAME   READY   STATUS   RESTARTS   AGE\nbadimg   0/1   {pull}   0   {age}\nbadcm   0/1   CreateContainerConfigError   0   {age}\ntoobig   0/1   Pending   0   {age}",
  ],
  ["get pod toobig -o wide --no-headers", "toobig   0/1   Pending   0   {age}   <none>   <none>   <none>   <none>"],
  [
    "get events --field-selector involvedObject.name=badcm,type=Warning -o jsonpath='{.items[0].message}'",
    'Error: configmap "missing" not found',
  ],
  [
    "get pod toobig -o jsonpath='{.status.conditions[0].type} {.status.conditions[0].status} {.status.conditions[0].reason} {.status.conditions[0].message}'",
    "PodScheduled False Unschedulable 0/2 nodes are available: 2 Insufficient cpu. {any}preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  ],
  [
    "describe pod two",
    `Name:             two
Namespace:        default
Priority:         0
Service Account:  default
Node:             node-{any}/{ip}
Start Time:       {any}
Labels:           app=two
Annotations:      <none>
Status:           Running
IP:               {ip}
IPs:
  IP:  {ip}
Init Containers:
  i:
    Container ID:  {any}
    Image:         busybox
    Image ID:      {any}
    Port:          <none>
    Host Port:     <none>
    Command:
      echo
      init
    State:          Terminated
      Reason:       Completed
      Exit Code:    0
      Started:      {any}
      Finished:     {any}
    Ready:          True
    Restart Count:  0
    Environment:    <none>
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-{id} (ro)
Containers:
  a:
    Container ID:  {any}
    Image:         busybox
    Image ID:      {any}
    Port:          <none>
    Host Port:     <none>
    Command:
      sh
      -c
      echo from-a; sleep 1000
    State:          Running
      Started:      {any}
    Ready:          True
    Restart Count:  0
    Environment:    <none>
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-{id} (ro)
  b:
    Container ID:  {any}
    Image:         busybox
    Image ID:      {any}
    Port:          <none>
    Host Port:     <none>
    Command:
      sh
      -c
      echo from-b; sleep 1000
    State:          Running
      Started:      {any}
    Ready:          True
    Restart Count:  0
    Environment:
      POD:  two (v1:metadata.name)
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-{id} (ro)
Conditions:
  Type                        Status
  PodReadyToStartContainers   True
  Initialized                 True
  Ready                       True
  ContainersReady             True
  PodScheduled                True
Volumes:
  kube-api-access-{id}:
    Type:                    Projected (a volume that contains injected data from multiple sources)
    TokenExpirationSeconds:  3607
    ConfigMapName:           kube-root-ca.crt
    ConfigMapOptional:       <nil>
    DownwardAPI:             true
QoS Class:                   BestEffort
Node-Selectors:              <none>
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             node.kubernetes.io/unreachable:NoExecute op=Exists for 300s
Events:
  Type    Reason     Age   From               Message
  ----    ------     ----  ----               -------
  Normal  Scheduled  {age}    default-scheduler  Successfully assigned default/two to node-{any}
{lines}`,
  ],
  ["top pod nosuch", 'Error from server (NotFound): pods "nosuch" not found', 1],
  ["debug two --image=busybox -c eph --profile=general -- true", "{any}"],
  ["label pod two tier=x", "pod/two labeled"],
  [
    "delete pod two --grace-period=0 --force",
    'pod "two" force deleted\nWarning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
  ],
  [
    "delete pod crash badimg badcm toobig --now",
    'pod "crash" deleted\npod "badimg" deleted\npod "badcm" deleted\npod "toobig" deleted',
  ],
]);

const server = "require('http').createServer((q, r) => r.end(q.method + ' ' + q.url)).listen(8080)";
const at = "/api/v1/namespaces/default";

kubectlRows("kubectl through the API server's proxies", {}, [
  [`run echo --image=node --port=8080 --expose -- node -e "${server}"`, "service/echo created\npod/echo created"],
  ["wait --for=condition=Ready pod/echo --timeout=60s", "pod/echo condition met"],
  [
    "wait --for=jsonpath='{.endpoints[0].conditions.ready}'=true endpointslice -l kubernetes.io/service-name=echo --timeout=60s",
    "endpointslice.discovery.k8s.io/echo-{id} condition met",
  ],
  [`get --raw ${at}/pods/echo/proxy/a%20b?c=d`, "GET /a%20b?c=d"],
  [`get --raw ${at}/services/echo:8080/proxy/x`, "GET /x"],
  [`get --raw ${at}/services/http:echo:8080/proxy/`, "GET /"],
  [
    `get --raw ${at}/services/echo:81/proxy/`,
    'Error from server (ServiceUnavailable): no service port "81" found for service "echo"',
    1,
  ],
  [`get --raw ${at}/services/nosuch/proxy/`, 'Error from server (NotFound): services "nosuch" not found', 1],
  [
    `get --raw ${at}/pods/echo:9/proxy/`,
    "Error from server (ServiceUnavailable): error trying to reach service: dial tcp {ip}:9: connect: connection refused",
    1,
  ],
]);
