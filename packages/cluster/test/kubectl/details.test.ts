import { kubectlRows } from "./support.ts";

const pod = (name: string, spec: string) =>
  `---\n{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {${spec}containers: [{name: c, image: busybox, command: [sleep, "1000"]}]}}\n`;

/** From `openssl req -new -subj /O=devs/CN=jane`. */
const janesRequest =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIYU1JR0FBZ0VBTUI0eERUQUxCZ05WQkFvTUJHUmxkbk14RFRBTEJnTlZCQU1NQkdwaGJtVXdXVEFUQmdjcQpoa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVNoM3lvak9FR0FsTkExZWZ1Znd1NnVBbUtienYrYnFJcnFmMmVyClNxTFhKOG0zbTBZSTJwdk0wTmd5YndTSXhjQzlKSEdCdTduaW5TZkFRbTRqRVF4OW9BQXdDZ1lJS29aSXpqMEUKQXdJRFNRQXdSZ0loQU9NNnlhOGdRNFRMQ3U3NW5jekhYSWRJT253QURzLzFZSElPWnNaMXBvS2dBaUVBOVRsUQpqZDl6M0ErdGNOVGMzZnFWSk9IY2dTcnVQN1NNbmxPRTdjOGZhMTA9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

const restrictedOf = (name: string) =>
  `allowPrivilegeEscalation != false (container "${name}" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "${name}" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "${name}" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "${name}" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;

kubectlRows(
  "what the server adds to objects, and small refusals",
  {
    "pod.yaml": pod("p", "terminationGracePeriodSeconds: 0, "),
    "no-class.yaml": pod("no-class", "priorityClassName: nosuch, "),
    "system.yaml": pod("system", "terminationGracePeriodSeconds: 0, priorityClassName: system-node-critical, "),
    "words.yaml": `apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  containers:
  - {name: c, image: busybox, imagePullPolicy: Foo, env: [{name: "1=a"}, {name: B, valueFrom: {fieldRef: {fieldPath: foo}}}]}
  volumes: [{name: v}, {name: v}]
  tolerations: [{key: a, tolerationSeconds: 3}]
`,
    "csr.yaml": `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec: {request: ${janesRequest}, signerName: kubernetes.io/kube-apiserver-client, expirationSeconds: 86400, usages: [client auth]}
`,
    "privileged.yaml": `apiVersion: v1
kind: Pod
metadata: {name: privileged}
spec:
  hostNetwork: true
  containers: [{name: c, image: busybox, securityContext: {privileged: true, capabilities: {add: [NET_ADMIN]}}}]
  volumes: [{name: h, hostPath: {path: /}}]
`,
    "job.yaml":
      "---\n{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: c, image: busybox}]}}}}\n",
    "daemons.yaml": `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds}
spec:
  selector: {matchLabels: {app: ds}}
  template:
    metadata: {labels: {app: ds}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: busybox, command: [sleep, "1000"]}]}
`,
  },
  [
    ["apply -f pod.yaml", "pod/p created"],
    ["wait --for=condition=Ready pod/p --timeout=30s", "pod/p condition met"],
    ["get pod p -o jsonpath='{.metadata.generation} {.status.observedGeneration}'", "1 1"],
    [
      `get pod p -o jsonpath='{.status.conditions[?(@.type=="PodScheduled")]}'`,
      '{"lastProbeTime":null,"lastTransitionTime":"{time}","observedGeneration":1,"status":"True","type":"PodScheduled"}',
    ],
    [
      "get pod p -o jsonpath='{.status.containerStatuses[0].resources}{.status.containerStatuses[0].volumeMounts}'",
      '{}[{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access-{id}","readOnly":true,"recursiveReadOnly":"Disabled"}]',
    ],
    [
      "create -f words.yaml",
      `The Pod "words" is invalid: 
