import { kubectlRows } from "./support.ts";

const configMap = (name: string, value: string) =>
  `---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}, labels: {a: b}}, data: {k: ${value}}}\n`;

const deployment = (spec: string, labels = "x") => `apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  ${spec}
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: ${labels}}}
    spec: {containers: [{name: c, image: busybox, command: [sleep, "1000"]}]}
`;

const lastApplied =
  "Warning: resource configmaps/{name} is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.";

const conflictHelp = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

kubectlRows(
  "kubectl apply, patch, label, replace, edit and delete",
  {
    "cm.yaml": configMap("cm", "v"),
    "cm2.yaml": configMap("cm", "w"),
    "ssa.yaml": configMap("ssa", "v"),
    "ssa2.yaml": configMap("ssa", "w"),
    "stale.yaml": "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: cm, resourceVersion: '1'}, data: {k: z}}\n",
    "bad-pod.yaml": `apiVersion: v1
kind: Pod
metadata: {name: Bad_Name}
spec:
  restartPolicy: Sometimes
  containers: [{name: c, ports: [{containerPort: 99999}]}]
`,
    "unknown-field.yaml": deployment("replica: 2"),
    "mismatch.yaml": deployment("replicas: 1", "other"),
    "wrong-type.yaml": deployment("replicas: two"),
    "good.yaml": deployment("replicas: 1"),
    "unknown-kind.yaml": "---\n{apiVersion: foo.example.com/v1, kind: Foo, metadata: {name: foo}}\n",
    "no-kind.yaml": "---\n{apiVersion: v1, metadata: {name: foo}}\n",
    "no-namespace.yaml": "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: lost, namespace: nosuch}}\n",
    "kustomization.yaml": "namePrefix: k-\nresources: [ssa.yaml]\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n",
  },
  [
    ["create configmap cm --from-literal=k=v", "configmap/cm created"],
    ["apply -f cm.yaml", `configmap/cm configured\n${lastApplied.replace("{name}", "cm")}`],
    ["apply -f cm.yaml", "configmap/cm unchanged"],
    ["diff -f cm.yaml", ""],
    ["diff -f cm2.yaml", "{lines}-  k: v\n+  k: w{lines}", 1],
    ["apply -f cm2.yaml --dry-run=client", "configmap/cm configured (dry run)"],
    ["apply -f cm2.yaml --dry-run=server", "configmap/cm configured (server dry run)"],
    ["get cm cm -o jsonpath='{.data.k}'", "v"],
    ["replace -f cm2.yaml", "configmap/cm replaced"],
    [
      "replace -f stale.yaml",
      'Error from server (Conflict): error when replacing "stale.yaml": Operation cannot be fulfilled on configmaps "cm": the object has been modified; please apply your changes to the latest version and try again',
      1,
    ],
    ["replace --force -f cm.yaml", 'configmap "cm" deleted\nconfigmap/cm replaced'],
    ["label cm cm x=y", "configmap/cm labeled"],
    ["label cm cm x=y", "configmap/cm not labeled"],
    ["label cm cm x=z", "error: 'x' already has a value (y), and --overwrite is false", 1],
    ["label cm cm x=z --overwrite", "configmap/cm labeled"],
    ["get cm cm --show-labels", "NAME   DATA   AGE   LABELS\ncm     1      {age}    a=b,x=z"],
    ["get cm cm -L x", "NAME   DATA   AGE   X\ncm     1      {age}    z"],
    ["label cm cm x-", "configmap/cm unlabeled"],
    ["label cm cm x-", 'label "x" not found.\nconfigmap/cm not labeled'],
    ["annotate cm cm foo=bar", "configmap/cm annotated"],
    ["annotate cm cm foo-", "configmap/cm annotated"],
    [`patch cm cm -p '{"data":{"k":"v2"}}'`, "configmap/cm patched"],
    [`patch cm cm -p '{"data":{"k":"v2"}}'`, "configmap/cm patched (no change)"],
    [`patch cm cm --type=json -p '[{"op":"replace","path":"/data/k","value":"v3"}]'`, "configmap/cm patched"],
    [
      `patch cm cm --type=json -p '[{"op":"test","path":"/data/k","value":"no"}]'`,
      "The request is invalid: the server rejected our request due to an error in our request",
      1,
    ],
    [`patch cm cm --type=merge -p '{"data":{"k":null,"z":"1"}}'`, "configmap/cm patched"],
    ["get cm cm -o jsonpath='{.data}'", '{"z":"1"}'],
    [
      `patch cm cm --type=merge -p '{"data":'`,
      "Error from server (BadRequest): error decoding patch: unexpected end of JSON input",
      1,
    ],
    [
      `patch cm cm --type=merge -p '{"data":{"k":1}}'`,
      "The request is invalid: patch: Invalid value: {any}: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
      1,
    ],
    ["patch cm nosuch -p '{}'", 'Error from server (NotFound): configmaps "nosuch" not found', 1],
    ["apply --server-side -f ssa.yaml", "configmap/ssa serverside-applied"],
    [
      "apply --server-side -f ssa2.yaml --field-manager=other",
      `error: Apply failed with 1 conflict: conflict with "kubectl": .data.k\n${conflictHelp}`,
      1,
    ],
    ["apply --server-side -f ssa2.yaml --field-manager=other --force-conflicts", "configmap/ssa serverside-applied"],
    [
      "get cm ssa -o jsonpath='{.metadata.managedFields[*].manager} {.metadata.managedFields[*].operation}' --show-managed-fields",
      "kubectl other Apply Apply",
    ],
    ["apply -k .", "configmap/k-gen-{hash} created\nconfigmap/k-ssa created"],
    ["delete -k .", 'configmap "k-gen-{hash}" deleted\nconfigmap "k-ssa" deleted'],
    [
      "apply -f bad-pod.yaml",
      `The Pod "Bad_Name" is invalid: \n* metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
* spec.containers[0].image: Required value
* spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive
* spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"`,
      1,
    ],
    [
      "apply -f unknown-field.yaml",
      'Error from server (BadRequest): error when creating "unknown-field.yaml": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica"',
      1,
    ],
    ["apply -f unknown-field.yaml --validate=warn", 'deployment.apps/x created\nWarning: unknown field "spec.replica"'],
    ["delete deployment x", 'deployment.apps "x" deleted'],
    [
      "create -f mismatch.yaml",
      'The Deployment "x" is invalid: spec.template.metadata.labels: Invalid value: {"app":"other"}: `selector` does not match template `labels`',
      1,
    ],
    [
      "create -f wrong-type.yaml",
      'Error from server (BadRequest): error when creating "wrong-type.yaml": Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
      1,
    ],
    [
      "apply -f unknown-kind.yaml",
      'error: resource mapping not found for name: "foo" namespace: "" from "unknown-kind.yaml": no matches for kind "Foo" in version "foo.example.com/v1"\nensure CRDs are installed first',
      1,
    ],
    [
      "apply -f no-kind.yaml",
      'error: error validating "no-kind.yaml": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false',
      1,
    ],
    [
      "create -f no-namespace.yaml",
      'Error from server (NotFound): error when creating "no-namespace.yaml": namespaces "nosuch" not found',
      1,
    ],
    ["apply -f nosuch.yaml", 'error: the path "nosuch.yaml" does not exist', 1],
    ["create -f good.yaml", "deployment.apps/x created"],
    [
      "create -f good.yaml",
      'Error from server (AlreadyExists): error when creating "good.yaml": deployments.apps "x" already exists',
      1,
    ],
    [
      `patch deployment x -p '{"spec":{"selector":{"matchLabels":{"a":"b"}}}}'`,
      'The Deployment "x" is invalid: \n* spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`\n* spec.selector: Invalid value: {"matchLabels":{"a":"b","app":"x"}}: field is immutable',
      1,
    ],
    ["EDITOR='sed -i s/replicas:.1/replicas:\\ 2/' edit deployment x", "deployment.apps/x edited"],
    ["EDITOR='true' edit deployment x", "Edit cancelled, no changes made."],
    ["get deployment x -o jsonpath='{.spec.replicas}'", "2"],
    ["delete deployment x --cascade=orphan", 'deployment.apps "x" deleted'],
    ["get rs -l app=x -o jsonpath='{.items[*].spec.replicas}'", "2"],
    ["delete rs -l app=x --cascade=foreground --wait=false", 'replicaset.apps "x-{hash}" deleted'],
    ["delete cm cm ssa", 'configmap "cm" deleted\nconfigmap "ssa" deleted'],
    ["delete cm cm", 'Error from server (NotFound): configmaps "cm" not found', 1],
    ["delete cm cm --ignore-not-found", ""],
    ["delete cm -l nosuch=label", "No resources found"],
    ["delete cm", "error: resource(s) were provided, but no name was specified", 1],
    [
      "delete namespace default",
      'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
      1,
    ],
    ["create namespace doomed", "namespace/doomed created"],
    ["create configmap x -n doomed", "configmap/x created"],
    ["delete namespace doomed", 'namespace "doomed" deleted'],
    ["get namespace doomed", 'Error from server (NotFound): namespaces "doomed" not found', 1],
  ],
);
