import { kubectlRows } from "./support.ts";

const limits = `apiVersion: v1
kind: LimitRange
metadata: {name: lr}
spec:
  limits:
  - {type: Container, default: {cpu: 500m, memory: 128Mi}, defaultRequest: {cpu: 100m}, max: {memory: 1Gi}, min: {memory: 16Mi}}
  - {type: PersistentVolumeClaim, max: {storage: 2Gi}, min: {storage: 1Gi}}
`;

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: {type: string, description: When it runs., pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'}
              image: {type: string}
              mode: {type: string, enum: [a, b], default: a}
              replicas: {type: integer, minimum: 1, maximum: 10}
          status: {type: object, properties: {replicas: {type: integer}}}
`;

const cronTab = (name: string, spec: string) =>
  `---\n{apiVersion: stable.example.com/v1, kind: CronTab, metadata: {name: ${name}}, spec: {${spec}}}\n`;

kubectlRows(
  "kubectl and custom resources",
  {
    "crd.yaml": definition,
    "ct.yaml": cronTab("my", "cronSpec: '* * * * */5', image: x, replicas: 2"),
    "bad.yaml": cronTab("bad", "cronSpec: nope, replicas: 20"),
    "mode.yaml": cronTab("bad", "cronSpec: '* * * * *', mode: z"),
    "worse.yaml": cronTab("bad", "cronSpec: 5"),
    "unknown.yaml": cronTab("bad", "cronSpec: '* * * * *', foo: 1"),
    "empty.yaml": cronTab("bad", ""),
  },
  [
    ["apply -f crd.yaml", "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created"],
    [
      "wait --for=condition=established crd/crontabs.stable.example.com --timeout=30s",
      "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com condition met",
    ],
    ["apply -f ct.yaml", "crontab.stable.example.com/my created"],
    ["get ct", "NAME   SPEC          REPLICAS   AGE\nmy     * * * * */5   2          {age}"],
    ["get crontabs my -o jsonpath='{.spec.mode} {.metadata.generation}'", "a 1"],
    [
      "apply -f bad.yaml",
      `The CronTab "bad" is invalid: \n* spec.cronSpec: Invalid value: "nope": spec.cronSpec in body should match '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'
* spec.replicas: Invalid value: 20: spec.replicas in body should be less than or equal to 10`,
      1,
    ],
    [
      "apply -f mode.yaml",
      'The CronTab "bad" is invalid: spec.mode: Unsupported value: "z": supported values: "a", "b"',
      1,
    ],
    [
      "apply -f worse.yaml",
      'The CronTab "bad" is invalid: spec.cronSpec: Invalid value: "integer": spec.cronSpec in body must be of type string: "integer"',
      1,
    ],
    ["apply -f empty.yaml", 'The CronTab "bad" is invalid: spec.cronSpec: Required value', 1],
    [
      "apply -f unknown.yaml",
      'Error from server (BadRequest): error when creating "unknown.yaml": CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field "spec.foo"',
      1,
    ],
    [
      `patch ct my --type=merge -p '{"spec":{"replicas":0}}'`,
      'The CronTab "my" is invalid: spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1',
      1,
    ],
    ["scale ct my --replicas=3", "crontab.stable.example.com/my scaled"],
    ["get ct my -o jsonpath='{.spec.replicas}'", "3"],
    [
      "explain ct.spec.cronSpec",
      "GROUP:      stable.example.com\nKIND:       CronTab\nVERSION:    v1\n\nFIELD: cronSpec <string>\n\n\nDESCRIPTION:\n    When it runs.",
    ],
    [
      "api-resources --api-group=stable.example.com",
      "NAME   SHORTNAMES   APIVERSION   NAMESPACED   KIND\ncrontabs   ct   stable.example.com/v1   true   CronTab",
    ],
    [
      "delete crd crontabs.stable.example.com",
      'customresourcedefinition.apiextensions.k8s.io "crontabs.stable.example.com" deleted',
    ],
    ["apply -f crd.yaml", "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created"],
    [
      "wait --for=condition=established crd/crontabs.stable.example.com --timeout=30s",
      "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com condition met",
    ],
    ["get ct", "No resources found in default namespace."],
  ],
);

kubectlRows(
  "kubectl and limits",
  {
    "limits.yaml": limits,
    "big.yaml":
      "---\n{apiVersion: v1, kind: Pod, metadata: {name: big}, spec: {containers: [{name: c, image: busybox, resources: {limits: {memory: 1536Mi}}}]}}\n",
    "small.yaml":
      "---\n{apiVersion: v1, kind: Pod, metadata: {name: small}, spec: {containers: [{name: c, image: busybox, resources: {limits: {memory: 8Mi}}}]}}\n",
    "claim.yaml":
      "---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}}\n",
  },
  [
    ["create namespace q", "namespace/q created"],
    [
      "create quota q1 -n q --hard=pods=2,requests.cpu=1,count/deployments.apps=1,services.nodeports=0",
      "resourcequota/q1 created",
    ],
    ["wait --for=jsonpath='{.status.used.pods}'=0 quota/q1 -n q --timeout=30s", "resourcequota/q1 condition met"],
    [
      "get quota -n q",
      "NAME   REQUEST   LIMIT   AGE\nq1     count/deployments.apps: 0/1, pods: 0/2, requests.cpu: 0/1, services.nodeports: 0/0   {age}",
    ],
    [
      "describe quota q1 -n q",
      "Name:                   q1\nNamespace:              q\nResource                Used  Hard\n--------                ----  ----\ncount/deployments.apps  0     1\npods                    0     2\nrequests.cpu            0     1\nservices.nodeports      0     0",
    ],
    [
      "run a -n q --image=busybox -- sleep 100",
      'Error from server (Forbidden): pods "a" is forbidden: failed quota: q1: must specify requests.cpu for: a',
      1,
    ],
    ["create deployment d -n q --image=busybox -- sleep 1000", "deployment.apps/d created"],
    [
      "create deployment d2 -n q --image=busybox -- sleep 1000",
      'error: failed to create deployment: deployments.apps "d2" is forbidden: exceeded quota: q1, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
      1,
    ],
    [
      "create service nodeport n -n q --tcp=80",
      'error: failed to create NodePort service: services "n" is forbidden: exceeded quota: q1, requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0',
      1,
    ],
    ["wait --for=condition=ReplicaFailure deployment/d -n q --timeout=30s", "deployment.apps/d condition met"],
    [
      "get deployment d -n q",
      "NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nd      0/1     0            0           {age}",
    ],
    ["create namespace lim", "namespace/lim created"],
    ["apply -n lim -f limits.yaml", "limitrange/lr created"],
    ["get limits -n lim", "NAME   CREATED AT\nlr     {time}"],
    ["run a -n lim --image=busybox -- sleep 100", "pod/a created"],
    [
      "get pod a -n lim -o jsonpath='{.spec.containers[0].resources}'",
      '{"limits":{"cpu":"500m","memory":"128Mi"},"requests":{"cpu":"100m","memory":"128Mi"}}',
    ],
    [
      "get pod a -n lim -o jsonpath='{.metadata.annotations}'",
      '{"kubernetes.io/limit-ranger":"LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a"}',
    ],
    [
      "apply -n lim -f big.yaml",
      'Error from server (Forbidden): error when creating "big.yaml": pods "big" is forbidden: maximum memory usage per Container is 1Gi, but limit is 1536Mi',
      1,
    ],
    [
      "apply -n lim -f small.yaml",
      'Error from server (Forbidden): error when creating "small.yaml": pods "small" is forbidden: minimum memory usage per Container is 16Mi, but request is 8Mi',
      1,
    ],
    [
      "apply -n lim -f claim.yaml",
      'Error from server (Forbidden): error when creating "claim.yaml": persistentvolumeclaims "p" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi',
      1,
    ],
  ],
);

kubectlRows("kubectl auth", {}, [
  ["create role reader --verb=get,list --resource=pods", "role.rbac.authorization.k8s.io/reader created"],
  ["create rolebinding bob --role=reader --user=bob", "rolebinding.rbac.authorization.k8s.io/bob created"],
  ["auth can-i get pods", "yes"],
  ["auth can-i '*' '*'", "yes"],
  ["auth can-i list pods --as=bob", "yes"],
  ["auth can-i delete pods --as=bob", "no", 1],
  ["auth can-i list pods --as=system:serviceaccount:default:default", "no", 1],
  ["auth can-i get nosuch", "yes\nWarning: the server doesn't have a resource type 'nosuch'"],
  [
    "auth can-i --list --as=bob",
    "Resources   Non-Resource URLs   Resource Names   Verbs\n{lines}pods   []   []   [get list]{lines}",
  ],
  ["auth whoami -o jsonpath='{.status.userInfo.groups}'", '["system:masters","system:authenticated"]'],
  ["auth whoami --as=bob --as-group=x", "ATTRIBUTE   VALUE\nUsername    bob\nGroups      [x system:authenticated]"],
  ["get pods --as=bob", "No resources found in default namespace."],
  [
    "get pods --as=eve",
    'Error from server (Forbidden): pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "default"',
    1,
  ],
  [
    "get nodes --as=eve",
    'Error from server (Forbidden): nodes is forbidden: User "eve" cannot list resource "nodes" in API group "" at the cluster scope',
    1,
  ],
  [
    "get deploy web -n kube-system --as=eve",
    'Error from server (Forbidden): deployments.apps "web" is forbidden: User "eve" cannot get resource "deployments" in API group "apps" in the namespace "kube-system"',
    1,
  ],
  [
    "delete pod x --as=bob",
    'Error from server (Forbidden): pods "x" is forbidden: User "bob" cannot delete resource "pods" in API group "" in the namespace "default"',
    1,
  ],
  [
    "create configmap x --as=bob",
    'error: failed to create configmap: configmaps is forbidden: User "bob" cannot create resource "configmaps" in API group "" in the namespace "default"',
    1,
  ],
  ["get pods --token=bad", "error: You must be logged in to the server (Unauthorized)", 1],
]);