* spec.volumes[1].name: Duplicate value: "v"
* spec.containers[0].env[0].name: Invalid value: "1=a": a valid environment variable name must consist only of printable ASCII characters other than '='
* spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Invalid value: "foo": error converting fieldPath: field label not supported: foo
* spec.containers[0].imagePullPolicy: Unsupported value: "Foo": supported values: "Always", "IfNotPresent", "Never"
* spec.tolerations[0].effect: Invalid value: "": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
      1,
    ],
    [
      "create -f no-class.yaml",
      'Error from server (Forbidden): error when creating "no-class.yaml": pods "no-class" is forbidden: no PriorityClass with name nosuch was found',
      1,
    ],
    [
      "get priorityclasses",
      `NAME                      VALUE        GLOBAL-DEFAULT   AGE   PREEMPTIONPOLICY
system-cluster-critical   2000000000   false            {age}   PreemptLowerPriority
system-node-critical      2000001000   false            {age}   PreemptLowerPriority`,
    ],
    ["create -f system.yaml", "pod/system created"],
    ["get pod system -o jsonpath='{.spec.priority}'", "2000001000"],
    [
      "create priorityclass big --value=2000000000",
      'error: failed to create priorityclass: PriorityClass.scheduling.k8s.io "big" is invalid: value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
      1,
    ],
    ["create priorityclass usual --value=10 --global-default", "priorityclass.scheduling.k8s.io/usual created"],
    [
      "create priorityclass other --value=11 --global-default",
      'error: failed to create priorityclass: priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
      1,
    ],
    ["run usual --image=busybox --restart=Never -- true", "pod/usual created"],
    ["get pod usual -o jsonpath='{.spec.priorityClassName} {.spec.priority}'", "usual 10"],
    [
      `patch priorityclass usual -p '{"value":11}'`,
      'The PriorityClass "usual" is invalid: value: Forbidden: may not be changed in an update.',
      1,
    ],
    [
      "create -f job.yaml",
      'The Job "j" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
      1,
    ],
    ["create job once --image=busybox -- true", "job.batch/once created"],
    ["wait --for=condition=complete job/once --timeout=30s", "job.batch/once condition met"],
    ["get job once -o jsonpath='{.status.succeeded}/{.status.failed}/{.status.active}'", "1//"],
    ["create -f daemons.yaml", "daemonset.apps/ds created"],
    ["rollout status ds/ds", undefined],
    [
      "get ds ds -o jsonpath='{.metadata.annotations} {.status.numberAvailable} {.status.numberUnavailable}'",
      '{"deprecated.daemonset.template.generation":"1"} 2 ',
    ],
    ["set image ds/ds c=busybox:1", "daemonset.apps/ds image updated"],
    ["get ds ds -o jsonpath='{.metadata.annotations}'", '{"deprecated.daemonset.template.generation":"2"}'],
    ["create service clusterip s --tcp=80", "service/s created"],
    [
      `patch service s -p '{"spec":{"clusterIP":"127.0.0.9"}}'`,
      'The Service "s" is invalid: spec.clusterIPs[0]: Invalid value: ["127.0.0.9"]: may not change once set',
      1,
    ],
    [
      "get cm --field-selector=foo=bar",
      'Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "foo=bar": "foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
      1,
    ],
    [
      "get pods --field-selector=foo=bar",
      'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "foo=bar": field label not supported: foo',
      1,
    ],
    [
      "auth can-i --list",
      "{lines}*.*  []  []  [*]\n  [*]  []  [*]\nselfsubjectreviews.authentication.k8s.io  []  []  [create]{lines}",
    ],
    ["debug p --image=busybox --profile=general -c dbg -- sh -c 'echo looking; exit 3'", undefined],
    [
      "wait --for=jsonpath='{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}'=3 pod/p --timeout=30s",
      "pod/p condition met",
    ],
    ["logs p -c dbg", "looking"],
    ["get pod p", "NAME  READY  STATUS  RESTARTS  AGE\np  1/1  Running  0  {age}"],
    [
      "debug p -i --image=busybox --profile=general -c in --target=c -- sh -c 'sleep 1; echo $HOSTNAME'",
      "{lines}p\n{lines}",
    ],
    [
      "get events --field-selector reason=Started -o custom-columns=P:.involvedObject.fieldPath --no-headers",
      "{lines}spec.ephemeralContainers{dbg}{lines}",
    ],
    [
      `patch pod p --subresource=ephemeralcontainers -p '{"spec":{"ephemeralContainers":[{"name":"c","image":"x"}]}}'`,
      'The Pod "p" is invalid: spec.ephemeralContainers[{port}].name: Duplicate value: "c"',
      1,
    ],
    ["get csr", "No resources found"],
    ["create -f csr.yaml", "certificatesigningrequest.certificates.k8s.io/jane created"],
    [
      "get csr",
      "NAME  AGE  SIGNERNAME  REQUESTOR  REQUESTEDDURATION  CONDITION\njane  {age}  kubernetes.io/kube-apiserver-client  kubernetes-admin  24h  Pending",
    ],
    ["certificate approve jane", "certificatesigningrequest.certificates.k8s.io/jane approved"],
    ["wait --for=jsonpath='{.status.certificate}' csr/jane --timeout=30s", undefined],
    [
      "get csr jane --no-headers",
      "jane  {age}  kubernetes.io/kube-apiserver-client  kubernetes-admin  24h  Approved,Issued",
    ],
    [
      "certificate approve nosuch",
      'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "nosuch" not found',
      1,
    ],
    [
      "label namespace default pod-security.kubernetes.io/enforce=strict",
      'The Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
      1,
    ],
    ["create namespace secured", "namespace/secured created"],
    ["run early --image=nginx -n secured", "pod/early created"],
    [
      "label namespace secured pod-security.kubernetes.io/enforce=restricted",
      'namespace/secured labeled\nWarning: existing pods in namespace "secured" violate the new PodSecurity enforce level "restricted:latest"\nWarning: early: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile',
    ],
    [
      "run late --image=nginx -n secured",
      `Error from server (Forbidden): pods "late" is forbidden: violates PodSecurity "restricted:latest": ${restrictedOf("late")}`,
      1,
    ],
    [
      "create deployment late --image=nginx -n secured",
      `deployment.apps/late created\nWarning: would violate PodSecurity "restricted:latest": ${restrictedOf("nginx")}`,
    ],
    ["label namespace secured pod-security.kubernetes.io/enforce=baseline --overwrite", "namespace/secured labeled"],
    [
      "create -f privileged.yaml -n secured",
      'Error from server (Forbidden): error when creating "privileged.yaml": pods "privileged" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add), host namespaces (hostNetwork=true), hostPath volumes (volume "h"), privileged (container "c" must not set securityContext.privileged=true)',
      1,
    ],
    ["delete pod --all --now --wait=false", undefined],
  ],
);
