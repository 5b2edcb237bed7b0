import { kubectlRows } from "./support.ts";

kubectlRows("kubectl create, run and expose", {}, [
  ["create namespace demo", "namespace/demo created"],
  ["create namespace demo", 'Error from server (AlreadyExists): namespaces "demo" already exists', 1],
  ["create deployment d1 --image=busybox:1.36 --replicas=2 -- sleep 1000", "deployment.apps/d1 created"],
  [
    "create deployment d1 --image=busybox",
    'error: failed to create deployment: deployments.apps "d1" already exists',
    1,
  ],
  ["create service clusterip s1 --tcp=80:8080", "service/s1 created"],
  ["create service nodeport s2 --tcp=80:8080", "service/s2 created"],
  ["create service loadbalancer s3 --tcp=80:8080", "service/s3 created"],
  ["create service externalname s4 --external-name=example.com", "service/s4 created"],
  ["create service clusterip s5 --clusterip=None", "service/s5 created"],
  [
    "get services",
    `NAME         TYPE           CLUSTER-IP  EXTERNAL-IP   PORT(S)        AGE
kubernetes   ClusterIP      {ip}        <none>        443/TCP        {age}
s1           ClusterIP      {ip}        <none>        80/TCP         {age}
s2           NodePort       {ip}        <none>        80:{port}/TCP  {age}
s3           LoadBalancer   {ip}        {ip}          80:{port}/TCP  {age}
s4           ExternalName   <none>      example.com   <none>         {age}
s5           ClusterIP      None        <none>        <none>         {age}`,
  ],
  [
    "get svc s1 -o wide",
    "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR\ns1 ClusterIP {ip} <none> 80/TCP {age} app=s1".replaceAll(
      / /g,
      "   ",
    ),
  ],
  ["create job j1 --image=busybox -- echo hi", "job.batch/j1 created"],
  ["create cronjob cj1 --image=busybox --schedule='*/5 * * * *' -- echo hi", "cronjob.batch/cj1 created"],
  [
    "create cronjob cj2 --image=busybox --schedule=bad -- echo hi",
    'error: failed to create cronjob: CronJob.batch "cj2" is invalid: spec.schedule: Invalid value: "bad": expected exactly 5 fields, found 1: [bad]',
    1,
  ],
  ["create job j2 --from=cronjob/cj1", "job.batch/j2 created"],
  ["wait --for=condition=complete job/j1 --timeout=60s", "job.batch/j1 condition met"],
  ["get job j1", "NAME   STATUS     COMPLETIONS   DURATION   AGE\nj1     Complete   1/1           {age}         {age}"],
  ["logs job/j1", "hi"],
  [
    "get cj",
    "NAME   SCHEDULE      TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE\ncj1    */5 * * * *   <none>     False     {any}",
  ],
  ["create ingress i1 --rule='foo.com/bar*=s1:80,tls=my-cert'", "ingress.networking.k8s.io/i1 created"],
  ["create ingress i2 --class=web --default-backend=s1:80", "ingress.networking.k8s.io/i2 created"],
  [
    "get ingress",
    "NAME   CLASS   HOSTS   ADDRESS   PORTS   AGE\ni1   {any}   foo.com   {any}80, 443   {age}\ni2   web   *   {any}80   {age}",
  ],
  ["create role r1 --verb=get,list --resource=pods", "role.rbac.authorization.k8s.io/r1 created"],
  [
    "create clusterrole cr1 --verb=get --resource=nodes,deployments.apps",
    "clusterrole.rbac.authorization.k8s.io/cr1 created",
  ],
  [
    "create clusterrole cr2 --verb=get --non-resource-url=/healthz",
    "clusterrole.rbac.authorization.k8s.io/cr2 created",
  ],
  ["create rolebinding rb1 --role=r1 --user=bob", "rolebinding.rbac.authorization.k8s.io/rb1 created"],
  [
    "create clusterrolebinding crb1 --clusterrole=cr1 --group=devs",
    "clusterrolebinding.rbac.authorization.k8s.io/crb1 created",
  ],
  [
    "describe role r1",
    `Name:         r1
Labels:       <none>
Annotations:  <none>
PolicyRule:
  Resources  Non-Resource URLs  Resource Names  Verbs
  ---------  -----------------  --------------  -----
  pods       []                 []              [get list]`,
  ],
  ["get rolebinding rb1", "NAME   ROLE      AGE\nrb1    Role/r1   {age}"],
  [
    "get clusterrolebinding crb1 -o wide",
    "NAME   ROLE              AGE   USERS   GROUPS   SERVICEACCOUNTS\ncrb1   ClusterRole/cr1   {age}   devs",
  ],
  ["create quota q1 --hard=pods=10,requests.cpu=2 -n demo", "resourcequota/q1 created"],
  ["create poddisruptionbudget p1 --selector=app=d1 --min-available=1", "poddisruptionbudget.policy/p1 created"],
  ["rollout status deployment/d1 --timeout=60s", '{lines}deployment "d1" successfully rolled out'],
  [
    "get pdb p1",
    "NAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE\np1     1               N/A               1                     {age}",
  ],
  ["create priorityclass pc1 --value=1000 --description=hi", "priorityclass.scheduling.k8s.io/pc1 created"],
  [
    "get pc pc1",
    "NAME   VALUE   GLOBAL-DEFAULT   AGE   PREEMPTIONPOLICY\npc1    1000    false            {age}    PreemptLowerPriority",
  ],
  ["create secret generic sec1 --from-literal=a=b", "secret/sec1 created"],
  [
    "create secret docker-registry sec2 --docker-username=u --docker-password=p --docker-server=x",
    "secret/sec2 created",
  ],
  [
    "get secrets",
    "NAME   TYPE                             DATA   AGE\nsec1   Opaque                           1      {age}\nsec2   kubernetes.io/dockerconfigjson   1      {age}",
  ],
  [
    "describe secret sec1",
    "Name:         sec1\nNamespace:    default\nLabels:       <none>\nAnnotations:  <none>\n\nType:  Opaque\n\nData\n====\na:  1 bytes",
  ],
  ["create configmap cm1 --from-literal=k=v", "configmap/cm1 created"],
  ["create configmap cm1 --from-literal=k=v", 'error: failed to create configmap: configmaps "cm1" already exists', 1],
  ["create serviceaccount sa1", "serviceaccount/sa1 created"],
  ["get sa sa1", "NAME   SECRETS   AGE\nsa1    0         {age}"],
  ["create token sa1", "{hash}.{any}.{any}".replace("{hash}", "{any}")],
  ["create token nosuch", 'error: failed to create token: serviceaccounts "nosuch" not found', 1],
  ["autoscale deployment d1 --min=1 --max=3 --cpu-percent=50", "horizontalpodautoscaler.autoscaling/d1 autoscaled"],
  [
    "get hpa d1",
    "NAME   REFERENCE       TARGETS              MINPODS   MAXPODS   REPLICAS   AGE\nd1     Deployment/d1   cpu: <unknown>/50%   1         3         {any}",
  ],
  ["expose deployment d1 --port=80 --target-port=8080", "service/d1 exposed"],
  ["expose deployment d1 --port=80", 'Error from server (AlreadyExists): services "d1" already exists', 1],
  ["run p1 --image=busybox --restart=Never -- echo hello", "pod/p1 created"],
  ["run p1 --image=busybox", 'Error from server (AlreadyExists): pods "p1" already exists', 1],
  ["run p2 --image=busybox --dry-run=client -o name", "pod/p2"],
  [
    "run p2 --image=busybox --dry-run=server -o jsonpath='{.status} {.spec.containers[0].imagePullPolicy} {.spec.tolerations[*].tolerationSeconds}'",
    '{"phase":"Pending","qosClass":"BestEffort"} Always 300 300',
  ],
  ["get pod p2", 'Error from server (NotFound): pods "p2" not found', 1],
  ["wait --for=jsonpath='{.status.phase}'=Succeeded pod/p1 --timeout=60s", "pod/p1 condition met"],
  ["logs p1", "hello"],
  ["get pod p1", "NAME   READY   STATUS      RESTARTS   AGE\np1     0/1     Completed   0          {age}"],
  ["exec p1 -- ls", "error: cannot exec into a container in a completed pod; current phase is Succeeded", 1],
  ["run r1 --rm -i --quiet --restart=Never --image=busybox -- echo out", "out"],
  ["delete pod p1", 'pod "p1" deleted'],
]);
