#!/bin/sh
# Takes the blockchain down. Wallets and chains stay in their volumes, for the next ./deploy.sh; --all deletes them too.
set -eu
cd "$(dirname "$0")"

namespace=blockchain

fail() {
  printf 'undeploy.sh: %s\n' "$*" >&2
  exit 1
}

command -v kubectl >/dev/null 2>&1 || fail "kubectl is not on the PATH: https://kubernetes.io/docs/tasks/tools/"
kubectl cluster-info >/dev/null 2>&1 || fail "no cluster answers: look at kubectl config current-context"

case "${1:-}" in
  --all)
    echo "Deleting the namespace $namespace with all wallets and chains"
    kubectl delete namespace "$namespace" --ignore-not-found
    exit 0
    ;;
  "") ;;
  *) fail "unknown argument $1; there is only --all" ;;
esac

for file in 13-network-policy.yaml 12-pod-disruption-budget.yaml 11-hpa-miner.yaml 10-hpa-webserver.yaml \
  09-service-webserver.yaml 09-service-webserver-headless.yaml 08-service-miner.yaml 08-service-miner-headless.yaml \
  07-deployment-webserver.yaml 06-statefulset-miner.yaml 15-redis.yaml 14-configmap-rate-limit.yaml 02-configmap.yaml; do
  kubectl delete -f "$file" --ignore-not-found
done
# Pods end by themselves now, each within its grace; what is started again before that would meet them.
for app in webserver miner redis; do
  kubectl wait --for=delete pod -l "app=$app" -n "$namespace" --timeout=120s 2>/dev/null || true
done

cat <<END

The blockchain is down. Kept: the namespace, its Secret, and the volumes with wallets and chains:
END
kubectl get pvc -n "$namespace" --ignore-not-found
echo "To delete those too: ./undeploy.sh --all"
