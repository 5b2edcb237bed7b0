#!/bin/sh
# Brings the blockchain up on the cluster that kubectl points at, in the order of dependence, and waits until it serves.
set -eu
cd "$(dirname "$0")"

namespace=blockchain
timeout=${TIMEOUT:-300s}

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

command -v kubectl >/dev/null 2>&1 || fail "kubectl is not on the PATH: https://kubernetes.io/docs/tasks/tools/"
kubectl cluster-info >/dev/null 2>&1 || fail "no cluster answers: start one, and look at kubectl config current-context"

apply() {
  say "$1"
  shift
  for file in "$@"; do kubectl apply -f "$file"; done
}

apply "Namespace" 01-namespace.yaml
apply "Configuration" 02-configmap.yaml 14-configmap-rate-limit.yaml 03-secrets.yaml
apply "Storage" 04-pvc-miner.yaml 05-pvc-webserver.yaml
apply "Redis" 15-redis.yaml
apply "Nodes" 06-statefulset-miner.yaml 07-deployment-webserver.yaml
apply "Services" 08-service-miner-headless.yaml 08-service-miner.yaml 09-service-webserver-headless.yaml 09-service-webserver.yaml
apply "Autoscalers" 10-hpa-webserver.yaml 11-hpa-miner.yaml
apply "Disruption budgets and network policies" 12-pod-disruption-budget.yaml 13-network-policy.yaml

wait_ready() {
  say "Waiting for the pods of $1"
  # `kubectl wait` alone knows only of pods that exist already, and webservers are made one after the other.
  kubectl rollout status "statefulset/$1" -n "$namespace" --timeout="$timeout" ||
    fail "not all pods of $1 were made: kubectl describe statefulset $1 -n $namespace"
  kubectl wait --for=condition=ready pod -l "app=$1" -n "$namespace" --timeout="$timeout" ||
    fail "the pods of $1 are not ready: kubectl describe pod -l app=$1 -n $namespace"
}
wait_ready miner
wait_ready webserver

say "Status"
kubectl get pods -n "$namespace" -o wide
kubectl get svc -n "$namespace"
kubectl get pvc -n "$namespace"
kubectl get hpa -n "$namespace"
cat <<END

The blockchain is up. Next:
  kubectl port-forward -n $namespace svc/webserver-service 8080:8080     # then open http://localhost:8080
  curl -f http://localhost:8080/api/health/ready
END
